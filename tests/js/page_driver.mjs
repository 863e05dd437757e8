// A page without a browser: the real store behind a pipe, for tests/page/test_schedules.py.
import { createInterface } from "node:readline";
import { StreamStore } from "../../streamui/page/client/store.js";

let store, requests, heard;

const listen = (id) => {
  if (heard.has(id)) return;
  const note = () => heard.set(id, store.entry(id).snapshot);
  store.listen(id, note);
  note();
};

const commands = {
  load() {
    requests = [];
    heard = new Map();
    store = new StreamStore({
      schedule: (publish) => publish(),
      request: (streams) => requests.push({ streams }),
    });
  },
  frame: (frame) => store.apply(frame),
  show: (handles) => {
    for (const handle of handles)
      if (!handle.status || handle.held) listen(handle.$stream);
      else if (handle.$stream) store.adopt(handle);
  },
  resume: () => requests.push(store.resume()),
  // What the store does by itself a moment after a listener came.
  want: () => {
    const missing = [...store.entries.values()].filter((e) => !e.known && e.listeners.size > 0);
    if (missing.length)
      requests.push({ streams: Object.fromEntries(missing.map((e) => [e.id, e.offset])) });
  },
  read: (ids) =>
    ids.map((id) => {
      const { value, status } = heard.get(id) ?? {};
      return [value ?? null, status ?? null];
    }),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = JSON.parse(line);
  const answer = commands[command](argument);
  console.log(JSON.stringify({ answer: answer ?? null, requests: requests.splice(0) }));
});

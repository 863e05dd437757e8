// A page without a browser: the real store behind a pipe, for tests/page/test_schedules.py.
import { createInterface } from "node:readline";
import { StreamStore, snapshotOf } from "../../streamui/page/client/store.js";

let store, requests, places;

// What useStreamable does: the newest handle counts, and what is shown is listened to.
const mount = (place) => {
  const { $stream: id, status, value, error, held } = place.handle;
  place.read = () => store.entry(id).snapshot;
  if (status && !held) {
    store.adopt(place.handle);
    place.read = () => snapshotOf(value, status, error);
  }
  place.note ??= () => {
    const { value, status } = (place.heard = place.read());
    const last = place.history.at(-1);
    if (last?.[0] !== value || last?.[1] !== status) place.history.push([value, status]);
  };
  place.leave ??= store.listen(id, place.note);
  place.note();
};

const commands = {
  load() {
    requests = [];
    places = new Map();
    store = new StreamStore({
      schedule: (publish) => publish(),
      request: (streams) => requests.push({ streams }),
      keep: 0,
    });
    store.tidySoon = () => {}; // the schedule says when
  },
  frame: (frame) => store.apply(frame),
  show: (handles) => {
    for (const handle of handles.filter((each) => each.$stream)) {
      const place = places.get(handle.$stream) ?? { history: [] };
      places.set(handle.$stream, Object.assign(place, { handle }));
      mount(place);
    }
  },
  hide: (ids) => {
    for (const place of ids.map((id) => places.get(id)).filter((each) => each?.leave)) {
      place.leave();
      Object.assign(place, { leave: null, heard: null });
    }
  },
  back: () => [...places.values()].forEach(mount),
  tidy: () => store.tidy(),
  resume: () => requests.push(store.resume()),
  // What the store does by itself a moment after a listener came.
  want: () => {
    const missing = [...store.entries.values()].filter((e) => !e.known && e.listeners.size > 0);
    if (missing.length)
      requests.push({ streams: Object.fromEntries(missing.map((e) => [e.id, e.offset])) });
  },
  read: (ids) =>
    ids.map((id) => {
      const { value, status } = places.get(id)?.heard ?? {};
      return [value ?? null, status ?? null];
    }),
  error: (id) => [places.get(id).heard.code, places.get(id).heard.error],
  // All that a component has drawn of a stream, in order.
  history: (id) => places.get(id).history.map(([value, status]) => [value ?? null, status]),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, argument] = JSON.parse(line);
  const answer = commands[command](argument);
  console.log(JSON.stringify({ answer: answer ?? null, requests: requests.splice(0) }));
});

// Browser tabs without a browser: the real page store over real sockets, many in one process.
// A line of standard input is [tab, command, argument, number], its answer [tab, answer, number].
// While a tab is watched, what is new in a text is told as [tab, {id, from, text, status, at}].
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { snapshotOf, StreamStore } from "../../streamui/page/client/store.js";

const ROOT = "reflex___state____state";
const CONNECTION = `${ROOT}.streamui___page___connection____stream_connection`;
const say = (...line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const handlesIn = (value, found = []) => {
  if (typeof value !== "object" || value === null) return found;
  if (typeof value.$stream === "string") found.push(value);
  else Object.values(value).forEach((inner) => handlesIn(inner, found));
  return found;
};

class Tab {
  constructor(name, { url, token, delay = 0, watch = false }) {
    Object.assign(this, { name, url, token, delay, watch });
    this.vars = {};
    this.load();
    this.connect();
  }

  // As a page that loads: it knows nothing.
  load() {
    this.shown = new Map();
    this.frames = 0;
    this.store = new StreamStore({
      schedule: (publish) => publish(),
      request: (streams) => this.event(`${CONNECTION}.hello`, { streams }),
    });
  }

  connect() {
    const event = { name: `${ROOT}.hydrate`, payload: {}, router_data: { pathname: "/" } };
    this.socket = io(`${this.url}/_event`, {
      path: "/_event",
      transports: ["websocket"],
      query: { token: this.token },
      auth: { event },
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200,
    });
    this.socket.on("event", (update) => this.hear(update));
    this.socket.on("new_token", (token) => (this.token = token));
    // What Reflex's page does, too: socket.io comes back by itself only from a lost connection.
    const { socket } = this;
    const current = () => this.socket === socket && !this.gone;
    const comeBack = () => setTimeout(() => current() && !socket.active && socket.connect(), 100);
    this.gone = false;
    socket.on("connect_error", comeBack);
    socket.on("disconnect", () => {
      if (this.socket === socket) this.session = null;
      comeBack();
    });
  }

  disconnect() {
    this.gone = true;
    this.socket.disconnect();
  }

  hear({ delta = {} }) {
    if (delta.streamui) {
      this.frames += 1;
      if (this.delay) this.slow();
      this.store.apply(delta.streamui);
      if (this.watch) this.tell();
    }
    for (const state in delta) {
      if (state === "streamui") continue;
      this.vars[state] = { ...this.vars[state], ...delta[state] };
      handlesIn(delta[state]).forEach((handle) => this.show(handle));
    }
    const changed = delta[CONNECTION];
    const session = changed && Object.entries(changed).find(([key]) => key.startsWith("socket"));
    if (session?.[1] && session[1] !== this.session) {
      this.session = session[1];
      const { streams, held } = this.store.resume();
      this.event(`${CONNECTION}.hello`, held?.length ? { streams, held } : { streams });
    }
  }

  // A page that takes long over each frame; the sockets of this process wait meanwhile.
  slow() {
    const until = performance.now() + this.delay;
    while (performance.now() < until);
  }

  show(handle) {
    const { $stream: id, status, value, error, held } = handle;
    const constant = status && !held;
    if (constant && id) this.store.adopt(handle);
    const read = constant
      ? () => snapshotOf(value, status, error)
      : () => this.store.entry(id).snapshot;
    const place = this.shown.get(id) ?? {};
    place.leave ??= id ? this.store.listen(id, () => {}) : null;
    this.shown.set(id, Object.assign(place, { read }));
  }

  tell() {
    const at = Date.now() / 1000;
    for (const [id, place] of this.shown) {
      const { value = "", status } = place.read();
      if (place.told === value.length && place.status === status) continue;
      const from = place.told ?? 0;
      say(this.name, { id, from, text: value.slice(from), status, at });
      Object.assign(place, { told: value.length, status });
    }
  }

  event(name, payload) {
    this.socket.emit("event", { name, payload, router_data: { pathname: "/" } });
  }

  commands = {
    event: ([name, payload]) => this.event(name, payload),
    cut: () => void this.socket.io.engine?.close(),
    leave: () => this.disconnect(),
    close: () => {
      this.disconnect();
      tabs.delete(this.name);
    },
    reload: () => {
      this.disconnect();
      this.session = null;
      this.load();
      this.connect();
    },
    slow: (delay) => void (this.delay = delay),
    connected: () => Boolean(this.session),
    socket: () => {
      const { connected, active, disconnected, io } = this.socket;
      const { _readyState: manager, _reconnecting: reconnecting, engine } = io;
      return { connected, active, disconnected, manager, reconnecting, engine: engine?.readyState };
    },
    frames: () => this.frames,
    vars: () => this.vars,
    token: () => this.token,
    read: () =>
      [...this.shown].map(([id, { read }]) => {
        const { value, status, error, code } = read();
        return { id, value: value ?? null, status, error, code };
      }),
  };
}

const tabs = new Map();

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [name, command, argument, number] = JSON.parse(line);
    if (command === "open") tabs.set(name, new Tab(name, argument));
    const answer = tabs.get(name).commands[command]?.(argument);
    say(name, answer ?? null, number);
  })
  .on("close", () => process.exit());

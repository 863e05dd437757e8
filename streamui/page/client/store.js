// The page's streams: what has come so far, and who shows it. No React here.
// The ops are described in streamui/page/wire.py.
import { applyPatch } from "./tree.js";

const KEEP = 200; // ended streams that nothing shows: the back button may bring them again
const PAUSE = 1000; // ms until the page is tidied up, so that what is rendered now is mounted

const SURROGATE = /[\ud800-\udbff]/;

/** Count code points, which is how the server counts offsets. */
export const countCharacters = (text) => {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
};

const dropCharacters = (text, count) => [...text].slice(count).join("");

const emptySnapshot = {
  value: undefined,
  status: "streaming",
  streaming: true,
  error: "",
  code: "",
};

const sentence = (error) =>
  !error ? "" : error.reference ? `${error.message} (${error.reference})` : error.message;

// What the server says when it does not send a stream: then it may be had later.
const NOT_SENT = new Set(["lost", "limit", "unavailable"]);

const isLost = (entry) => entry.status === "interrupted" && NOT_SENT.has(entry.error?.code);

/** Return whether a text begins with another one, and goes on. */
const continues = (text, start = "") =>
  [text, start].every((each) => typeof each === "string") &&
  text.length > start.length &&
  text.startsWith(start);

/** Return what a component gets to see. */
export const snapshotOf = (value, status, error) => ({
  value,
  status,
  streaming: status === "streaming",
  error: sentence(error),
  code: error?.code ?? "",
});

/** One stream as this page knows it. */
class Entry {
  constructor(id) {
    this.id = id;
    this.value = undefined;
    this.offset = 0;
    this.status = "streaming";
    this.error = null;
    this.known = false; // the server has answered for it
    this.followed = false; // by the server, which has not sent its end yet
    this.snapshot = emptySnapshot;
    this.listeners = new Set();
  }

  get idle() {
    return this.status !== "streaming" && !this.followed && this.listeners.size === 0;
  }

  append(content) {
    if (typeof content === "string") {
      this.value = (this.value ?? "") + content;
      this.offset += countCharacters(content);
    } else {
      this.value = [...(this.value ?? []), ...content];
      this.offset += content.length;
    }
  }
}

/**
 * All streams of one page.
 *
 * @param schedule Calls a function soon, at most once per painted frame.
 * @param request Asks the server for streams: called with {id: offset}.
 * @param keep How many ended streams it keeps that nothing shows.
 */
export class StreamStore {
  constructor({ schedule, request = () => {}, keep = KEEP }) {
    this.schedule = schedule;
    this.request = request;
    this.keep = keep;
    this.entries = new Map();
    this.aliases = new Map();
    this.changed = new Set();
    this.wanted = null;
    this.tidying = null;
    this.publish = this.publish.bind(this);
  }

  entry(id) {
    let entry = this.entries.get(id);
    if (!entry) this.entries.set(id, (entry = new Entry(id)));
    return entry;
  }

  /** Take a frame {alias: op} in. */
  apply(frame) {
    for (const alias in frame) {
      const op = frame[alias];
      if (op.i) this.aliases.set(alias, this.entry(op.i));
      const entry = this.aliases.get(alias);
      if (!entry) continue;
      this.applyOp(entry, op);
      entry.followed = !op.s;
      if (op.s) this.tidySoon();
      this.changed.add(entry);
    }
    this.schedule(this.publish);
  }

  applyOp(entry, op) {
    // A handle with the whole value has overtaken the last frame, or the first pieces of a long
    // one: there is nothing to add.
    const lost = isLost(entry);
    if (entry.status !== "streaming" && !lost && !("v" in Object(op) && op.s)) return;
    if (lost && !op.s) Object.assign(entry, { status: "streaming", error: null });
    entry.known = true;
    if (typeof op === "string") {
      entry.append(op);
      return;
    }
    const { p: patches } = op;
    let { a: appended } = op;
    if (op.f !== undefined && op.f !== entry.offset) {
      const ahead = entry.offset - op.f;
      if (ahead < 0 || patches) return this.again(entry);
      if (appended !== undefined)
        appended =
          typeof appended === "string" ? dropCharacters(appended, ahead) : appended.slice(ahead);
    }
    if ("v" in op) entry.value = op.v;
    if (appended !== undefined) entry.append(appended);
    if (patches) entry.value = patches.reduce(applyPatch, entry.value);
    if (op.o !== undefined) {
      const counted = entry.offset + (op.s ? 1 : 0);
      if (!("v" in op) && !patches && counted !== op.o) return this.again(entry);
      entry.offset = op.o;
    }
    if (op.s) {
      entry.status = op.s;
      entry.error = op.e ?? null;
    }
  }

  // What came does not fit what is here: ask for the whole rather than show a wrong one.
  again(entry) {
    entry.offset = -1;
    this.request({ [entry.id]: -1 });
  }

  publish() {
    const changed = [...this.changed];
    this.changed.clear();
    for (const entry of changed) {
      const { value, status, error, snapshot } = entry;
      if (value === snapshot.value && status === snapshot.status && entry.error === snapshot.raw)
        continue;
      entry.snapshot = snapshotOf(value, status, error);
      entry.snapshot.raw = error;
      for (const listener of [...entry.listeners]) listener();
    }
  }

  listen(id, listener) {
    const entry = this.entry(id);
    entry.listeners.add(listener);
    if (!entry.known) this.want(entry);
    return () => {
      entry.listeners.delete(listener);
      // To the end of the line: what was shown last is dropped last.
      if (entry.listeners.size === 0 && this.entries.delete(id)) this.entries.set(id, entry);
      this.tidySoon();
    };
  }

  tidySoon() {
    this.tidying ??= setTimeout(() => {
      this.tidying = null;
      this.tidy();
    }, PAUSE);
  }

  /** Drop ended streams that nothing shows, but the last few; one shown again is asked for. */
  tidy() {
    const idle = [...this.entries.values()].filter((entry) => entry.idle);
    const dropped = new Set(idle.slice(0, Math.max(0, idle.length - this.keep)));
    for (const { id } of dropped) this.entries.delete(id);
    for (const [alias, entry] of this.aliases) if (dropped.has(entry)) this.aliases.delete(alias);
  }

  // A handle that nobody has told us about: a reload, another tab, a page shown later. The
  // server begins by itself with those it has just handed out, so wait a moment for that.
  want(entry) {
    if (this.wanted) {
      this.wanted.add(entry);
      return;
    }
    this.wanted = new Set([entry]);
    setTimeout(() => {
      const missing = [...this.wanted].filter((wanted) => !wanted.known);
      this.wanted = null;
      if (missing.length && this.connected)
        this.request(Object.fromEntries(missing.map(({ id, offset }) => [id, offset])));
    }, 50);
  }

  /**
   * Keep the value of a handle that came complete, so that it need not come again.
   *
   * A state that was saved before its producer died may have less than was sent here: then what
   * is here stays.
   *
   * @returns What a component gets to see of it.
   */
  adopt({ $stream: id, status, value, error }) {
    const entry = this.entry(id);
    if (status === "interrupted" && continues(entry.value, value)) value = entry.value;
    if (entry.status === "streaming" || isLost(entry)) {
      Object.assign(entry, { value, status, error: error ?? null, known: true });
      this.changed.add(entry);
      this.schedule(this.publish);
      this.tidySoon();
    }
    return snapshotOf(value, status, error);
  }

  /** Return what to tell the server on a new connection: where we are in which stream. */
  resume() {
    // The aliases stay: this connection's first frames may be here already, and each alias is
    // introduced anew by its id on each connection.
    this.connected = true;
    const streams = {};
    const held = [];
    for (const entry of this.entries.values()) {
      if (entry.status !== "streaming") {
        if (!isLost(entry)) held.push(entry.id);
        entry.followed = false; // that was the connection before
      } else if (entry.known || entry.listeners.size > 0) streams[entry.id] = entry.offset;
    }
    return { streams, held };
  }
}

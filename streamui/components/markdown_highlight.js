// Colours code while it grows: each line once, a few milliseconds at a time. No React here.
const SLICE = 6;
const PAUSE = 80;
// A comment or string without an end would make every step start from its beginning.
const LONGEST_OPEN = 20_000;

/** highlight.js's tree as lines of `[class, text]`. */
function toLines(root) {
  const lines = [[]];
  const walk = (node, scope) => {
    if (typeof node !== "string") {
      const inner = node.scope ? node.scope.split(".")[0] : scope;
      for (const child of node.children) walk(child, inner);
      return;
    }
    node.split("\n").forEach((text, index) => {
      if (index) lines.push([]);
      const line = lines.at(-1);
      if (!text) return;
      if (line.at(-1)?.[0] === scope) line.at(-1)[1] += text;
      else line.push([scope, text]);
    });
  };
  walk(root, "");
  return lines;
}

/** Highlights text piece by piece; `keep` says that the next piece follows this one. */
export function createSession(hljs, language) {
  let open = "";
  return (text, keep) => {
    if (open.length > LONGEST_OPEN) return null;
    const result = hljs.highlight(open + text, { language, ignoreIllegals: true });
    // At the language's top level the next piece can be read without this one.
    const count = text.split("\n").length;
    if (keep) open = result._top.parent ? open + text : "";
    return toLines(result._emitter.rootNode).slice(-count);
  };
}

export class Highlighter {
  constructor(language) {
    this.language = language;
    this.parts = null;
    this.tail = "";
    this.state = { parts: [], tail: [] };
    this.session = null;
    this.timer = null;
    this.listeners = new Set();
  }

  view = () => this.state;

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      clearTimeout(this.timer);
      this.timer = null;
    };
  };

  /** `parts` only grow at their end; `tail` is what follows them, live when it may grow. */
  aim(parts, tail, live) {
    const whole = live ? tail.slice(0, tail.lastIndexOf("\n") + 1) : tail;
    if (!this.language || (this.parts === parts && this.tail === whole)) return;
    this.parts = parts;
    this.tail = whole;
    this.plan(0);
  }

  plan(wait) {
    this.timer ??= setTimeout(() => this.work(), wait);
  }

  async work() {
    if (!this.session) {
      const hljs = await load();
      if (this.session) return;
      if (!hljs?.getLanguage(this.language)) {
        this.language = "";
        this.timer = null;
        return;
      }
      this.session = createSession(hljs, this.language);
    }
    this.timer = null;
    const until = performance.now() + SLICE;
    const parts = [...this.state.parts];
    while (parts.length < this.parts.length && performance.now() < until) {
      parts.push(this.session(this.parts[parts.length], true)?.slice(0, -1) ?? null);
    }
    const whole = parts.length === this.parts.length;
    const tail = whole ? (this.session(this.tail, false) ?? []) : this.state.tail;
    if (this.listeners.size === 0) return;
    const seen = this.tail;
    this.state = { parts, tail };
    for (const listener of this.listeners) listener();
    if (!whole) this.plan(SLICE);
    else if (seen !== this.tail) this.plan(PAUSE);
  }
}

let loading = null;
const load = () =>
  (loading ??= import("./markdown_languages.js").then(
    (found) => found.default,
    () => null,
  ));

// When to draw text that grows: often enough to look alive, never so often that the page stalls.
import { MarkdownBlocks } from "./markdown_blocks.js";

const SHORTEST = 32;
const LONGEST = 500;
// Drawing may take a fifth of the main thread.
const SHARE = 5;
// A page that was reloaded gets its text at once; drawing it all in one task would freeze it.
const STEP = 6000;

export class Pacer {
  constructor(text, streaming) {
    this.splitter = new MarkdownBlocks();
    this.target = { text, streaming };
    this.shown = "";
    this.cost = 0;
    this.startedAt = -Infinity;
    this.timer = null;
    this.listeners = new Set();
    this.state = this.take(text, streaming);
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

  aim(text, streaming) {
    this.target = { text, streaming };
    this.plan();
  }

  /** To be called when a view is on the page, laid out. */
  drawn() {
    if (this.startedAt === this.measuredAt || this.startedAt < 0) return;
    this.measuredAt = this.startedAt;
    this.cost = this.cost / 2 + (performance.now() - this.startedAt) / 2;
  }

  current() {
    return this.shown === this.target.text && this.state.streaming === this.target.streaming;
  }

  plan() {
    if (this.timer !== null || this.current()) return;
    const far = this.target.text.length - this.shown.length > STEP;
    const pause = far ? SHORTEST : Math.min(LONGEST, Math.max(SHORTEST, this.cost * SHARE));
    const wait = this.startedAt + pause - performance.now();
    if (wait <= 0) this.draw();
    else this.timer = setTimeout(() => this.draw(), wait);
  }

  draw() {
    this.timer = null;
    this.startedAt = performance.now();
    this.state = this.take(this.next(), this.target.streaming);
    for (const listener of this.listeners) listener();
    this.plan();
  }

  next() {
    const { text } = this.target;
    const from = text.startsWith(this.shown) ? this.shown.length : 0;
    if (text.length - from <= STEP || globalThis.document?.hidden) return text;
    const line = text.lastIndexOf("\n", from + STEP);
    return text.slice(0, line > from ? line + 1 : from + STEP);
  }

  take(text, streaming) {
    const live = streaming || text !== this.target.text;
    this.shown = text;
    return { blocks: this.splitter.update(text, live), streaming: live };
  }
}

// Splits growing Markdown into blocks without reading the finished part again. No React here.
import { hold } from "./markdown_hold.js";
import { lex } from "./markdown_lex.js";

const ITEMS = 24;
const ROWS = 24;
const LINES = 48;
const NONE = [];
const FENCE = /^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n|$)/;

const same = (a, b) =>
  a?.type === b.type && a.raw === b.raw && a.live === b.live && a.parts === b.parts &&
  a.links === b.links;

/** Blocks keep their identity while their text stays the same, so React can skip them. */
export class MarkdownBlocks {
  constructor() {
    this.reset();
  }

  reset() {
    this.source = "";
    this.text = "";
    this.closed = false;
    this.links = Object.create(null);
    this.defined = 0;
    this.finished = [];
    this.live = [];
    this.stable = 0;
    this.group = null;
  }

  /**
   * The blocks of `source`, which normally starts with the source of the last call.
   * While `streaming`, the end of the text is shown as it will look, not as it was cut off.
   */
  update(source, streaming) {
    const more = source.length > this.source.length;
    if (!source.startsWith(this.source) || (this.closed && more)) this.reset();
    let added = source.slice(this.source.length);
    // A CR at the very end may be half of a CRLF.
    if (streaming && added.endsWith("\r")) added = added.slice(0, -1);
    if (!this.source) this.text = added.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
    else this.text += added.replace(/\r\n?/g, "\n");
    this.source += added;
    this.closed = !streaming;

    const tokens = this.lexTail();
    const rest = this.finish(tokens, streaming ? this.certain(tokens) : tokens.length);
    this.live = this.draw(rest).map((block) => {
      const before = this.live.find((old) => old.key === block.key);
      return same(before, block) ? before : block;
    });
    return this.finished.concat(this.live);
  }

  lexTail() {
    const prefix = this.group?.opening ?? "";
    let at = this.stable - prefix.length;
    const tokens = lex(prefix + this.text.slice(this.stable), this.links);
    for (const token of tokens) {
      token.at = at;
      at += token.raw.length;
    }
    if (tokens.length) {
      tokens[0].at = this.stable;
      tokens[0].opening = prefix;
    }
    return tokens.filter((token) => token.type !== "space");
  }

  /**
   * How many tokens no later text can change. A line still being written can turn "text, list"
   * into one heading, so the last token counts as begun only once it has a whole line.
   */
  certain(tokens) {
    const last = tokens.at(-1);
    const begun = last && this.text.indexOf("\n", last.at) >= 0;
    const count = tokens.length - (begun ? 1 : 2);
    // The lexer tidies some blank lines away; where its offsets are off, keep the text open.
    const astray = tokens.findIndex((token) => !this.matches(token));
    return astray < 0 ? count : Math.min(count, astray - 1);
  }

  matches({ raw, at, opening = "" }) {
    return this.text.startsWith(raw.slice(opening.length).trimEnd(), at);
  }

  /** Moves the first `count` tokens out of the tail. */
  finish(tokens, count) {
    tokens.slice(0, Math.max(0, count)).forEach((token) => {
      if (token.type === "def") this.define(token);
      while (this.cut(token));
      this.finished.push(this.block(token, false));
      this.group = null;
      this.stable = token.at + token.raw.length - (token.opening ?? "").length;
    });
    const rest = tokens.slice(Math.max(0, count));
    if (rest.length && this.matches(rest[0])) while (this.cut(rest[0]));
    return rest;
  }

  /** The blocks of the tail. Only the last one can be half-written. */
  draw(tokens) {
    return tokens.flatMap((token, index) => {
      const group = index === 0;
      if (index < tokens.length - 1) return [this.block(token, false, group)];
      const raw = (token.opening ?? "") + this.text.slice(token.at);
      const shown = hold(token.type, raw);
      if (shown === raw) return [this.block(token, true, group)];
      return lex(shown, this.links)
        .filter((part) => part.type !== "space")
        .map((part, i) => {
          part.at = token.at + i;
          return this.block(part, true, group && i === 0);
        });
    });
  }

  block(token, live, inGroup = true) {
    const group = inGroup && this.group?.type === token.type ? this.group : null;
    const { type, raw } = token;
    const key = group ? group.key : token.at;
    return { key, type, raw, live, token, parts: group?.parts ?? NONE, links: this.defined };
  }

  /** Cuts finished lines, rows or items off a long block; true when it did. */
  cut(token) {
    const found = cutters[token.type]?.(token);
    if (!found) return false;
    const { part, opening, length } = found;
    const before = this.group?.parts ?? NONE;
    // The rest reads like a block of its own, under the same opening line.
    token.at += length + (token.opening ? 0 : opening.length);
    token.opening = opening;
    this.group = {
      type: token.type,
      opening,
      key: this.group?.key ?? token.at - length - opening.length,
      parts: [...before, part],
    };
    this.stable = token.at;
    return true;
  }

  define(token) {
    if (this.links[token.tag]) return;
    this.links[token.tag] = { href: token.href, title: token.title };
    this.defined += 1;
    const label = `[${token.tag}]`;
    this.finished = this.finished.map((block) => {
      if (block.parts.length || !block.raw.toLowerCase().includes(label)) return block;
      const again = lex(block.raw, this.links).find((part) => part.type === block.type);
      return again ? { ...block, token: again } : block;
    });
  }
}

/** Per block type: takes the first lines, rows or items off the token, leaving two at least. */
const cutters = {
  code(token) {
    const opening = FENCE.exec(token.raw)?.[0];
    const lines = token.text.split("\n");
    if (!opening?.endsWith("\n") || lines.length < LINES + 2) return null;
    const part = lines.slice(0, LINES).join("\n") + "\n";
    token.text = lines.slice(LINES).join("\n");
    return { part, opening, length: takeLines(token, opening, LINES) };
  },

  table(token) {
    if (token.rows.length < ROWS + 2) return null;
    const opening = /^[^\n]*\n[^\n]*\n/.exec(token.raw)[0];
    const part = token.rows.slice(0, ROWS);
    token.rows = token.rows.slice(ROWS);
    return { part, opening, length: takeLines(token, opening, ROWS) };
  },

  list(token) {
    const part = token.items.slice(0, ITEMS);
    const raw = part.map((item) => item.raw).join("");
    if (token.items.length < ITEMS + 2 || !token.raw.startsWith(raw)) return null;
    token.items = token.items.slice(ITEMS);
    token.raw = token.raw.slice(raw.length);
    return { part, opening: "", length: raw.length };
  },
};

function takeLines(token, opening, count) {
  const body = token.raw.slice(opening.length);
  let end = 0;
  for (let i = 0; i < count; i++) end = body.indexOf("\n", end) + 1;
  token.raw = opening + body.slice(end);
  return end;
}

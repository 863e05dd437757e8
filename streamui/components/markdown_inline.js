// Ends a line of Markdown that is still being written, so that half of a syntax never shows.
const WORD = /[\p{L}\p{N}]/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const CLOSED_DOLLAR = /^\$(?![\s$])(?:(?:\\[^\n]|[^\\$\n])*?[^\s\\$]|\\[^\n])\$(?!\d)/;
const OPEN_DOLLAR = /^\$(?=[\\a-zA-Z({])[^$\n]{0,40}$/;
const LONGEST_FORMULA = 2000;
const LONGEST = 4000;
const MOST_OPEN = 12;

const runAt = (text, at) => {
  let end = at + 1;
  while (text[end] === text[at]) end += 1;
  return end - at;
};

/** Index after the bracket that closes the one at `at`, or -1. */
function closing(text, at, open, close) {
  for (let depth = 0, i = at; i < text.length; i++) {
    if (text[i] === "\\") i += 1;
    else if (text[i] === open) depth += 1;
    else if (text[i] === close && --depth === 0) return i + 1;
  }
  return -1;
}

class Scanner {
  constructor(text) {
    this.text = text;
    this.end = text.length;
    this.dropped = [];
    this.open = [];
    this.tail = "";
  }

  /** Shows nothing from `at` on. */
  stop(at) {
    this.end = at;
    return this.text.length;
  }

  /** Index after a formula that ends with `mark`; an open one is held back. */
  formula(at, mark) {
    const end = this.text.indexOf(mark, at + 2);
    if (end >= 0) return end + mark.length;
    return this.text.length - at > LONGEST_FORMULA ? at + 2 : this.stop(at);
  }

  "\\"(at) {
    const next = this.text[at + 1];
    if (next === undefined) return this.stop(at);
    if (next === "(") return this.formula(at, "\\)");
    if (next === "[") return this.formula(at, "\\]");
    return at + 2;
  }

  $(at) {
    if (this.text[at + 1] === "$") return this.formula(at, "$$");
    const rest = this.text.slice(at);
    const closed = CLOSED_DOLLAR.exec(rest);
    if (closed) return at + closed[0].length;
    return rest === "$" || OPEN_DOLLAR.test(rest) ? this.stop(at) : at + 1;
  }

  "`"(at) {
    const count = runAt(this.text, at);
    for (let i = at + count; i < this.text.length; i++) {
      if (this.text[i] !== "`") continue;
      const found = runAt(this.text, i);
      if (found === count) return i + count;
      i += found - 1;
    }
    const inside = this.text.slice(at + count).replace(/`+$/, "").trimEnd();
    if (!inside.trim()) return this.stop(at);
    this.tail = "`".repeat(count);
    return this.stop(at + count + inside.length);
  }

  "<"(at) {
    const rest = this.text.slice(at);
    const tag = /^<[^\s<>]*>/.exec(rest);
    if (tag) return at + tag[0].length;
    return /^<[^\s<>]*$/.test(rest) ? this.stop(at) : at + 1;
  }

  "&"(at) {
    return /^&#?\w{0,31}$/.test(this.text.slice(at)) ? this.stop(at) : at + 1;
  }

  "!"(at) {
    if (this.text[at + 1] !== "[") return at + 1;
    return this.link(at + 1, at);
  }

  "["(at) {
    if (at + 1 === this.text.length) return this.stop(at);
    // As in a[0]: nobody writes a link there.
    if (at > 0 && WORD.test(this.text[at - 1]) && this.text[at + 1] !== "^") return at + 1;
    return this.link(at, -1);
  }

  /** A link shows as its text until its address is whole, an image not at all. */
  link(at, image) {
    const label = closing(this.text, at, "[", "]");
    const next = this.text[label];
    if (label > 0 && next !== undefined && next !== "(" && next !== "[") return at + 1;
    const pair = next === "(" ? ["(", ")"] : ["[", "]"];
    const end = next === undefined ? -1 : closing(this.text, label, ...pair);
    if (end > 0) return end;
    if (image >= 0 || this.text[at + 1] === "^") return this.stop(image >= 0 ? image : at);
    this.dropped.push(at);
    if (label > 0) {
      this.text = this.text.slice(0, label - 1);
      this.end = Math.min(this.end, this.text.length);
    }
    return at + 1;
  }

  "*"(at) {
    return this.emphasis(at, runAt(this.text, at));
  }

  _(at) {
    return this.emphasis(at, runAt(this.text, at));
  }

  "~"(at) {
    const count = runAt(this.text, at);
    const half = at + count === this.text.length && this.open.some(({ mark }) => mark === "~");
    return count === 2 || half ? this.emphasis(at, count) : at + count;
  }

  emphasis(at, count) {
    const { text, open } = this;
    const mark = text[at];
    if (count > 3 || open.length > MOST_OPEN) return at + count;
    const [before, after] = [text[at - 1] ?? " ", text[at + count] ?? ""];
    const space = (character) => /\s/.test(character);
    const left = after && !space(after) &&
      (!PUNCTUATION.test(after) || space(before) || PUNCTUATION.test(before));
    const right = !space(before) &&
      (!PUNCTUATION.test(before) || !after || space(after) || PUNCTUATION.test(after));
    let rest = count;
    const pairs = right && (mark !== "_" || !WORD.test(after));
    while (pairs && rest) {
      const found = open.findLastIndex((opener) => opener.mark === mark);
      if (found < 0) break;
      open.length = found + 1;
      const used = Math.min(rest, open[found].count);
      rest -= used;
      // Half of "**": the other half comes next.
      if (!after && used < open[found].count) return this.stop(at);
      open[found].count -= used;
      if (!open[found].count) open.pop();
    }
    if (rest && !after) return this.stop(at + count - rest);
    if (rest && left && (mark !== "_" || !WORD.test(before))) {
      open.push({ mark, count: rest, end: at + count });
    }
    return at + count;
  }

  run() {
    for (let at = 0; at < this.text.length; ) {
      const scan = this[this.text[at]];
      at = typeof scan === "function" && this.text[at].length === 1 ? scan.call(this, at) : at + 1;
    }
    let end = this.end;
    if (!this.tail) {
      // What opens at the very end has nothing to mark yet.
      for (;;) {
        end = this.text.slice(0, end).trimEnd().length;
        const last = this.open.at(-1);
        if (!last || end > last.end) break;
        end = last.end - last.count;
        this.open.pop();
      }
    }
    let shown = "";
    let from = 0;
    for (const at of this.dropped.filter((index) => index < end)) {
      shown += this.text.slice(from, at);
      from = at + 1;
    }
    shown += this.text.slice(from, end) + this.tail;
    // So many marks are not emphasis; closing them all would cost the lexer seconds.
    if (this.open.length > MOST_OPEN) return shown;
    for (const { mark, count } of this.open.reverse()) shown += mark.repeat(count);
    return shown;
  }
}

/** `text` with its open emphasis, code, links and formulas closed or held back. */
export function endInline(text) {
  // In a paragraph of many pages, what opened pages ago has no end.
  const cut = Math.max(0, text.length - LONGEST);
  const from = cut && (text.lastIndexOf(" ", cut) + 1 || cut);
  return text.slice(0, from) + new Scanner(text.slice(from)).run();
}

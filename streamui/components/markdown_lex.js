// Markdown to tokens: marked's lexer with math and footnotes. HTML stays a token, never markup.
import { Lexer, Marked, Tokenizer } from "marked";

const DISPLAY = /^ {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/;
const INLINE = /^(?:\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\))/;
// As in Pandoc: a dollar sign that touches its formula on the inside, so prices stay prices.
const DOLLAR = /^\$(?![\s$])((?:\\[^\n]|[^\\$\n])*?[^\s\\$]|\\[^\n])\$(?!\d)/;
const FOOTNOTE = /^ {0,3}\[\^([^\]\s]+)\]:[ \t]*([^\n]*(?:\n(?:[ \t]{2,}[^\n]+))*)(?:\n|$)/;

const math = {
  name: "math",
  level: "block",
  start: (source) => {
    const at = source.search(/\n {0,3}(?:\$\$|\\\[)/);
    return at < 0 ? undefined : at + 1;
  },
  tokenizer(source) {
    const found = DISPLAY.exec(source);
    if (found) return { type: "math", raw: found[0], text: found[1] ?? found[2] };
  },
};

const inlineMath = {
  name: "inlineMath",
  level: "inline",
  start: (source) => {
    const at = source.search(/\$|\\[([]/);
    return at < 0 ? undefined : at;
  },
  tokenizer(source) {
    const type = "inlineMath";
    const found = INLINE.exec(source);
    if (found) {
      const text = found[1] ?? found[2] ?? found[3];
      return { type, raw: found[0], text, display: found[3] === undefined };
    }
    const dollar = DOLLAR.exec(source);
    if (dollar) return { type, raw: dollar[0], text: dollar[1], display: false };
  },
};

const footnote = {
  name: "footnote",
  level: "block",
  start: (source) => {
    const at = source.search(/\n {0,3}\[\^/);
    return at < 0 ? undefined : at + 1;
  },
  tokenizer(source) {
    const found = FOOTNOTE.exec(source);
    if (!found) return;
    const tokens = [];
    this.lexer.inline(found[2], tokens);
    return { type: "footnote", raw: found[0], label: found[1], tokens };
  },
};

const footnoteMark = {
  name: "footnoteMark",
  level: "inline",
  start: (source) => {
    const at = source.indexOf("[^");
    return at < 0 ? undefined : at;
  },
  tokenizer(source) {
    const found = /^\[\^([^\]\s]+)\](?!:)/.exec(source);
    if (found) return { type: "footnoteMark", raw: found[0], label: found[1] };
  },
};

/** marked 18 gives code that ends with an empty line one line too many. */
function fences(source) {
  const token = Tokenizer.prototype.fences.call(this, source);
  const closing = token && /\n {0,3}(?:`{3,}|~{3,})[ \t]*\n*$/.exec(token.raw);
  if (!closing || !token.text.endsWith("\n")) return token;
  const body = token.raw.slice(token.raw.indexOf("\n") + 1, closing.index);
  const spare = token.text.split("\n").length > body.split("\n").length;
  return spare ? { ...token, text: token.text.slice(0, -1) } : token;
}

const { defaults } = new Marked({
  gfm: true,
  tokenizer: { fences },
  extensions: [math, inlineMath, footnote, footnoteMark],
});

const plain = (text) => [
  { type: "paragraph", raw: text, text, tokens: [{ type: "text", raw: text, text }] },
];

// Brackets or quotations nested this deep cost the lexer time that grows with their square, or
// the whole stack. Nobody reads such text as Markdown.
const DEEPEST = 60;

function isTangled(text) {
  if (/^(?:[ \t]*(?:>|[-*+][ \t])){40}/m.test(text)) return true;
  for (let depth = 0, at = text.indexOf("["); at >= 0 && at < text.length; at++) {
    if (text[at] === "[" && ++depth > DEEPEST) return true;
    if (text[at] === "]" && depth) depth -= 1;
    if (text[at] === "\n" && text[at + 1] === "\n") depth = 0;
  }
  return false;
}

/**
 * The block tokens of `text`.
 *
 * @param links definitions of reference links seen so far, by lower-case label
 */
export function lex(text, links) {
  if (isTangled(text)) return plain(text);
  const lexer = new Lexer(defaults);
  Object.assign(lexer.tokens.links, links);
  try {
    return lexer.lex(text);
  } catch (error) {
    if (error instanceof RangeError) return plain(text);
    throw error;
  }
}

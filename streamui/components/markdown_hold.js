// What to show of a block that is still being written: never half of a piece of syntax.
import { endInline } from "./markdown_inline.js";

// A last line made only of the start of some block: which block, the next characters tell.
const MARKER =
  /(^|\n)[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])(?: \[(?:[ xX]\]?)?)?|\d{1,9}|#{1,6}|>+|=+|[-*_]{2,}|`{1,2}|~{1,2}|\|)[ \t]*$/;
const DEFINITION = /(^|\n) {0,3}\[[^\]\n]+\]:[^\n]*$/;
const FENCE_LINE = /(^|\n)[ \t>]*(?:(?:[-*+]|\d{1,9}[.)]) +)?(?:`{3,}|~{3,})[^\n]*$/;
const FENCES = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)]) +)*(?:`{3,}|~{3,})/gm;
// Emphasis and links do not reach across these.
const STARTS = /(?:^|\n)[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|#{1,6}[ \t]+|\n)/g;
const ENDED = /\n[ \t]*\n[ \t]*$/;
const TABLE_HEAD = /^ {0,3}\|[^\n]*$/;
const TABLE_RULE = /^( {0,3}\|[^\n]*)\n[ \t]*[|:\-\s]*$/;

/** A fenced block without a last line that may become its closing fence. */
function holdFence(raw) {
  const opening = /^ {0,3}(`{3,}|~{3,})[^\n]*/.exec(raw);
  if (!opening) return raw;
  if (opening[0].length === raw.length) return "";
  return raw.replace(/\n {0,3}(`+|~+)[ \t]*$/, (end, marks) =>
    marks[0] === opening[1][0] && marks.length < opening[1].length ? "\n" : end,
  );
}

/** One row of dashes for each cell of a header row. */
function ruleFor(head) {
  const cells = head.trim().replace(/\\\|/g, "").replace(/^\||\|$/g, "").split("|").length;
  return `|${"---|".repeat(cells)}`;
}

/** Where the text begins that the last characters of the block can still change. */
function openFrom(type, raw) {
  if (type === "table") return Math.max(raw.lastIndexOf("\n"), raw.lastIndexOf("|")) + 1;
  let from = 0;
  for (const start of raw.matchAll(STARTS)) from = start.index + start[0].length;
  return from;
}

/**
 * The Markdown to draw for the last block of a stream.
 *
 * @param type its type so far, as the lexer sees it
 * @param raw its text, to the end of the stream
 */
export function hold(type, raw) {
  if (type === "code") return holdFence(raw);
  if (type === "def") return "";
  // After a blank line nothing inside the block is open any more.
  if (type === "math" || ENDED.test(raw) || (type === "hr" && raw.endsWith("\n"))) return raw;
  if (type === "paragraph") {
    if (TABLE_HEAD.test(raw)) return "";
    const rule = TABLE_RULE.exec(raw);
    if (rule) return `${rule[1]}\n${ruleFor(rule[1])}\n`;
  }
  let text = raw;
  for (const pattern of [FENCE_LINE, DEFINITION, MARKER]) text = text.replace(pattern, "$1");
  if ((text.match(FENCES)?.length ?? 0) % 2) return text;
  const from = openFrom(type, text);
  return text.slice(0, from) + endInline(text.slice(from));
}

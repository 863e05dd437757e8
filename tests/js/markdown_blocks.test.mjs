import assert from "node:assert/strict";
import { test } from "node:test";
import { MarkdownBlocks } from "../../streamui/components/markdown_blocks.js";
import { createSession } from "../../streamui/components/markdown_highlight.js";
import { endInline } from "../../streamui/components/markdown_inline.js";
import { lex } from "../../streamui/components/markdown_lex.js";
import { safeImage, safeLink } from "../../streamui/components/markdown_url.js";

const TRICKY = `# Title
Text with **bold *and* more**, \`code\`, [a link](https://example.com/a?b=1), ~~old~~ and $x^2$.
It costs $5 or $10 &amp; more. ![An image](https://example.com/a.png)
- item **one**
- [ ] open
- [x] closed
  1. inner
     \`\`\`js
     let x = "\`\`";
     \`\`\`

Setext
======

| a | b |
|---|:-:|
| 1 | **2** |
| 3 | [x](https://example.com) |

~~~py
print("~~")
~~~

> quoted
> text

$$
x = \\frac{1}{2}
$$

See [ref][r] and a note[^1]. <b>raw</b> <https://example.org>

[^1]: The note.
[r]: https://example.net
`;

const long = {
  code: `Code:\n\n\`\`\`py\n${"x = 1\n\n".repeat(700)}\`\`\`\n\nEnd.\n`,
  table: `Rows\n\n| a | b |\n|---|---|\n${"| **x** | y |\n".repeat(400)}\nEnd.\n`,
  list: `Items\n\n${"- an **item**\n  - inner\n".repeat(300)}\nEnd.\n`,
  loose: `${"1. item\n\n   more\n\n".repeat(120)}End.\n`,
};

/** What a reader sees of tokens, as one string. */
const seen = (tokens) =>
  (tokens ?? [])
    .map((token) => {
      if (token.type === "space" || token.type === "def") return "";
      if (token.type === "code") return `<code ${token.lang}>${token.text}</code>`;
      if (token.type === "table") {
        const row = (cells) => cells.map((cell) => `[${seen(cell.tokens)}]`).join("");
        return `<table>${[token.header, ...token.rows].map(row).join("\n")}</table>`;
      }
      if (token.type === "list") {
        return `<list>${token.items.map((item) => `<li>${seen(item.tokens)}`).join("")}</list>`;
      }
      if (token.type === "link") return `<a ${token.href}>${seen(token.tokens)}</a>`;
      if (token.type === "image") return `<img ${token.href}>`;
      if (token.type === "text" && !token.tokens) return token.text;
      return `<${token.type}>${token.tokens ? seen(token.tokens) : (token.text ?? "")}</${token.type}>`;
    })
    .join("");

/** The same of blocks, their cut-off parts put back. */
const shown = (blocks) =>
  seen(
    blocks.map(({ token, parts }) => {
      if (!parts.length) return token;
      if (token.type === "code") return { ...token, text: parts.join("") + token.text };
      if (token.type === "table") return { ...token, rows: [...parts.flat(), ...token.rows] };
      return { ...token, items: [...parts.flat(), ...token.items] };
    }),
  );

const stream = (text, step, each = () => {}) => {
  const blocks = new MarkdownBlocks();
  for (let end = step; end < text.length; end += step) {
    each(blocks.update(text.slice(0, end), true), end);
  }
  return blocks.update(text, false);
};

for (const [name, text] of Object.entries({ tricky: TRICKY, ...long })) {
  test(`streamed in pieces, the ${name} text ends as if it had come at once`, () => {
    const links = { r: { href: "https://example.net", title: undefined } };
    const expected = seen(lex(text, links));
    for (const step of [1, 2, 7, 33, 500]) assert.equal(shown(stream(text, step)), expected);
    assert.equal(shown(new MarkdownBlocks().update(text, false)), expected);
  });
}

test("no prefix of the tricky text shows half of a syntax", () => {
  stream(TRICKY, 1, (blocks, end) => {
    const prose = shown(blocks).replace(/<(code|codespan|math|inlineMath)\b[\s\S]*?<\/\1>/g, "");
    const rest = prose.replace(/<\/?[a-zA-Z][^>]*>/g, "").replace(/\[\]/g, "");
    const where = JSON.stringify(TRICKY.slice(Math.max(0, end - 30), end));
    assert.doesNotMatch(rest, /\*\*|~~|```|\]\(|!\[|\||\$\$|\\frac|&am(?!p;)|^#|\n=/, where);
  });
});

test("a finished block keeps its identity while others are written", () => {
  const text = TRICKY.repeat(3);
  let before = [];
  stream(text, 5, (blocks) => {
    for (const block of before.slice(0, -4)) {
      const now = blocks.find(({ key }) => key === block.key);
      // A definition found later gives old references their address: only those change.
      if (!/\[r\]/.test(block.raw)) assert.equal(now, block);
    }
    before = blocks;
  });
});

test("keys are unique at every prefix", () => {
  for (const text of [TRICKY, long.list]) {
    stream(text, 13, (blocks) => {
      assert.equal(new Set(blocks.map(({ key }) => key)).size, blocks.length);
    });
  }
});

test("the text that is lexed again stays short in a long block", () => {
  for (const text of Object.values(long)) {
    const blocks = new MarkdownBlocks();
    for (let end = 50; end < text.length; end += 50) {
      blocks.update(text.slice(0, end), true);
      assert.ok(end - blocks.stable < 3000, `${end - blocks.stable} characters open at ${end}`);
    }
  }
});

test("line ends and a byte order mark change nothing", () => {
  const plain = shown(stream(TRICKY, 9));
  assert.equal(shown(stream(`\uFEFF${TRICKY.replace(/\n/g, "\r\n")}`, 9)), plain);
  assert.equal(shown(stream(TRICKY.replace(/\n/g, "\r"), 9)), plain);
});

test("text that does not continue the last one starts afresh", () => {
  const blocks = new MarkdownBlocks();
  blocks.update("# One\n\nText", true);
  assert.equal(shown(blocks.update("Two", false)), "<paragraph>Two</paragraph>");
  assert.equal(shown(blocks.update("Two words", false)), "<paragraph>Two words</paragraph>");
});

test("open inline syntax is closed, a start without content is held back", () => {
  const cases = {
    "a **b": "a **b**",
    "a **b *c": "a **b *c***",
    "a **b*": "a **b**",
    "a **": "a",
    "a `b": "a `b`",
    "a `": "a",
    "[text](https://exa": "text",
    "[text]": "text",
    "![alt](https://exa": "",
    "a[0": "a[0",
    "2 * 3 * 4": "2 * 3 * 4",
    "snake_case_name": "snake_case_name",
    "R&am": "R",
    "\\(x^2": "",
    "it is $5 and $6": "it is $5 and $6",
  };
  for (const [text, expected] of Object.entries(cases)) {
    assert.equal(endInline(text).trimEnd(), expected, text);
  }
});

test("fault 50: only http, https, mailto and addresses of this site become links", () => {
  for (const href of ["https://a.example", "HTTP://a.example", "mailto:a@b.example", "/x", "x/y", "#z", "?q"]) {
    assert.ok(safeLink(href), href);
  }
  for (const href of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    "&#106;avascript:alert(1)",
    "javascript&colon;alert(1)",
    "&#x6A;avascript&#58;alert(1)",
    "java&Tab;script:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://a.example/x",
    "https:a.example", // a path of an https page, a host to an http page
    "HTTPS:/a.example/x",
    "h&Tab;ttps:a.example",
    "\u0001http:a.example",
    "https:",
    "https://",
  ]) {
    assert.equal(safeLink(href), null, href);
  }
  assert.equal(safeLink("//other.example/x").external, true);
  assert.equal(safeLink("/x").external, false);
});

test("fault 53: an image is requested only from an allowed place", () => {
  const allowed = ["https://cdn.example.com/docs/", "/static/"];
  assert.ok(safeImage("https://cdn.example.com/docs/a.png", allowed));
  assert.ok(safeImage("/static/a.png", allowed));
  for (const href of [
    "https://cdn.example.com.evil.example/docs/a.png",
    "https://cdn.example.com/docs/../x.png",
    "http://cdn.example.com/docs/a.png",
    "https://cdn.example.com@evil.example/docs/a.png",
    "//evil.example/docs/a.png",
    "/logout",
    "data:image/svg+xml,<svg/>",
  ]) {
    assert.equal(safeImage(href, allowed), null, href);
  }
  for (const href of ["https:/evil.example/x.png", "http:evil.example", "//evil.example/x.png"]) {
    assert.equal(safeImage(href, ["/"]), null, href);
  }
  assert.ok(safeImage("x.png", ["/"]));
  assert.equal(safeImage("https://a.example/x.png", false), null);
  assert.equal(safeImage("data:image/png;base64,AA", true), null);
});

test("code coloured in pieces has the text it came with", async () => {
  const { default: hljs } = await import("../../streamui/components/markdown_languages.js");
  const code = 'def f(x: str) -> str:\n    """Over\n\n    two parts."""\n    return f"{x}"  # why\n'.repeat(30);
  const session = createSession(hljs, "python");
  let text = "";
  const lines = code.split(/(?<=\n)/);
  for (let i = 0; i < lines.length; i += 7) {
    const colored = session(lines.slice(i, i + 7).join(""), true).slice(0, -1);
    text += colored.map((line) => `${line.map(([, part]) => part).join("")}\n`).join("");
    const inside = colored.findIndex((line) => line.some(([, part]) => part.includes("two parts")));
    if (inside >= 0) assert.equal(colored[inside][0][0], "string");
  }
  assert.equal(text, code);
});

test("code keeps its empty lines, no more and no fewer", () => {
  for (const code of ["a", "a\n", "a\n\n", "\na", "a\n".repeat(200), ""]) {
    const blocks = stream(`\`\`\`\n${code}\n\`\`\`\n\nEnd.`, 3);
    assert.equal(blocks[0].parts.join("") + blocks[0].token.text, code);
  }
});

test("tangled text does not stall the page", () => {
  for (const piece of ["[", "> ", "*a **b ", "_a ", "**", "`a ``b ", "\\(a ", "![a]("]) {
    const blocks = new MarkdownBlocks();
    const started = performance.now();
    blocks.update(piece.repeat(3000), true);
    assert.ok(performance.now() - started < 20_000, piece);
  }
});

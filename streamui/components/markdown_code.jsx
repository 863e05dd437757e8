import { memo, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Highlighter } from "./markdown_highlight.js";

const colored = (lines) =>
  lines.flatMap((line, row) => [
    ...line.map(([scope, text], index) =>
      scope ? (
        <span key={`${row}.${index}`} className={`tok-${scope}`}>
          {text}
        </span>
      ) : (
        text
      ),
    ),
    "\n",
  ]);

/** Lines that are finished: plain at first, coloured once. */
const Part = memo(({ text, lines }) => (
  <span className="streamui-md-lines">{lines ? colored(lines) : text}</span>
));

const textOf = (line) => line.map(([, text]) => text).join("");

/** The last lines. Those that changed since they were coloured are plain. */
function Tail({ text, lines }) {
  const rows = text.split("\n").map((row, index) => {
    const line = lines[index];
    return line && textOf(line) === row ? line : [["", row]];
  });
  return <span className="streamui-md-lines">{colored(rows).slice(0, -1)}</span>;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Pages served over plain http have no clipboard.
  const area = document.createElement("textarea");
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

function CopyButton({ text }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onClick = async () => {
    await copy(text());
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button type="button" onClick={onClick} aria-label={copied ? "Copied" : "Copy code"}>
      <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
    </button>
  );
}

export function CodeBlock({ language: info, parts, tail, live }) {
  const language = /^[\w+#.-]+/.exec(info?.trim() ?? "")?.[0].toLowerCase() ?? "";
  return <LanguageBlock key={language} language={language} parts={parts ?? NONE} tail={tail} live={live} />;
}

const NONE = [];

function LanguageBlock({ language, parts, tail, live }) {
  const [highlighter] = useState(() => new Highlighter(language));
  const lines = useSyncExternalStore(highlighter.subscribe, highlighter.view, highlighter.view);
  useEffect(() => highlighter.aim(parts, tail, live), [highlighter, parts, tail, live]);
  return (
    <div className="streamui-md-code" dir="ltr">
      <div className="streamui-md-bar">
        <span>{language || "text"}</span>
        <CopyButton text={() => parts.join("") + tail} />
      </div>
      <pre role="group" aria-label={`${language || "Plain"} code`.trim()} tabIndex={0}>
        <code>
          {parts.map((text, index) => (
            <Part key={index} text={text} lines={lines.parts[index]} />
          ))}
          <Tail text={tail} lines={lines.tail} />
        </code>
      </pre>
    </div>
  );
}

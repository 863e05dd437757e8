import { useEffect, useState } from "react";

let katex = null;
let loading = null;

// KaTeX, its style sheet and its fonts come with the first formula.
const load = () => (loading ??= import("./markdown_katex.js").then((found) => (katex = found.default)));

// `trust` off: no \href, no \includegraphics, no \htmlClass from streamed text.
const options = { throwOnError: false, trust: false, strict: "ignore", maxExpand: 200, maxSize: 20 };

function typeset(source, display) {
  try {
    return katex.renderToString(source.trim(), { ...options, displayMode: display });
  } catch {
    return null;
  }
}

export function Formula({ source, display = false, block = false }) {
  const [ready, setReady] = useState(katex !== null);
  useEffect(() => {
    let here = true;
    if (!ready) load().then(() => here && setReady(true), () => {});
    return () => {
      here = false;
    };
  }, [ready]);
  const html = ready ? typeset(source, display) : null;
  const Tag = block ? "div" : "span";
  const className = display ? "streamui-md-display" : "streamui-md-formula";
  if (html === null) {
    return (
      <Tag className={className} dir="ltr">
        <code>{source.trim()}</code>
      </Tag>
    );
  }
  return <Tag className={className} dir="ltr" dangerouslySetInnerHTML={{ __html: html }} />;
}

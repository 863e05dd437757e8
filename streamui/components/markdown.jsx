import {
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { useStreamable } from "$/public/external/streamui/page/client/streamable.jsx";
import { Pacer } from "./markdown_pace.js";
import { Block } from "./markdown_tokens.jsx";
import "./markdown.css";

/** Markdown that may still grow. A block is drawn again only when its own text changes. */
export function MarkdownView({ text, streaming, images, caret, className, ref, ...props }) {
  const root = useRef(null);
  const [pacer] = useState(() => new Pacer(text, streaming));
  const { blocks, streaming: live } = useSyncExternalStore(pacer.subscribe, pacer.view, pacer.view);
  const id = useId();
  const allowed = JSON.stringify(images ?? false);
  const context = useMemo(() => ({ images: JSON.parse(allowed), id }), [allowed, id]);

  // Reflex hands a component with an id a ref of its own.
  useImperativeHandle(ref, () => root.current, []);
  useEffect(() => pacer.aim(text, streaming), [pacer, text, streaming]);
  useLayoutEffect(() => {
    // Layout happens in this frame anyway; asking for it here makes its cost part of the measure.
    void root.current.offsetHeight;
    pacer.drawn();
  }, [pacer, blocks]);

  return (
    <div
      ref={root}
      className={className ? `streamui-markdown ${className}` : "streamui-markdown"}
      data-streaming={live || undefined}
      data-caret={caret || undefined}
      aria-busy={live || undefined}
      {...props}
    >
      {blocks.map((block) => (
        <Block key={block.key} block={block} context={context} />
      ))}
    </div>
  );
}

const textOf = (value) =>
  typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);

export function StreamMarkdown({ source, ...props }) {
  const { value, status, streaming } = useStreamable(source);
  return (
    <MarkdownView text={textOf(value)} streaming={streaming} data-status={status} {...props} />
  );
}

import { jsx } from "@emotion/react";
import { useStreamable } from "$/public/external/streamui/page/client/streamable.jsx";

const shown = (value) =>
  value === undefined || value === null
    ? ""
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);

/** Text as it is, white space kept; `dir=auto` lets right-to-left text find its side. */
export function StreamText({ source, announce, style, ...props }) {
  const { value, status, streaming } = useStreamable(source);
  return jsx(
    "div",
    {
      dir: "auto",
      "data-status": status,
      "aria-busy": streaming,
      "aria-live": announce ? "polite" : undefined,
      style: { whiteSpace: "pre-wrap", overflowWrap: "anywhere", ...style },
      ...props,
    },
    shown(value),
  );
}

import { jsx, keyframes } from "@emotion/react";
import { useStreamable } from "$/public/external/streamui/page/client/streamable.jsx";

const words = {
  streaming: "",
  done: "",
  cancelled: "Stopped",
  interrupted: "Interrupted",
  error: "Failed",
};

const colors = {
  streaming: "var(--accent-9, #3b82f6)",
  done: "var(--green-9, #30a46c)",
  cancelled: "var(--gray-9, #8d8d8d)",
  interrupted: "var(--amber-9, #ffc53d)",
  error: "var(--red-9, #e5484d)",
};

const pulse = keyframes({ "50%": { opacity: 0.35 } });

const dot = (status) => ({
  flex: "none",
  width: "0.5em",
  height: "0.5em",
  borderRadius: "50%",
  background: colors[status],
  animation: status === "streaming" ? `${pulse} 1.2s ease-in-out infinite` : "none",
  "@media (prefers-reduced-motion: reduce)": { animation: "none" },
});

const line = {
  display: "inline-flex",
  alignItems: "center",
  gap: "0.5em",
  fontSize: "0.8125rem",
  lineHeight: 1.4,
  color: "var(--gray-11, #646464)",
  overflowWrap: "anywhere",
};

/** What a stream says of itself while it lives, and how it ended. */
export function StreamStatus({ source, css, ...props }) {
  const { value, status, error } = useStreamable(source);
  const said = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return jsx(
    "span",
    { role: "status", "data-status": status, css: [line, css], ...props },
    jsx("span", { "aria-hidden": true, css: dot(status) }),
    jsx("span", null, error || words[status] || said),
  );
}

// A rate over the last minute. The line is drawn once a second, one second wider than what is
// seen, and slides by that second until the next one comes: so it moves, and nothing jumps.
import { useId, useState } from "react";
import { jsx } from "@emotion/react";

const SECONDS = 60;
const HEIGHT = 100; // in the drawing's own units; CSS gives it its size

// Through the middles between the samples, bent at the samples: smooth, and never beyond one.
const lineThrough = (samples, first) => {
  let path = `M${first} ${samples[0]}`;
  for (let i = 1; i < samples.length; i++) {
    const middle = (samples[i - 1] + samples[i]) / 2;
    path += `Q${first + i - 1} ${samples[i - 1]} ${first + i - 0.5} ${middle}`;
  }
  return `${path}L${SECONDS} ${samples.at(-1)}`;
};

// The top of the plot: a round number, so that it changes seldom.
const roundUp = (most) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 5)));
  return [1, 2, 5, 10].map((times) => times * power).find((round) => round >= Math.max(most, 5));
};

export function RatePlot({ rate = 0, tick, label, className = "", ...props }) {
  const gradient = useId();
  const [seen, setSeen] = useState(tick);
  const [samples, setSamples] = useState([rate]);
  if (tick !== seen) {
    setSeen(tick);
    setSamples([...samples, rate].slice(-SECONDS - 2));
  }
  const most = Math.max(...samples);
  const top = roundUp(most);
  const first = SECONDS + 1 - samples.length;
  const line = lineThrough(samples, first);
  const scale = { transform: `translateY(${HEIGHT}px) scaleY(${-HEIGHT / top})` };
  const stop = (offset, opacity) =>
    jsx("stop", { offset, stopColor: "currentColor", stopOpacity: opacity });
  return jsx(
    "div",
    { className: `rate-plot ${className}`, ...props },
    jsx(
      "svg",
      {
        role: "img",
        "aria-label": `${label}: ${rate} per second now, at most ${most} in the last minute`,
        // Two names for one movement: with the other one it begins again.
        className: seen % 2 ? "odd" : "even",
        viewBox: `0 0 ${SECONDS} ${HEIGHT}`,
        preserveAspectRatio: "none",
      },
      jsx(
        "linearGradient",
        { id: gradient, x1: 0, x2: 0, y1: 1, y2: 0 }, // upside down, as what it fills
        stop("0%", 0.35),
        stop("100%", 0.04),
      ),
      jsx(
        "g",
        { style: scale },
        jsx("path", { d: `${line}V0H${first}Z`, fill: `url(#${gradient})` }),
        jsx("path", { d: line, className: "line" }),
      ),
    ),
    jsx("span", { "aria-hidden": true }, top),
  );
}

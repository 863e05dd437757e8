import { useCallback, useLayoutEffect, useRef, useState } from "react";
import "./scroller.css";

const NEAR = 32; // px: so close to the end counts as being there

const distance = (view) => view.scrollHeight - view.clientHeight - view.scrollTop;

/** A scrolling box that stays at its end while what is in it grows. */
export function Scroller({ children, label, jumpLabel, follow, className = "", ...props }) {
  const box = useRef(null);
  const content = useRef(null);
  const sticks = useRef(true);
  const [away, setAway] = useState(false);

  useLayoutEffect(() => {
    const view = box.current;
    let top = view.scrollTop;
    const onScroll = () => {
      const left = distance(view);
      // Only a reader goes up. One who does is let go at once, however near the end is.
      if (view.scrollTop < top - 1) sticks.current = left <= 1;
      else if (left <= NEAR) sticks.current = true;
      top = view.scrollTop;
      setAway(!sticks.current && left > NEAR);
    };
    // It reports after layout and before painting: nothing is measured twice, nothing jumps.
    const observer = new ResizeObserver(() => {
      if (sticks.current) view.scrollTop = view.scrollHeight;
      top = view.scrollTop;
      setAway(!sticks.current && distance(view) > NEAR);
    });
    observer.observe(view);
    observer.observe(content.current);
    view.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      view.removeEventListener("scroll", onScroll);
    };
  }, []);

  useLayoutEffect(() => {
    sticks.current = true;
    box.current.scrollTop = box.current.scrollHeight;
  }, [follow]);

  const jump = useCallback(() => {
    const view = box.current;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    sticks.current = true;
    setAway(false);
    view.focus({ preventScroll: true }); // the button that had it goes away
    view.scrollTo({ top: view.scrollHeight, behavior: still ? "auto" : "smooth" });
  }, []);

  return (
    <div className={`streamui-scroller ${className}`}>
      <div ref={box} tabIndex={0} aria-label={label} {...props}>
        <div ref={content}>{children}</div>
      </div>
      {away && (
        <button type="button" onClick={jump}>
          {jumpLabel}
        </button>
      )}
    </div>
  );
}

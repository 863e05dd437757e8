import { useCallback, useLayoutEffect, useRef, useState } from "react";
import "./scroller.css";

const NEAR = 32; // px: so close to the end counts as being there

const distance = (view) => view.scrollHeight - view.clientHeight - view.scrollTop;

/** A scrolling box that stays at its end while what is in it grows. */
export function Scroller({ children, label, jumpLabel, follow, className = "", ...props }) {
  const box = useRef(null);
  const content = useRef(null);
  const sticks = useRef(true);
  const empty = useRef(false);
  const [away, setAway] = useState(false);

  useLayoutEffect(() => {
    const view = box.current;
    let top = view.scrollTop;
    const notice = () => {
      const left = distance(view);
      // Only a reader goes up: content that shrinks leaves the box at its end.
      if (view.scrollTop < top - 1 && left > 1) sticks.current = false;
      else if (left <= 1 || (left <= NEAR && view.scrollTop > top)) sticks.current = true;
      top = view.scrollTop;
      setAway(!sticks.current && left > NEAR);
    };
    const keep = () => {
      notice();
      if (!sticks.current || empty.current) return;
      view.scrollTop = view.scrollHeight;
      top = view.scrollTop;
    };
    // Sizes are reported after layout and before painting, so nothing is seen to jump. Changes
    // of the content count as well: what shrinks and grows within a frame has moved the box.
    const sizes = new ResizeObserver(keep);
    sizes.observe(view);
    sizes.observe(content.current);
    const changes = new MutationObserver(keep);
    changes.observe(content.current, { childList: true, characterData: true, subtree: true });
    view.addEventListener("scroll", notice, { passive: true });
    return () => {
      sizes.disconnect();
      changes.disconnect();
      view.removeEventListener("scroll", notice);
    };
  }, []);

  useLayoutEffect(() => {
    // With nothing to follow yet, what is there instead is read from its beginning.
    empty.current = follow === 0;
    sticks.current = true;
    box.current.scrollTop = empty.current ? 0 : box.current.scrollHeight;
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
      {away && follow !== 0 && (
        <button type="button" onClick={jump}>
          {jumpLabel}
        </button>
      )}
    </div>
  );
}

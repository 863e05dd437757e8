import { useCallback, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { countCharacters } from "$/public/external/streamui/page/client/store.js";
import "./composer.css";

const DRAFT = "streamui.draft."; // in sessionStorage: a tab's own
const OFFLINE = "No connection to the server. What you write stays here until it is back.";

const number = (count) => count.toLocaleString("en");

const tooLong = (count, limit) =>
  `This message is ${number(count)} characters long; the most that can be sent is ${number(limit)}.`;

const inSession = (action) => {
  try {
    return action(window.sessionStorage);
  } catch {
    return null; // full, or switched off: then a draft is not kept
  }
};

/** Bring back what was written, and keep it when the page goes away. */
const keepDraft = (element, key) => {
  const kept = inSession((session) => session.getItem(key));
  if (kept && !element.value) element.value = kept;
  const keep = () =>
    inSession((session) =>
      element.value ? session.setItem(key, element.value) : session.removeItem(key),
    );
  window.addEventListener("pagehide", keep);
  return () => {
    window.removeEventListener("pagehide", keep);
    keep();
  };
};

const grow = (element) => {
  if (CSS.supports("field-sizing", "content")) return; // composer.css does it
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight}px`;
};

// On a touch screen it would open the keyboard over what the reader is looking at.
const focus = (element) => {
  if (!matchMedia("(pointer: coarse)").matches) element.focus();
};

/** Give the box the focus when what had it beside the box is gone, such as a Stop button. */
const catchFocus = (element) => {
  const { form } = element;
  let focused = null;
  const onFocus = ({ target }) => (focused = target);
  // What is removed may lose the focus before it goes, so look when that is over.
  const onBlur = ({ target }) =>
    queueMicrotask(() => {
      if (target === focused && target.isConnected) focused = null; // somebody took it away
    });
  const observer = new MutationObserver(() => {
    if (!focused || focused.isConnected) return;
    focused = null;
    if (document.activeElement === document.body) focus(element);
  });
  form.addEventListener("focusin", onFocus);
  form.addEventListener("focusout", onBlur);
  observer.observe(form, { childList: true, subtree: true });
  return () => {
    form.removeEventListener("focusin", onFocus);
    form.removeEventListener("focusout", onBlur);
    observer.disconnect();
  };
};

/** A box for one message. Its text lives in the DOM: a key renders nothing. */
export function Composer({
  children,
  label,
  placeholder,
  sendLabel,
  limit = Infinity,
  connected = true,
  autoFocus,
  onSend,
  id,
  ref,
  className = "",
  ...props
}) {
  const box = useRef(null);
  const note = useId();
  const [blank, setBlank] = useState(true);
  const [excess, setExcess] = useState(0); // the length of a text that is too long

  const look = useCallback(() => {
    const text = box.current.value;
    setBlank(!text.trim());
    const length = text.length > limit ? countCharacters(text) : 0;
    setExcess(length > limit ? length : 0);
    grow(box.current);
  }, [limit]);

  const key = DRAFT + (id ?? label);
  useEffect(() => {
    const stop = keepDraft(box.current, key);
    look();
    return stop;
  }, [key, look]);

  useEffect(() => catchFocus(box.current), []);

  // What rx.set_focus and rx.set_value get hold of.
  useImperativeHandle(
    ref,
    () => ({
      focus: () => focus(box.current),
      get value() {
        return box.current.value;
      },
      set value(text) {
        box.current.value = text;
        look();
      },
    }),
    [look],
  );

  const send = (event) => {
    event.preventDefault();
    box.current.focus();
    const text = box.current.value.trim();
    if (!text || excess || !connected) return;
    onSend?.(text);
    box.current.value = "";
    look();
  };

  const onKeyDown = (event) => {
    // The Enter that ends the composition of a word (229 in Safari) is none of ours.
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === "Enter" && !event.shiftKey && !composing) send(event);
  };

  const complaint = excess ? tooLong(excess, limit) : connected ? "" : OFFLINE;
  return (
    <form className={`streamui-composer ${className}`} onSubmit={send} {...props}>
      <textarea
        ref={box}
        id={id}
        rows={1}
        dir="auto"
        aria-label={label}
        aria-describedby={complaint ? note : undefined}
        aria-invalid={excess > 0 || undefined}
        placeholder={placeholder ?? label}
        autoFocus={autoFocus}
        enterKeyHint="send"
        onInput={look}
        onKeyDown={onKeyDown}
      />
      <p id={note} role="alert" data-offline={connected ? undefined : ""}>
        {complaint}
      </p>
      <div>
        {children}
        <button type="submit" disabled={blank || !connected}>
          {sendLabel}
        </button>
      </div>
    </form>
  );
}

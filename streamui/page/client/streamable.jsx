// React's side of the page store: a hook that reads one stream, and the provider that connects
// the store to Reflex's socket.
import { useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { DispatchContext, eventLoop } from "$/utils/context-registry";
import { ReflexEvent } from "$/utils/state";
import { snapshotOf, StreamStore } from "./store.js";

const CHANNEL = "streamui"; // as in streamui/page/link.py
const FRAME = 16; // ms
const AT_ONCE = 3; // frames from the server that are shown at once in this time

let helloEvent = "";
let begun = 0;
let shown = 0;
let pending = null;

const flush = () => {
  const publish = pending;
  pending = null;
  publish?.();
};

// What comes after a pause shows at once (the empty beginning, then the first words); while more
// comes, once per painted frame. A hidden tab paints no frames, so a timer stands in.
const schedule = (publish) => {
  if (pending) return;
  pending = publish;
  const now = performance.now();
  if (now - begun > FRAME) [begun, shown] = [now, 0];
  if (shown++ < AT_ONCE) queueMicrotask(flush);
  else {
    let over = false;
    const once = () => {
      if (!over) flush();
      over = true;
    };
    requestAnimationFrame(once);
    setTimeout(once, document.hidden ? FRAME : 4 * FRAME);
  }
};

const sayHello = (streams, held) =>
  eventLoop.addEvents([ReflexEvent(helloEvent, held?.length ? { streams, held } : { streams })]);

export const store = new StreamStore({ schedule, request: (streams) => sayHello(streams) });

const receiveFrames = (dispatch, hello) => {
  dispatch[CHANNEL] = (frame) => store.apply(frame);
  helloEvent = hello;
};

const isHandle = (handle) =>
  typeof handle === "object" && handle !== null && typeof handle.$stream === "string";

/**
 * Read a stream and render again when it changes.
 *
 * @param handle A handle as it stands in the state, or any plain value.
 * @returns {value, status, streaming, error, code}
 */
export function useStreamable(handle) {
  const stream = isHandle(handle) ? handle.$stream : null;
  const id = stream !== null && (!handle.status || handle.held) ? stream : null;
  const constant = useMemo(() => {
    if (id !== null) return null;
    if (stream === null) return snapshotOf(handle, "done");
    if (stream) return store.adopt(handle);
    return snapshotOf(handle.value, handle.status, handle.error);
  }, [handle, id, stream]);
  // To a constant's stream, too: the store keeps what is shown, and the server counts on that.
  const shown = id ?? (stream || null);
  const subscribe = useCallback(
    (listener) => (shown === null ? () => {} : store.listen(shown, listener)),
    [shown],
  );
  const read = () => constant ?? store.entry(id).snapshot;
  return useSyncExternalStore(subscribe, read, read);
}

/** Takes frames in, and tells the server on each connection where this page is. */
export function StreamProvider({ children, socket, hello }) {
  const dispatch = useContext(DispatchContext);
  // Effects run inside out: this one before that of the event loop, which opens the socket.
  useEffect(() => receiveFrames(dispatch, hello), [dispatch, hello]);
  useEffect(() => {
    if (!socket) return;
    const { streams, held } = store.resume();
    if (Object.keys(streams).length || held.length) sayHello(streams, held);
  }, [socket]);
  return children;
}

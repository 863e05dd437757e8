import { useEffect, useRef } from "react";
import { openEventSource } from "./event_source.js";

/** Reads an event stream for as long as it is mounted, and shows nothing. */
export function EventSourceReader({
  url,
  base,
  names,
  withCredentials = false,
  interval,
  handlers,
  onMessage,
  onMessages,
  onOpen,
  onError,
}) {
  // Handlers are new functions at each render, which is no reason to connect again.
  const current = useRef({});
  useEffect(() => {
    current.current = { handlers, onMessage, onMessages, onOpen, onError };
  });

  const listened = JSON.stringify([...(names ?? []), ...Object.keys(handlers ?? {})]);
  useEffect(() => {
    if (!url) return undefined;
    const call = (name, ...args) => current.current[name]?.(...args);
    return openEventSource(url, {
      base,
      names: JSON.parse(listened),
      withCredentials,
      interval,
      on: {
        message(message) {
          const own = current.current.handlers;
          if (own && Object.hasOwn(own, message.event)) own[message.event](message);
          else call("onMessage", message);
        },
        messages: (messages) => call("onMessages", messages),
        open: () => call("onOpen"),
        error: (error) => call("onError", error),
      },
    });
  }, [url, base, listened, withCredentials, interval]);

  return null;
}

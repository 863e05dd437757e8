// A foreign event stream in the page: opens it, and gives on what comes. No React in here.

const MESSAGE_LIMIT = 300_000; // UTF-16 units of JSON: at 3 bytes each, below Reflex's 1 MB a packet
const BATCH_LIMIT = 200_000;

/** What comes fast, together: the first at once, then all that came in each interval. */
export class Batch {
  /**
   * @param send Called with a list of messages, never an empty one.
   * @param interval Milliseconds between two lists.
   */
  constructor(send, interval) {
    this.send = send;
    this.interval = interval;
    this.messages = [];
    this.size = 0;
    this.timer = null;
  }

  /** @param size Of the message's JSON; a list is kept to what a packet can hold. */
  add(message, size) {
    if (this.size + size > BATCH_LIMIT) this.flush();
    this.messages.push(message);
    this.size += size;
    if (this.timer === null) this.tick();
  }

  tick() {
    this.timer = this.messages.length ? setTimeout(() => this.tick(), this.interval) : null;
    this.flush();
  }

  flush() {
    const messages = this.messages;
    if (!messages.length) return;
    this.messages = [];
    this.size = 0;
    this.send(messages);
  }

  close() {
    clearTimeout(this.timer);
    this.flush();
  }
}

const addressOf = (url, base) => {
  try {
    const address = new URL(url, base);
    return /^https?:$/.test(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
};

/**
 * Open a stream.
 *
 * @param url Its address; `base` says where one without a host is.
 * @param names The events to listen to, beside those without a name.
 * @param on What to call: message(message), messages(list), open(), error({closed, code}).
 * @returns A function that closes it; what had come is given on before.
 */
export function openEventSource(url, { base, names = [], withCredentials, interval, on }) {
  const address = addressOf(url, base);
  if (!address) {
    on.error({ closed: true, code: "url" });
    return () => {};
  }
  const source = new EventSource(address, { withCredentials });
  const batch = new Batch(on.messages, interval);

  const receive = ({ type, data, lastEventId }) => {
    const message = { data, event: type, id: lastEventId };
    const size = JSON.stringify(message).length;
    if (size > MESSAGE_LIMIT) {
      on.error({ closed: false, code: "too_long" });
      return;
    }
    on.message(message);
    batch.add(message, size);
  };
  // A server may name its own events "open" and "error": those have data.
  const own = (type, notice) => (event) => {
    if (!("data" in event)) notice();
    else if (names.includes(type)) receive(event);
  };
  const lost = () =>
    on.error({ closed: source.readyState === EventSource.CLOSED, code: "connection" });
  source.addEventListener("open", own("open", on.open));
  source.addEventListener("error", own("error", lost));
  for (const name of new Set(["message", ...names])) {
    if (name !== "open" && name !== "error") source.addEventListener(name, receive);
  }
  return () => {
    source.close();
    batch.close();
  };
}

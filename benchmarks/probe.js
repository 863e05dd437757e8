// Runs in a measured page before the page's own code. It counts what the page's sockets and
// streams receive, and sees what a reader sees: once per frame, just after that frame is painted.
(() => {
  const NEWLINE = 10;
  const received = { frames: 0, bytes: 0, last: 0 };
  const sources = new Set();
  let click = 0;
  let longest = 0;

  const count = (bytes) => {
    received.frames += 1;
    received.bytes += bytes;
    received.last = performance.now();
  };

  window.WebSocket = class extends window.WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", ({ data }) => {
        count(data.length ?? data.byteLength ?? data.size);
      });
    }
  };

  // An event of an EventSource says nothing of its size, the browser's timing of the response does.
  window.EventSource = class extends window.EventSource {
    constructor(...parameters) {
      super(...parameters);
      sources.add(this.url);
      this.addEventListener("message", () => count(0));
    }
  };
  const streamed = () =>
    performance
      .getEntriesByType("resource")
      .filter(({ name, startTime }) => sources.has(name) && startTime >= click)
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);

  // An event of a fetched stream ends with an empty line. The page's copy of the stream is left to
  // it; a chunk is gone through byte by byte, which is cheaper than to make text of it once more.
  const follow = async (stream) => {
    let before = 0;
    for await (const chunk of stream) {
      received.bytes += chunk.length;
      for (const byte of chunk) {
        if (byte === NEWLINE && before === NEWLINE) count(0);
        before = byte;
      }
    }
  };
  const { fetch } = window;
  window.fetch = async (...parameters) => {
    const response = await fetch(...parameters);
    const kind = response.headers.get("Content-Type") ?? "";
    if (kind.startsWith("text/event-stream")) follow(response.clone().body);
    return response;
  };

  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  }).observe({ type: "longtask" });

  const text = () => document.getElementById("answer").textContent;

  // Calls `look` after each painted frame, until it returns false. A message posted in a frame's
  // callback arrives when that frame is painted.
  const afterFrames = (look) => {
    const painted = new MessageChannel();
    const next = () => requestAnimationFrame(() => painted.port2.postMessage(0));
    painted.port1.onmessage = () => look(performance.now()) && next();
    next();
  };

  window.bench = {
    connected: () => received.frames > 0,
    quiet: (ms) => performance.now() - Math.max(click, received.last) > ms,
    text,
    totals: () => ({ frames: received.frames, bytes: received.bytes + streamed(), longest }),

    // Clicks. Resolves to when the first token and the whole text were visible, in milliseconds
    // since the click; `all` is null when that was not before the limit.
    run: (button, { length, ending, limit }) =>
      new Promise((resolve) => {
        Object.assign(received, { frames: 0, bytes: 0 });
        longest = 0;
        let first = null;
        click = performance.now();
        afterFrames((now) => {
          const shown = text();
          if (shown.length > 0) first ??= now - click;
          const complete = ending ? shown.includes(ending) : shown.length >= length;
          if (!complete && now - click < limit) return true;
          resolve({ first, all: complete ? now - click : null });
          return false;
        });
        document.getElementById(button).click();
      }),
  };
})();

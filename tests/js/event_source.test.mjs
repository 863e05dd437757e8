// The page's event source without a page: a stand-in for the browser's EventSource, and its clock.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Batch, openEventSource } from "../../streamui/components/event_source.js";

class FakeEventSource extends EventTarget {
  static CLOSED = 2;
  static opened = [];
  readyState = 1;

  constructor(url, options) {
    super();
    Object.assign(this, { url, options });
    FakeEventSource.opened.push(this);
  }

  message(data, { type = "message", id = "" } = {}) {
    this.dispatchEvent(Object.assign(new Event(type), { data, lastEventId: id }));
  }

  notice(type) {
    this.dispatchEvent(new Event(type));
  }

  close() {
    this.readyState = FakeEventSource.CLOSED;
  }
}

beforeEach(() => {
  globalThis.EventSource = FakeEventSource;
  FakeEventSource.opened = [];
  mock.timers.enable({ apis: ["setTimeout"] });
});

afterEach(() => {
  mock.timers.reset();
  delete globalThis.EventSource;
});

const open = (url = "https://example.com/a", options = {}) => {
  const heard = { single: [], lists: [], opened: 0, errors: [] };
  const close = openEventSource(url, {
    base: "http://localhost:8000/ping",
    interval: 50,
    on: {
      message: (message) => heard.single.push(message),
      messages: (messages) => heard.lists.push(messages),
      open: () => (heard.opened += 1),
      error: (error) => heard.errors.push(error),
    },
    ...options,
  });
  return { heard, close, source: FakeEventSource.opened.at(-1) };
};

const texts = (lists) => lists.map((list) => list.map(({ data }) => data));

test("a message is its data, its event and its id", () => {
  const { heard, source } = open();
  source.message('{"a": 1}', { id: "7" });
  assert.deepEqual(heard.single, [{ data: '{"a": 1}', event: "message", id: "7" }]);
  assert.deepEqual(heard.lists, [heard.single]);
});

test("named events are read when they are asked for, each once", () => {
  const { heard, source } = open(undefined, { names: ["price", "message", "price"] });
  source.message("1", { type: "price" });
  source.message("2", { type: "other" });
  source.message("3");
  assert.deepEqual(
    heard.single.map(({ event, data }) => event + data),
    ["price1", "message3"],
  );
});

test("a server's own open and error are messages, the browser's are not", () => {
  const { heard, source } = open(undefined, { names: ["error", "open"] });
  source.notice("open");
  source.message("bad", { type: "error" });
  source.message("good", { type: "open" });
  source.notice("error");
  assert.deepEqual(
    heard.single.map(({ event, data }) => event + data),
    ["errorbad", "opengood"],
  );
  assert.equal(heard.opened, 1);
  assert.deepEqual(heard.errors, [{ closed: false, code: "connection" }]);

  const other = open();
  other.source.message("nobody asked", { type: "error" });
  assert.deepEqual(other.heard.errors, []);
  assert.deepEqual(other.heard.single, []);
});

test("a connection that is closed for good says so", () => {
  const { heard, source } = open();
  source.readyState = FakeEventSource.CLOSED;
  source.notice("error");
  assert.deepEqual(heard.errors, [{ closed: true, code: "connection" }]);
});

test("the first message is given on at once, the next ones together, none twice", () => {
  const { heard, source } = open();
  source.message("a");
  source.message("b");
  source.message("c");
  assert.deepEqual(texts(heard.lists), [["a"]]);
  mock.timers.tick(49);
  assert.deepEqual(texts(heard.lists), [["a"]]);
  mock.timers.tick(1);
  assert.deepEqual(texts(heard.lists), [["a"], ["b", "c"]]);
  source.message("d");
  mock.timers.tick(50);
  assert.deepEqual(texts(heard.lists), [["a"], ["b", "c"], ["d"]]);
  mock.timers.tick(50);
  source.message("e"); // after a pause, at once again
  assert.deepEqual(texts(heard.lists), [["a"], ["b", "c"], ["d"], ["e"]]);
});

test("a flood is a few lists that each fit into a packet", () => {
  const { heard, source } = open();
  for (let number = 0; number < 10_000; number++) source.message(`${number} ${"x".repeat(100)}`);
  mock.timers.tick(50);
  const all = heard.lists.flat();
  assert.equal(all.length, 10_000);
  assert.ok(all.every(({ data }, index) => data.startsWith(`${index} `)));
  assert.ok(heard.lists.length < 12);
  assert.ok(heard.lists.every((list) => JSON.stringify(list).length < 250_000));
});

test("a message that no packet can hold is an error, and the stream goes on", () => {
  const { heard, source } = open();
  source.message("x".repeat(300_001));
  source.message("next");
  assert.deepEqual(heard.errors, [{ closed: false, code: "too_long" }]);
  assert.deepEqual(texts(heard.lists), [["next"]]);
});

test("closing gives on what came, closes the connection and leaves no timer", () => {
  const { heard, source, close } = open();
  source.message("a");
  source.message("b");
  close();
  assert.equal(source.readyState, FakeEventSource.CLOSED);
  assert.deepEqual(texts(heard.lists), [["a"], ["b"]]);
  mock.timers.tick(1000);
  assert.deepEqual(texts(heard.lists), [["a"], ["b"]]);
});

test("an address without a host is one of the app's own server", () => {
  assert.equal(open("/events?a=1").source.url, "http://localhost:8000/events?a=1");
  assert.equal(open("//example.com/b").source.url, "http://example.com/b");
  assert.deepEqual(open("/c", { withCredentials: true }).source.options, { withCredentials: true });
});

test("an address that is none of http is closed, and nothing is opened", () => {
  for (const url of ["javascript:alert(1)", "data:text/event-stream,data:x", "ws://a", "http://"]) {
    const { heard, close } = open(url);
    assert.deepEqual(heard.errors, [{ closed: true, code: "url" }]);
    close();
  }
  assert.deepEqual(FakeEventSource.opened, []);
});

test("an interval of zero is a list per turn of the event loop", () => {
  const lists = [];
  const batch = new Batch((list) => lists.push(list), 0);
  for (const each of "abc") batch.add(each, 1);
  mock.timers.tick(0);
  mock.timers.tick(1);
  assert.deepEqual(lists, [["a"], ["b", "c"]]);
});

// The page store against the wire contract that the Python tests read too.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { StreamStore, countCharacters } from "../../streamui/page/client/store.js";
import { applyPatch } from "../../streamui/page/client/tree.js";

const cases = JSON.parse(readFileSync(new URL("../wire/streams.json", import.meta.url), "utf8"));

const makeStore = (options) => {
  const requests = [];
  const store = new StreamStore({
    schedule: (publish) => publish(),
    request: (streams) => requests.push(streams),
    ...options,
  });
  store.connected = true;
  return { store, requests };
};

const shown = (store, id) => {
  const { value, status, streaming, error, code } = store.entry(id).snapshot;
  assert.equal(streaming, status === "streaming");
  return { value, status, error, code };
};

const expected = ({ value, status, error = "", code = "" }) => ({ value, status, error, code });

for (const { name, frames, end } of cases) {
  test(`contract: ${name}`, () => {
    const { store, requests } = makeStore();
    for (const op of frames) store.apply({ 1: op });
    assert.deepEqual(shown(store, "the-id"), expected(end));
    assert.equal(store.entry("the-id").offset, end.offset);
    assert.deepEqual(requests, []);
  });

  test(`contract, begun again in the middle: ${name}`, () => {
    // A page that had some of it gets the rest from its offset, or the whole.
    const { store } = makeStore();
    for (const op of frames) {
      store.apply({ 1: op });
      const entry = store.entry("the-id");
      store.apply({ 7: { i: "the-id", f: entry.offset } });
    }
    assert.deepEqual(shown(store, "the-id"), expected(end));
  });
}

test("several streams travel in one frame and wake only their own listeners", () => {
  const { store } = makeStore();
  const heard = [];
  for (const id of ["a", "b", "c"]) store.listen(id, () => heard.push(id));
  store.apply({ 1: { i: "a", v: "x", o: 1 }, 2: { i: "b", v: "y", o: 1 } });
  store.apply({ 2: "z" });
  assert.deepEqual(heard, ["a", "b", "b"]);
  assert.equal(store.entry("b").snapshot.value, "yz");
});

test("a listener that left is not called", () => {
  const { store } = makeStore();
  let calls = 0;
  const leave = store.listen("a", () => calls++);
  leave();
  store.apply({ 1: { i: "a", v: "x", o: 1 } });
  assert.equal(calls, 0);
});

test("a snapshot stays the same object while nothing changes", () => {
  const { store } = makeStore();
  store.apply({ 1: { i: "a", v: "x", o: 1 } });
  const before = store.entry("a").snapshot;
  store.apply({ 1: { i: "a", f: 1 } });
  assert.equal(store.entry("a").snapshot, before);
});

test("what came twice because a frame crossed a hello is shown once", () => {
  const { store } = makeStore();
  store.apply({ 1: { i: "a", v: "a😀b", o: 4 } });
  store.apply({ 2: { i: "a", f: 2, a: "😀bcd" } });
  assert.equal(store.entry("a").snapshot.value, "a😀bcd");
  assert.equal(store.entry("a").offset, 6);
  store.apply({ 3: { i: "b", v: [1, 2], o: 3 } });
  store.apply({ 4: { i: "b", f: 2, a: [2, 3] } });
  assert.deepEqual(store.entry("b").snapshot.value, [1, 2, 3]);
});

test("a gap is never shown: the page asks for the whole", () => {
  const { store, requests } = makeStore();
  store.apply({ 1: { i: "a", v: "abc", o: 4 } });
  store.apply({ 1: { i: "a", f: 9, a: "xyz" } });
  assert.equal(store.entry("a").snapshot.value, "abc");
  assert.deepEqual(requests, [{ a: -1 }]);
  store.apply({ 2: { i: "a", v: "abc+++xyz", o: 12 } });
  assert.equal(store.entry("a").snapshot.value, "abc+++xyz");
});

test("an end that does not add up makes the page ask for the whole", () => {
  const { store, requests } = makeStore();
  store.apply({ 1: { i: "a", v: "", o: 1 } });
  store.apply({ 1: { a: "lost some", o: 99, s: "done" } });
  assert.deepEqual(requests, [{ a: -1 }]);
  assert.equal(store.entry("a").snapshot.status, "streaming");
});

test("an op whose alias was never introduced is dropped", () => {
  const { store } = makeStore();
  store.apply({ 9: "text" });
  assert.equal(store.entries.size, 0);
});

test("a new connection is told where each live stream is and which ended ones are held", () => {
  const { store } = makeStore();
  store.apply({ 1: { i: "a", v: "abc", o: 4 }, 2: { i: "b", v: "x", o: 3, s: "done" } });
  store.listen("c", () => {});
  store.entry("d");
  assert.deepEqual(store.resume(), { streams: { a: 4, c: 0 }, held: ["b"] });
  store.apply({ 1: "d" }); // of the new connection, whose first frames came before its hello
  assert.equal(store.entry("a").snapshot.value, "abcd");
});

test("a complete handle is kept, so that it need not come again", () => {
  const { store } = makeStore();
  store.adopt({ $stream: "a", status: "done", value: "whole" });
  assert.deepEqual(store.resume(), { streams: {}, held: ["a"] });
  assert.equal(store.entry("a").snapshot.value, "whole");
  store.adopt({ $stream: "a", status: "error", value: "other" });
  assert.equal(store.entry("a").snapshot.value, "whole");
});

test("a complete handle that overtakes the last frame is not added to", () => {
  const { store } = makeStore();
  const heard = [];
  store.listen("a", () => heard.push(store.entry("a").snapshot.value));
  store.apply({ 1: { i: "a", v: "for", o: 4 } });
  store.adopt({ $stream: "a", status: "done", value: "forty two." });
  store.apply({ 1: { a: "ty two.", o: 12, s: "done" } });
  store.apply({ 1: "more" });
  assert.deepEqual(heard, ["for", "forty two."]);
  assert.equal(store.entry("a").snapshot.status, "done");
});

test("a stream that was lost is found again when its handle comes complete", () => {
  const { store } = makeStore();
  const error = { code: "lost", message: "Gone.", reference: "" };
  store.apply({ 1: { i: "a", s: "interrupted", e: error } });
  assert.deepEqual(store.resume().held, []); // so that the server sends it when it has it again
  store.adopt({ $stream: "a", status: "done", value: "whole" });
  assert.deepEqual(shown(store, "a"), { value: "whole", status: "done", error: "", code: "" });
});

test("what came before a state was saved with less of it stays", () => {
  const { store } = makeStore();
  store.apply({ 1: { i: "a", v: "all that came", o: 14 } });
  const handle = { $stream: "a", status: "interrupted", value: "all that" };
  assert.equal(store.adopt(handle).value, "all that came");
  assert.equal(store.adopt(handle).value, "all that came"); // another component shows it, too
  const end = { value: "all that came", status: "interrupted", error: "", code: "" };
  assert.deepEqual(shown(store, "a"), end);
  assert.deepEqual(store.resume(), { streams: {}, held: ["a"] });
});

test("but what was replaced, or has another end, is as the state says", () => {
  const { store } = makeStore();
  for (const [id, status, value] of [
    ["a", "interrupted", "another"],
    ["b", "done", "all that"],
    ["c", "interrupted", ["all that"]],
  ]) {
    store.apply({ 1: { i: id, v: "all that came", o: 14 } });
    assert.deepEqual(store.adopt({ $stream: id, status, value }).value, value);
    assert.deepEqual(shown(store, id), { value, status, error: "", code: "" });
  }
});

test("a long value comes in pieces, and only the last one ends it", () => {
  const { store, requests } = makeStore();
  store.apply({ 1: { i: "a", v: "one 😀", o: 6 } });
  store.apply({ 1: " two" });
  assert.equal(store.resume().streams.a, 10); // a new connection goes on from there
  store.apply({ 1: { i: "a", f: 10, a: " three" } });
  store.apply({ 1: { a: "!", o: 18, s: "done" } });
  assert.deepEqual(shown(store, "a"), {
    value: "one 😀 two three!",
    status: "done",
    error: "",
    code: "",
  });
  assert.deepEqual(requests, []);
});

test("the pieces of what is here already change nothing", () => {
  const { store, requests } = makeStore();
  store.adopt({ $stream: "a", status: "done", value: "one two" });
  store.apply({ 1: { i: "a", v: "one", o: 4 } });
  store.apply({ 1: " two" });
  store.apply({ 1: { o: 9, s: "done" } });
  assert.equal(store.entry("a").snapshot.value, "one two");
  assert.deepEqual(requests, []);
});

test("a stream that was one too many shows as soon as it is sent", () => {
  const { store } = makeStore();
  const error = { code: "limit", message: "Too many.", reference: "" };
  store.apply({ 1: { i: "a", s: "interrupted", e: error } });
  assert.equal(store.entry("a").snapshot.error, "Too many.");
  assert.deepEqual(store.resume().held, []);
  store.apply({ 2: { i: "a", v: "text", o: 1 } });
  assert.deepEqual(shown(store, "a"), { value: "text", status: "streaming", error: "", code: "" });
});

test("an id or an alias named __proto__ is a name like any other", () => {
  const { store } = makeStore();
  store.apply(JSON.parse('{"__proto__":{"i":"__proto__","v":"x","o":1}}'));
  assert.equal(store.entry("__proto__").snapshot.value, "x");
  assert.equal({}.v, undefined);
});

test("a handle nobody has told about is asked for, one that comes by itself is not", async () => {
  const { store, requests } = makeStore();
  store.listen("a", () => {});
  store.listen("b", () => {});
  store.apply({ 1: { i: "b", v: "", o: 1 } });
  await new Promise((resolve) => {
    store.request = (streams) => {
      requests.push(streams);
      resolve();
    };
  });
  assert.deepEqual(requests, [{ a: 0 }]);
});

test("a stream that is gone shows an end, not an endless wait", () => {
  const { store } = makeStore();
  const op = { i: "a", s: "interrupted", e: { code: "lost", message: "Gone.", reference: "" } };
  store.apply({ 1: op });
  assert.deepEqual(shown(store, "a"), {
    value: undefined,
    status: "interrupted",
    error: "Gone.",
    code: "lost",
  });
});

test("a reference is shown with its sentence", () => {
  const { store } = makeStore();
  const error = { code: "internal", message: "Wrong.", reference: "1a2b" };
  store.apply({ 1: { i: "a", s: "error", o: 1, e: error } });
  assert.equal(store.entry("a").snapshot.error, "Wrong. (1a2b)");
});

test("characters are counted as the server counts them", () => {
  for (const [text, count] of [
    ["", 0],
    ["abc", 3],
    ["a😀b", 3],
    ["👩‍👩‍👧", 5],
    ["\u2028\u0000", 2],
  ])
    assert.equal(countCharacters(text), count);
});

test("a patch leaves the old value alone and shares what did not change", () => {
  const old = { rows: [{ n: 1 }, { n: 2 }], other: { deep: true } };
  const result = applyPatch(old, [["rows", 1, "n"], "=", 3]);
  assert.deepEqual(old.rows[1], { n: 2 });
  assert.deepEqual(result.rows, [{ n: 1 }, { n: 3 }]);
  assert.equal(result.rows[0], old.rows[0]);
  assert.equal(result.other, old.other);
  assert.equal({}.polluted, undefined);
});

const whole = (id) => ({ $stream: id, status: "done", value: id.repeat(3) });
const names = (store) => [...store.entries.keys()].join("");

test("of the ended streams that nothing shows only the last few are kept", () => {
  const { store } = makeStore({ keep: 2 });
  store.apply({ 1: { i: "a", v: "x", o: 2, s: "done" }, 2: { i: "b", v: "y", o: 1 } });
  store.adopt(whole("c"));
  store.listen("c", () => {});
  for (const id of "defg") store.adopt(whole(id));
  const leave = store.listen("d", () => {});
  leave(); // shown last, so it goes last
  store.tidy();
  assert.equal(names(store), "bcgd"); // b goes on, c is shown
  assert.deepEqual([...store.aliases.keys()], ["2"]);
  assert.deepEqual(store.resume(), { streams: { b: 1 }, held: ["c", "g", "d"] });
  store.apply({ 1: "late", 2: "z" });
  assert.equal(store.entry("b").snapshot.value, "yz");
});

test("a stream that was dropped is asked for when it is shown again", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { store, requests } = makeStore({ keep: 0 });
  store.apply({ 1: { i: "a", v: "text", o: 5, s: "done" } });
  mock.timers.tick(1000);
  assert.equal(names(store), "");
  const heard = [];
  store.listen("a", () => heard.push(store.entry("a").snapshot.value));
  mock.timers.tick(50);
  assert.deepEqual(requests, [{ a: 0 }]);
  store.apply({ 2: { i: "a", f: 0, a: "text", o: 5, s: "done" } });
  assert.deepEqual(heard, ["text"]);
  mock.timers.tick(1000);
  assert.equal(names(store), "a");
  mock.timers.reset();
});

test("a stream whose end is still to come on its alias is not dropped", () => {
  const { store } = makeStore({ keep: 0 });
  store.apply({ 1: { i: "a", v: "a", o: 1 } });
  store.adopt(whole("a"));
  store.tidy();
  assert.equal(names(store), "a");
  store.apply({ 1: { a: "aa", o: 4, s: "done" } });
  store.tidy();
  assert.equal(names(store), "");
  store.apply({ 1: { i: "b", v: "b", o: 1 } });
  store.adopt(whole("b"));
  store.resume(); // the connection on which the end would have come is gone
  store.tidy();
  assert.equal(names(store), "");
});

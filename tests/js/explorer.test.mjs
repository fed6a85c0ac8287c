// What the explorer does with data alone, by node's own test runner: `node --test tests/js`.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as x from "../../tlsnotes/show/assets/explorer.js";

const TEXTS = ["", "Handshake", "msg_type", "length", "body", "random", "extensions", "contents", "key_share", "x25519"];
// depth, name, type, start, size, value, words, about, flags
const TREE = [
  [0, 1, 0, 0, 10, 0, 0, 0, 0], // Handshake
  [1, 2, 0, 0, 1, 0, 0, 0, 0], //   msg_type
  [1, 3, 0, 1, 3, 0, 0, 0, 0], //   length
  [1, 4, 0, 4, 6, 0, 0, 0, 1], //   body: wraps
  [2, 5, 0, 4, 2, 0, 0, 0, 0], //     random
  [2, 6, 0, 6, 4, 0, 0, 0, 0], //     extensions
  [3, 3, 0, 6, 1, 0, 0, 0, 1], //       length: only says how long
  [3, 7, 0, 7, 3, 0, 0, 0, 1], //       contents: wraps
  [4, 8, 0, 7, 3, 9, 0, 0, 0], //         key_share
].flat();
const doc = () => new x.Doc(Uint8Array.from([1, 0, 0, 6, 65, 66, 3, 7, 8, 9]), 10, TREE);

test("a field knows its parent, its children and where it ends", () => {
  const d = doc();
  assert.deepEqual(d.children(0), [1, 2, 3]);
  assert.deepEqual(d.trail(8), [0, 3, 5, 7, 8]);
  assert.equal(d.ends[5], 9);
  assert.deepEqual(d.roots(), [0]);
  assert.deepEqual(d.range(5), [6, 10]);
});

test("a byte belongs to the innermost field that holds it", () => {
  const d = doc();
  assert.deepEqual([0, 2, 4, 6, 9].map((at) => d.leafAt(at)), [1, 2, 4, 6, 8]);
  assert.equal(d.leafAt(10), -1);
});

test("what wraps is no row unless every byte is asked for, and what is in it moves up", () => {
  const d = doc();
  assert.deepEqual(x.shownChildren(d, 0, false), [1, 2, 4, 5]);
  assert.deepEqual(x.shownChildren(d, 0, true), [1, 2, 3]);
  assert.equal(x.shownAround(d, 6, false), 5);
  assert.equal(x.shownAround(d, 6, true), 6);
});

test("the rows follow what is open, with level, position and number of siblings", () => {
  const rows = x.rowsOf(doc(), new Set([0, 5]), false);
  assert.deepEqual(rows.map((row) => [row.node, row.level, row.open, row.position, row.of]), [
    [0, 1, true, 1, 1], [1, 2, null, 1, 4], [2, 2, null, 2, 4], [4, 2, null, 3, 4], [5, 2, true, 4, 4], [8, 3, null, 1, 1],
  ]);
});

test("at first a message and its extensions are open", () => {
  assert.deepEqual([...x.openedAtFirst(doc(), TEXTS)], [0, 5]);
});

test("records one after the other have offsets of their own", () => {
  const d = x.joined([doc(), doc()]);
  assert.deepEqual(d.roots(), [0, 9]);
  assert.deepEqual(d.range(9), [10, 20]);
  assert.equal(d.leafAt(16), 15);
  assert.equal(d.size, 20);
});

test("only the rows in sight are there, and a few beyond", () => {
  assert.deepEqual(x.windowOf(0, 260, 26, 1000, 2), [0, 12]);
  assert.deepEqual(x.windowOf(2600, 260, 26, 1000, 2), [98, 112]);
  assert.deepEqual(x.windowOf(25_900, 260, 26, 1000, 2), [994, 1000]);
  assert.deepEqual(x.offsetsOf([34, 46, 34]), [0, 34, 80, 114]);
});

test("a flight begins where the other side speaks", () => {
  const items = ["client", "server", "server", "client"].map((sender) => ({ sender }));
  assert.deepEqual(x.flightsOf(items), [false, true, false, true]);
});

test("bytes are copied as hex, base64 and text", () => {
  const bytes = Uint8Array.from([72, 105, 0, 255]);
  assert.equal(x.copied(bytes, "hex"), "48 69 00 ff");
  assert.equal(x.copied(bytes, "base64"), "SGkA/w==");
  assert.equal(x.copied(bytes, "text"), "Hi\0\uFFFD");
  assert.deepEqual(x.bytesOf("SGkA/w=="), bytes);
});

test("control characters are dots in the text column", () => {
  assert.equal([0, 10, 0x1b, 0x20, 0x41, 0x7e, 0x7f, 0xff].map(x.printable).join(""), "··· A~··");
});

test("places and numbers are said in words", () => {
  assert.deepEqual([[4, 4], [4, 5], [4, 8]].map(x.placeOf), ["4, no bytes", "4", "4–7"]);
  assert.deepEqual([x.count(1, "byte"), x.count(1234, "byte"), x.count(0, "check holds", "checks hold")], ["1 byte", "1,234 bytes", "0 checks hold"]);
});

test("a search finds names and values without regard to case, and each field once", () => {
  assert.deepEqual(x.search([doc(), doc()], TEXTS, " X25519 "), [[0, 8], [1, 8]]);
  assert.deepEqual(x.search([doc()], TEXTS, "length"), [[0, 2]]);
  assert.deepEqual(x.search([doc()], TEXTS, "  "), []);
  assert.equal(x.search([doc(), doc()], TEXTS, "a", 3).length, 3);
});

test("checks are counted and marked", () => {
  assert.deepEqual(x.tally([{ ok: true }, { ok: true }, { ok: false }, { ok: null }]), [2, 1, 1]);
  assert.deepEqual([true, false, null].map(x.markOf), ["✓", "✗", "–"]);
});

test("a secret is there once its message is, and never where the message never came", () => {
  assert.equal(x.hasIt({ since: 3 }, 2), false);
  assert.equal(x.hasIt({ since: 3 }, 3), true);
  assert.equal(x.hasIt({ since: null }, 99), false);
});

test("the branches of a key schedule end where nothing more hangs on them", () => {
  const steps = [
    { name: "A", stage: true, above: "" }, { name: "a1", above: "A" }, { name: "key", above: "a1" },
    { name: "a2", above: "A" }, { name: "key", above: "a2" }, { name: "B", stage: true, above: "A" },
  ];
  const said = x.branchesOf(steps).map(({ level, last, through }) => [level, last, through]);
  assert.deepEqual(said, [[0, false, false], [1, false, false], [2, true, true], [1, true, false], [2, true, false], [0, true, false]]);
});

test("a comparison leaves out what is the same unless all is asked for", () => {
  const rows = [[0, 0, 0, 0, "differs"], [1, 0, 0, 0, "same"], [1, 0, 0, 0, "fresh"]];
  assert.equal(x.shownRows(rows, false).length, 2);
  assert.equal(x.shownRows(rows, true).length, 3);
});

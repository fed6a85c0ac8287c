// The functions of assets/chain.js that know no page; `node --test` runs them, and pytest runs that.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const source = await readFile(new URL("../../tlsnotes/show/assets/chain.js", import.meta.url), "utf-8");
const chain = await import(`data:text/javascript,${encodeURIComponent(source)}`);

test("a verdict has a mark and a word beside its look", () => {
  assert.deepEqual(chain.verdictOf(true), { mark: "✓", word: "holds", look: "tn-holds" });
  assert.deepEqual(chain.verdictOf(false), { mark: "✗", word: "fails", look: "tn-fails" });
  assert.equal(chain.verdictOf(null).word, "not checked");
  assert.equal(chain.verdictOf(undefined).mark, "–");
});

test("a place in a line is never outside of it", () => {
  assert.equal(chain.percent(0.18754), "18.75%");
  assert.equal(chain.percent(-3), "0%");
  assert.equal(chain.percent(7), "100%");
  for (const odd of [NaN, "100%;background:url(x)", null, undefined]) assert.equal(chain.percent(odd), "0%");
});

test("up to three cards stand beside each other", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 20].map(chain.columnsOf), ["1", "1", "2", "3", "many", "many"]);
});

test("a time beyond the line is drawn at its end", () => {
  assert.deepEqual([-1, 0, 0.5, 1, 2].map(chain.tickOf), ["before", "before", "inside", "behind", "behind"]);
});

test("a screen reader hears the whole band once", () => {
  assert.equal(chain.spoken({ word: "Refused", text: "it ended.", more: "1 more.", todo: "Renew it." }), "Refused. it ended. 1 more. Renew it.");
  assert.equal(chain.spoken({ word: "Accepted", text: "all holds.", todo: "" }), "Accepted. all holds.");
});

test("no function of it writes HTML", () => {
  assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|DOMParser|srcdoc/);
});

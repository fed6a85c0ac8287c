// The explorer: who said what (ladder), what it consists of (tree), its bytes (hex), and what that means (words).
//
//   the first part     functions of data alone: they are tested with node
//   the second part    the page: built of elements and text nodes only, for all of the data is hostile
//
// State belongs to one view; two views of one widget know nothing of each other.

// ---- Data alone

export const WIDTH = 9;
export const DEPTH = 0, NAME = 1, TYPE = 2, START = 3, SIZE = 4, VALUE = 5, WORDS = 6, ABOUT = 7, FLAGS = 8;
export const PLUMBING = 1, PROBLEM = 2;

/** The bytes of base64 text. */
export function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** A document: bytes, and the fields that explain them, in the order of reading. */
export class Doc {
  constructor(bytes, size, tree) {
    this.bytes = bytes;
    this.size = size; // of the whole: what is here of application data may be its beginning
    this.tree = tree;
    this.count = tree.length / WIDTH;
    this.parents = new Int32Array(this.count).fill(-1);
    this.ends = new Int32Array(this.count); // the first field behind the subtree
    const open = [];
    for (let node = 0; node < this.count; node++) {
      const depth = this.get(node, DEPTH);
      while (open.length > depth) this.ends[open.pop()] = node;
      if (open.length) this.parents[node] = open[open.length - 1];
      open.push(node);
    }
    while (open.length) this.ends[open.pop()] = this.count;
  }

  get(node, column) {
    return this.tree[node * WIDTH + column];
  }

  has(node, flag) {
    return (this.get(node, FLAGS) & flag) !== 0;
  }

  range(node) {
    const start = this.get(node, START);
    return [start, start + this.get(node, SIZE)];
  }

  /** A field and all around it, outermost first. */
  trail(node) {
    const trail = [];
    for (let at = node; at >= 0; at = this.parents[at]) trail.unshift(at);
    return trail;
  }

  children(node) {
    const found = [];
    for (let at = node + 1; at < this.ends[node]; at = this.ends[at]) found.push(at);
    return found;
  }

  roots() {
    const found = [];
    for (let at = 0; at < this.count; at = this.ends[at]) found.push(at);
    return found;
  }

  /** The innermost field that holds a byte, or -1. */
  leafAt(offset) {
    let found = -1;
    for (let at = 0, end = this.count; at < end;) {
      const [from, to] = this.range(at);
      if (from <= offset && offset < to) {
        found = at;
        end = this.ends[at];
        at += 1;
      } else {
        at = this.ends[at];
      }
    }
    return found;
  }
}

/** Several documents one after the other, as the records of one message. */
export function joined(docs) {
  const bytes = new Uint8Array(docs.reduce((sum, doc) => sum + doc.bytes.length, 0));
  const tree = [];
  let size = 0, at = 0;
  for (const doc of docs) {
    bytes.set(doc.bytes, at);
    for (let i = 0; i < doc.tree.length; i++) tree.push(i % WIDTH === START ? doc.tree[i] + at : doc.tree[i]);
    at += doc.bytes.length;
    size += doc.size;
  }
  return new Doc(bytes, size, tree);
}

/** Whether a field is shown: what only says how long or wraps another is left out unless `every` byte is asked for. */
export function isShown(doc, node, every) {
  return every || !doc.has(node, PLUMBING);
}

/** The nearest field around, or itself, that is shown. */
export function shownAround(doc, node, every) {
  let at = node;
  while (at > 0 && !isShown(doc, at, every)) at = doc.parents[at];
  return at;
}

/** The fields that are shown right below a field: those inside of what is left out move up. */
export function shownChildren(doc, node, every) {
  const found = [];
  for (const child of node < 0 ? doc.roots() : doc.children(node)) {
    if (isShown(doc, child, every)) found.push(child);
    else found.push(...shownChildren(doc, child, every));
  }
  return found;
}

/** The rows of the tree, top to bottom: {node, level, open (null: a leaf), position, of}. */
export function rowsOf(doc, opened, every) {
  const rows = [];
  const add = (node, level) => {
    const children = shownChildren(doc, node, every);
    children.forEach((child, index) => {
      const leaf = shownChildren(doc, child, every).length === 0;
      const open = leaf ? null : opened.has(child);
      rows.push({ node: child, level, open, position: index + 1, of: children.length });
      if (open) add(child, level + 1);
    });
  };
  add(-1, 1);
  return rows;
}

const AT_FIRST = new Set(["extensions", "encrypted_record", "fragment", "tbsCertificate", "tbsCertList", "certificationRequestInfo"]);

/** What is open at first: a message and its extensions, a record and its parts, what is signed of a certificate. */
export function openedAtFirst(doc, texts) {
  const opened = new Set();
  const add = (node, levels) => {
    opened.add(node);
    if (levels === 0) return;
    for (const child of shownChildren(doc, node, false)) {
      if (levels > 1 || AT_FIRST.has(texts[doc.get(child, NAME)])) add(child, levels - 1);
    }
  };
  for (const root of doc.roots()) add(root, 1);
  return opened;
}

/** Which of `count` rows of `height` have to be there, where a pane shows `visible` pixels from `top` on. */
export function windowOf(top, visible, height, count, beyond = 6) {
  const first = Math.max(0, Math.floor(top / height) - beyond);
  return [first, Math.min(count, Math.ceil((top + visible) / height) + beyond)];
}

/** Where rows begin that are not all as high: the offsets of each and, at the end, the height of all. */
export function offsetsOf(heights) {
  const offsets = [0];
  for (const height of heights) offsets.push(offsets[offsets.length - 1] + height);
  return offsets;
}

/** For each item whether it begins a flight: what one side says before the other speaks. */
export function flightsOf(items) {
  return items.map((item, index) => index > 0 && item.sender !== items[index - 1].sender);
}

/** A byte as text, where it is a printable ASCII character. */
export function printable(byte) {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}

export function hex(bytes, between = " ") {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(between);
}

/** Bytes as text to be copied: "hex", "base64" or "text" (UTF-8, what is none is replaced). */
export function copied(bytes, form) {
  if (form === "hex") return hex(bytes);
  if (form === "text") return new TextDecoder("utf-8").decode(bytes);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Where a range of bytes lies, in words. */
export function placeOf([start, end]) {
  if (end === start) return `${start}, no bytes`;
  return end - start === 1 ? `${start}` : `${start}–${end - 1}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** Every field, as [item, node], whose name or value holds the words that are looked for. */
export function search(docs, texts, query, most = 500) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return [];
  const matching = new Set();
  texts.forEach((text, index) => index && text.toLowerCase().includes(wanted) && matching.add(index));
  const found = [];
  docs.forEach((doc, item) => {
    for (let node = 0; node < doc.count && found.length < most; node++) {
      // What wraps another repeats its value: the field itself is found once.
      if (doc.has(node, PLUMBING) && !doc.has(node, PROBLEM)) continue;
      if (matching.has(doc.get(node, NAME)) || matching.has(doc.get(node, VALUE))) found.push([item, node]);
    }
  });
  return found;
}

/** How checks came out: [held, failed, open]. */
export function tally(checks) {
  return [true, false, null].map((ok) => checks.filter((check) => check.ok === ok).length);
}

export function markOf(ok) {
  return ok === true ? "✓" : ok === false ? "✗" : "–";
}

/** How the steps of a key schedule hang together: level 0 to 2, whether one is the last below its parent, and whether
 * the line of the level above goes on beside it. */
export function branchesOf(steps) {
  const levels = steps.map((step) => (step.stage ? 0 : steps.find((one) => one.name === step.above)?.stage ? 1 : 2));
  const goesOn = (index, level) => {
    for (let next = index + 1; next < levels.length && levels[next] >= level; next++) if (levels[next] === level) return true;
    return false;
  };
  return levels.map((level, index) => ({ level, last: !goesOn(index, level), through: level === 2 && goesOn(index, 1) }));
}

/** Who has a secret once message number `moment` has arrived: those who took part, never who only listened. */
export function hasIt(step, moment) {
  if (step.since === null) return false;
  return moment >= step.since;
}

// ---- The page

const SVG = "http://www.w3.org/2000/svg";
let views = 0; // so that two views have ids of their own

/** An element with attributes and children; text becomes a text node, never markup. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function unseen(text) {
  return h("span", { class: "tn-unseen" }, text);
}

/** A lock, with its word for those who do not see it. */
function lock(text) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 14");
  svg.setAttribute("class", "tnx-lock");
  svg.setAttribute("aria-hidden", "true");
  const body = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["x", 1], ["y", 6], ["width", 10], ["height", 7.5], ["rx", 1.5]]) body.setAttribute(name, value);
  const shackle = document.createElementNS(SVG, "path");
  shackle.setAttribute("d", "M3.5 6V4a2.5 2.5 0 0 1 5 0v2");
  svg.append(shackle, body);
  return h("span", { title: text }, svg, unseen(text));
}

function check(ok, text) {
  const look = ok === true ? "tn-holds" : ok === false ? "tn-fails" : "tn-quiet";
  return h("span", { class: `tnx-check ${look}`, title: text }, markOf(ok), unseen(` ${text}`));
}

/** A list of rows of one height of which only those in sight are in the page. */
class Rows {
  constructor(pane, height, draw) {
    this.pane = pane;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.keep = -1; // a row that has to be there, for the focus is on it
    this.space = h("div", { class: "tnx-space", role: "presentation" });
    pane.append(this.space);
    pane.addEventListener("scroll", () => this.refresh(), { passive: true });
  }

  set(count) {
    this.count = count;
    this.space.style.height = `${count * this.height}px`;
    this.refresh();
  }

  refresh() {
    const [first, last] = windowOf(this.pane.scrollTop, this.pane.clientHeight || 600, this.height, this.count);
    const shown = [];
    for (let index = first; index < last; index++) shown.push(index);
    if (this.keep >= 0 && this.keep < this.count && (this.keep < first || this.keep >= last)) shown.push(this.keep);
    const rows = shown.map((index) => {
      const row = this.draw(index);
      row.style.top = `${index * this.height}px`;
      return row;
    });
    this.space.replaceChildren(...rows);
  }

  show(index) {
    const top = index * this.height;
    const room = this.pane.clientHeight;
    if (top < this.pane.scrollTop) this.pane.scrollTop = Math.max(0, top - this.height);
    else if (top + this.height > this.pane.scrollTop + room) this.pane.scrollTop = top + 2 * this.height - room;
    this.refresh();
  }
}

const ROW = 26, LINE = 22;

class View {
  constructor(payload, el) {
    this.payload = payload;
    this.id = `tnx${++views}`;
    this.docs = new Map();
    this.items = payload.items;
    this.mode = "messages"; // or "records", "keys"
    this.item = 0;
    this.node = 0;
    this.step = 0;
    this.hovered = -1;
    this.sent = false; // whether the bytes are shown as they were sent
    this.every = false; // whether lengths and wrappers are rows, too
    this.opened = new Map(); // document -> the fields whose children are shown
    this.found = [];
    this.at = -1;
    this.per = 16; // bytes in a line
    this.root = h("div", { class: "tlsnotes-widget tnx", role: "group", "aria-label": `Explorer: ${payload.heading.join(", ")}` });
    this.root.append(this.head(), this.body(), this.words());
    el.append(this.root);
    this.watcher = new ResizeObserver(() => this.resized());
    this.watcher.observe(this.bytesPane);
    this.choose(0, 0);
  }

  close() {
    this.watcher.disconnect();
    this.root.remove();
  }

  text(index) {
    return this.payload.texts[index];
  }

  list() {
    return this.mode === "records" ? this.payload.records : this.items;
  }

  docOf(number) {
    if (!this.docs.has(number)) {
      const { bytes, size, tree } = this.payload.documents[number];
      this.docs.set(number, new Doc(bytesOf(bytes), size, tree));
    }
    return this.docs.get(number);
  }

  /** The document in sight, and what it is remembered by. */
  doc() {
    const chosen = this.list()[this.item];
    if (!this.sent || this.mode === "records") return this.docOf(chosen.document);
    const key = `sent ${this.item}`;
    if (!this.docs.has(key)) {
      this.docs.set(key, joined(chosen.sent.map((record) => this.docOf(this.payload.records[record].document))));
    }
    return this.docs.get(key);
  }

  openedIn(doc) {
    if (!this.opened.has(doc)) this.opened.set(doc, openedAtFirst(doc, this.payload.texts));
    return this.opened.get(doc);
  }

  // ---- The head

  head() {
    const [first, ...rest] = this.payload.heading;
    const facts = h("p", { class: "tnx-facts" }, h("strong", {}, first ?? ""));
    for (const fact of rest) facts.append(h("span", { class: "tn-quiet", "aria-hidden": "true" }, " · "), h("span", {}, fact));
    const head = h("div", { class: "tnx-head" }, facts);
    if (this.payload.kind !== "handshake") return head;
    if (this.payload.outcome !== "established") {
      facts.append(h("span", { class: "tn-quiet", "aria-hidden": "true" }, " · "),
        h("strong", { class: this.payload.outcome.startsWith("refused") ? "tn-fails" : "" }, this.payload.outcome));
    }
    head.append(this.summary());
    const modes = [["messages", "Messages"], ["keys", "Keys"], ["records", "Records"]];
    this.modes = modes
      .filter(([mode]) => mode !== "keys" || this.payload.keys)
      .map(([mode, label]) =>
        h("button", { type: "button", "aria-pressed": String(mode === this.mode), "data-mode": mode,
          onclick: () => this.switchTo(mode) }, label));
    head.append(h("div", { class: "tnx-modes", role: "group", "aria-label": "what is shown" }, ...this.modes));
    return head;
  }

  summary() {
    const [held, failed, open] = tally(this.payload.checks);
    const all = held + failed + open;
    const said = failed ? `${count(failed, "check fails", "checks fail")}` : open
      ? `${held} of ${count(all, "check holds", "checks hold")}, ${open} open` : `${held} of ${count(all, "check holds", "checks hold")}`;
    const notes = this.payload.notes.length ? ` · ${count(this.payload.notes.length, "note")}` : "";
    return h("button", { type: "button", class: `tnx-summary ${failed ? "tn-fails" : "tn-holds"}`,
      onclick: () => this.sayChecks() }, `${markOf(failed === 0)} ${said}${notes}`);
  }

  switchTo(mode) {
    if (mode === this.mode) return;
    const from = this.mode;
    this.mode = mode;
    this.drawn = false;
    for (const button of this.modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.root.dataset.mode = mode;
    let item = this.item;
    if (mode === "records") item = this.items[item].sent[0] ?? 0;
    else if (from === "records") item = this.payload.records[item].holds[0] ?? 0;
    this.drawLadder();
    this.choose(item, 0);
  }

  // ---- The ladder: who said what, in which order

  body() {
    this.ladder = h("div", { class: "tnx-list", role: "listbox", tabindex: "0", "aria-label": "Messages",
      onkeydown: (event) => this.ladderKey(event) });
    this.ladderPane = h("div", { class: "tnx-ladder" });
    if (this.payload.kind === "handshake") {
      this.ladderPane.classList.toggle("tnx-untimed", !this.items.some((item) => item.time));
      this.ladderPane.append(h("div", { class: "tnx-sides tn-quiet", "aria-hidden": "true" },
        h("span", {}, "ms"), h("span", {}, "client"), h("span", {}, "server"), h("span")));
    }
    this.ladderPane.append(this.ladder);
    this.body_ = h("div", { class: "tnx-body" }, this.ladderPane, this.treePane(), this.bytesPane_(), this.keysPane());
    if (this.payload.kind !== "handshake" && this.items.length === 1) {
      this.ladderPane.hidden = true;
      this.body_.classList.add("tnx-single");
    }
    this.root.dataset.mode = this.mode;
    this.ladder.addEventListener("scroll", () => this.refreshLadder(), { passive: true });
    this.drawLadder();
    return this.body_;
  }

  drawLadder() {
    const list = this.list();
    this.flights = flightsOf(list);
    const handshake = this.payload.kind === "handshake";
    this.offsets = offsetsOf(list.map((_, index) => (handshake ? 34 : 44) + (handshake && this.flights[index] ? 12 : 0)));
    this.ladder.setAttribute("aria-label", this.mode === "records" ? "Records" : handshake ? "Messages" : "Certificates");
    this.rungs = h("div", { class: handshake ? "tnx-space tnx-lines" : "tnx-space", role: "presentation" });
    this.rungs.style.height = `${this.offsets[list.length]}px`;
    this.ladder.replaceChildren(this.rungs);
    this.refreshLadder();
  }

  refreshLadder() {
    const list = this.list(), top = this.ladder.scrollTop - 200, bottom = top + (this.ladder.clientHeight || 600) + 400;
    const rungs = [];
    list.forEach((one, index) => {
      const near = this.offsets[index + 1] >= top && this.offsets[index] <= bottom;
      if (near || index === this.item) rungs.push(this.rung(one, index));
    });
    this.rungs.replaceChildren(...rungs);
    this.ladder.setAttribute("aria-activedescendant", `${this.id}-item-${this.item}`);
  }

  rung(one, index) {
    const gap = this.payload.kind === "handshake" && this.flights[index] ? 12 : 0;
    const row = h("div", {
      class: "tnx-rung tn-moves", role: "option", id: `${this.id}-item-${index}`, "aria-selected": String(index === this.item),
      "aria-posinset": String(index + 1), "aria-setsize": String(this.list().length), onclick: () => this.choose(index, 0),
    });
    row.style.top = `${this.offsets[index] + gap}px`;
    if (this.payload.kind !== "handshake") {
      row.classList.add("tnx-plain");
      row.append(h("span", { class: "tnx-label" }, one.name), h("span", { class: "tn-quiet tnx-about" }, one.about));
      return row;
    }
    const before = index > 0 ? this.list()[index - 1].time : null;
    const time = one.time && (one.time !== before || gap) ? one.time : "";
    const label = this.mode === "records" ? (one.inner && one.inner !== one.name ? `${one.name} (${one.inner})` : one.name)
      : one.alert ? `Alert: ${one.alert}` : one.name;
    row.dataset.sender = one.sender;
    row.append(
      h("span", { class: "tnx-time tn-quiet" }, time),
      unseen(`${one.sender} sends `),
      h("span", { class: `tnx-arrow${one.alert && one.alert !== "close_notify" ? " tnx-alert" : ""}` }, h("span", { class: "tnx-label" }, label)),
      this.marks(one, index),
    );
    row.title = `${label}, ${count(one.size, "byte")}${one.encrypted ? ", encrypted" : ""}`;
    return row;
  }

  marks(one, index) {
    const marks = h("span", { class: "tnx-marks" });
    if (one.encrypted) {
      const closed = this.mode === "records" && !one.opened;
      marks.append(lock(closed ? ", encrypted, not opened" : ", encrypted"));
    }
    if (this.mode !== "records") {
      const about = this.payload.checks.filter((one_) => one_.place && one_.place[0] === index && one_.ok !== null);
      if (about.length) {
        const failed = about.filter((one_) => one_.ok === false);
        marks.append(check(failed.length === 0, failed.length ? `fails: ${failed.map((c) => c.name).join(", ")}` : `verified: ${about.map((c) => c.name).join(", ")}`));
      }
    }
    return marks;
  }

  ladderKey(event) {
    const last = this.list().length - 1;
    const to = { ArrowDown: this.item + 1, ArrowUp: this.item - 1, Home: 0, End: last, PageDown: this.item + 8, PageUp: this.item - 8 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      this.choose(Math.min(last, Math.max(0, to)), 0);
    } else if (event.key === "ArrowRight" || event.key === "Enter") {
      event.preventDefault();
      (this.mode === "keys" ? this.keysList : this.tree).focus();
    }
  }

  /** Choose a message (or record, or certificate) and a field in it. */
  choose(item, node) {
    const changed = item !== this.item || !this.drawn;
    this.drawn = true;
    this.item = item;
    this.node = node;
    this.hovered = -1;
    const top = this.offsets[item], bottom = this.offsets[item + 1], pane = this.ladder;
    if (top < pane.scrollTop) pane.scrollTop = top - 12;
    else if (bottom > pane.scrollTop + pane.clientHeight) pane.scrollTop = bottom - pane.clientHeight + 12;
    this.refreshLadder();
    if (this.mode === "keys") {
      this.drawKeys();
      this.sayStep();
      return;
    }
    this.drawBar();
    this.showField(node, changed);
  }

  // ---- The tree: what it consists of

  treePane() {
    this.query = h("input", { type: "search", class: "tnx-search", placeholder: "search", "aria-label": "search names and values",
      oninput: () => this.look(), onkeydown: (event) => this.searchKey(event) });
    this.hits = h("span", { class: "tnx-hits tn-quiet", role: "status" });
    this.everyBox = h("input", { type: "checkbox", onchange: () => this.showEvery(this.everyBox.checked) });
    this.tree = h("div", { class: "tnx-list tnx-tree", role: "tree", tabindex: "0", "aria-label": "Fields",
      onkeydown: (event) => this.treeKey(event), onmouseleave: () => this.hover(-1) });
    this.rows = new Rows(this.tree, ROW, (index) => this.treeRow(index));
    return h("div", { class: "tnx-middle" },
      h("div", { class: "tnx-bar" }, this.query, this.hits,
        h("label", { class: "tnx-every", title: "show lengths, tags and wrappers as rows of their own" }, this.everyBox, "every byte")),
      this.tree);
  }

  showEvery(every) {
    this.every = every;
    this.everyBox.checked = every;
    this.showField(this.node, false);
  }

  treeRow(index) {
    const { node, level, open, position, of } = this.visible[index], doc = this.doc();
    const name = this.text(doc.get(node, NAME)), value = this.text(doc.get(node, VALUE));
    const chosen = node === this.chosenRow();
    const row = h("div", {
      class: "tnx-row", role: "treeitem", id: `${this.id}-field-${node}`, "aria-level": String(level), "aria-selected": String(chosen),
      "aria-posinset": String(position), "aria-setsize": String(of), "aria-expanded": open === null ? null : String(open),
      onclick: () => this.clicked(node, open), onmouseenter: () => this.hover(node),
    },
      h("span", { class: "tnx-twist", "aria-hidden": "true" }, open === null ? "" : open ? "▾" : "▸"),
      h("span", { class: /^\d+$/.test(name) ? "tnx-name tn-quiet" : "tnx-name" }, name),
      h("span", { class: doc.has(node, PROBLEM) ? "tnx-value tn-fails" : "tnx-value tn-quiet" },
        doc.has(node, PROBLEM) ? "✗ " : "", value),
      h("span", { class: "tnx-range tn-quiet" }, unseen("bytes "), placeOf(doc.range(node))),
    );
    row.style.setProperty("--level", level - 1);
    if (value) row.title = value;
    if (node === this.hoveredRow()) row.classList.add("tnx-hovered");
    return row;
  }

  chosenRow() {
    return shownAround(this.doc(), this.node, this.every);
  }

  hoveredRow() {
    return this.hovered < 0 ? -1 : shownAround(this.doc(), this.hovered, this.every);
  }

  clicked(node, open) {
    const doc = this.doc();
    if (open !== null && node === this.chosenRow()) this.turn(node, !open);
    else {
      if (open === false) this.openedIn(doc).add(node);
      this.showField(node, false);
    }
    this.tree.focus({ preventScroll: true });
  }

  turn(node, open) {
    if (open) this.openedIn(this.doc()).add(node);
    else this.openedIn(this.doc()).delete(node);
    this.drawTree();
  }

  treeKey(event) {
    const index = this.visible.findIndex((row) => row.node === this.chosenRow());
    const row = this.visible[index], last = this.visible.length - 1;
    const go = (to) => this.showField(this.visible[Math.min(last, Math.max(0, to))].node, false);
    const page = Math.max(1, Math.floor(this.tree.clientHeight / ROW) - 1);
    const acts = {
      ArrowDown: () => go(index + 1), ArrowUp: () => go(index - 1), Home: () => go(0), End: () => go(last),
      PageDown: () => go(index + page), PageUp: () => go(index - page),
      ArrowRight: () => (row.open === false ? this.turn(row.node, true) : row.open ? go(index + 1) : null),
      ArrowLeft: () => {
        if (row.open) return this.turn(row.node, false);
        for (let up = index - 1; up >= 0; up--) if (this.visible[up].level < row.level) return go(up);
      },
      "*": () => {
        for (const one of this.visible) if (one.level === row.level && one.open === false) this.openedIn(this.doc()).add(one.node);
        this.drawTree();
      },
      Enter: () => this.bytesPane.focus(),
      " ": () => row.open !== null && this.turn(row.node, !row.open),
    };
    if (acts[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation(); // in JupyterLab the arrows would go on to the next cell
      acts[event.key]();
    }
  }

  /** Show a field everywhere: its row, its bytes, its words. */
  showField(node, anew) {
    const doc = this.doc();
    this.node = node;
    const opened = this.openedIn(doc);
    for (const above of doc.trail(shownAround(doc, node, this.every)).slice(0, -1)) opened.add(above);
    this.drawTree(anew);
    if (anew) this.bytesPane.scrollTop = 0;
    this.drawBytes(true);
    this.say();
  }

  drawTree(anew = false) {
    const doc = this.doc();
    this.visible = rowsOf(doc, this.openedIn(doc), this.every);
    const index = this.visible.findIndex((row) => row.node === this.chosenRow());
    this.rows.keep = index;
    if (anew) this.tree.scrollTop = 0;
    this.rows.set(this.visible.length);
    if (index >= 0) this.rows.show(index);
    this.tree.setAttribute("aria-activedescendant", `${this.id}-field-${this.chosenRow()}`);
  }

  hover(node) {
    if (node === this.hovered) return;
    this.hovered = node;
    const row = this.hoveredRow();
    for (const one of this.tree.querySelectorAll(".tnx-row")) one.classList.toggle("tnx-hovered", one.id === `${this.id}-field-${row}`);
    this.lines.refresh();
  }

  // ---- Search

  look() {
    const docs = this.list().map((one) => this.docOf(one.document));
    this.sent = false;
    this.found = search(docs, this.payload.texts, this.query.value);
    this.at = -1;
    if (this.found.length) this.toFound(Math.max(0, this.found.findIndex(([item, node]) => item > this.item || (item === this.item && node >= this.node))));
    else this.hits.textContent = this.query.value.trim() ? "not found" : "";
  }

  toFound(at) {
    this.at = (at + this.found.length) % this.found.length;
    const [item, node] = this.found[this.at];
    this.hits.textContent = `${this.at + 1} of ${this.found.length}`;
    this.choose(item, node);
  }

  searchKey(event) {
    event.stopPropagation();
    if (event.key === "Enter" && this.found.length) {
      event.preventDefault();
      this.toFound(this.at + (event.shiftKey ? -1 : 1));
    } else if (event.key === "Escape") {
      this.query.value = "";
      this.look();
    }
  }

  // ---- The bytes

  bytesPane_() {
    this.bar = h("div", { class: "tnx-bar" });
    this.bytesPane = h("div", { class: "tnx-list tnx-bytes", role: "grid", tabindex: "0", "aria-label": "Bytes",
      onkeydown: (event) => this.bytesKey(event), onmouseleave: () => this.hover(-1),
      onmouseover: (event) => this.overByte(event), onclick: (event) => this.clickByte(event) });
    this.lines = new Rows(this.bytesPane, LINE, (index) => this.line(index));
    return h("div", { class: "tnx-right" }, this.bar, this.bytesPane);
  }

  drawBar() {
    const chosen = this.list()[this.item], doc = this.doc();
    const cut = doc.bytes.length < doc.size ? `the first ${doc.bytes.length.toLocaleString("en")} of ` : "";
    const how = this.payload.kind !== "handshake" ? "" : this.mode === "records" || this.sent
      ? ", as sent" : chosen.encrypted ? ", decrypted" : ", sent in the clear";
    this.bar.replaceChildren(h("span", { class: "tn-quiet" }, `${cut}${count(doc.size, "byte")}${how}`));
    if (this.payload.kind !== "handshake" || this.mode === "records" || !chosen.sent.length) return;
    const button = (sent, label) => h("button", { type: "button", class: "tnx-form", "aria-pressed": String(this.sent === sent),
      onclick: () => this.asSent(sent) }, label);
    this.bar.append(h("span", { class: "tnx-forms", role: "group", "aria-label": "form of the bytes" },
      button(true, "as sent"), button(false, chosen.encrypted ? "decrypted" : "message")));
  }

  asSent(sent) {
    this.sent = sent;
    this.drawn = false;
    this.choose(this.item, 0);
    this.bar.querySelector('[aria-pressed="true"]')?.focus();
  }

  resized() {
    const per = this.bytesPane.clientWidth >= 530 ? 16 : 8;
    if (per !== this.per) this.per = per;
    if (this.mode === "keys") return;
    this.drawBytes(true);
    this.rows.refresh();
    this.refreshLadder();
  }

  drawBytes(scroll = false) {
    const doc = this.doc();
    this.lines.set(Math.ceil(doc.bytes.length / this.per));
    this.bytesPane.setAttribute("aria-rowcount", String(this.lines.count));
    const [start, end] = doc.range(this.node);
    if (!scroll || end === start || this.node === 0) return;
    this.lines.show(Math.floor((Math.min(end, doc.bytes.length) - 1) / this.per));
    this.lines.show(Math.floor(Math.min(start, doc.bytes.length - 1) / this.per));
  }

  line(index) {
    const doc = this.doc(), from = index * this.per;
    // How strongly a byte is tinted: by how many of the fields around the chosen one hold it, the last three of them.
    const trail = doc.trail(this.node).slice(1).slice(-3).map((node) => doc.range(node));
    const over = this.hovered < 0 ? null : doc.range(this.hovered);
    const row = h("div", { class: "tnx-line", role: "row", "aria-rowindex": String(index + 1) },
      h("span", { class: "tnx-offset tn-quiet", role: "rowheader" }, from.toString(16).padStart(4, "0")));
    const text = h("span", { class: "tnx-text", "aria-hidden": "true" });
    for (let at = from; at < from + this.per; at++) {
      const there = at < doc.bytes.length;
      const cell = h("span", { class: "tnx-byte", role: "gridcell" }, there ? doc.bytes[at].toString(16).padStart(2, "0") : "");
      const letter = h("span", {}, there ? printable(doc.bytes[at]) : " ");
      if (there) {
        cell.id = `${this.id}-byte-${at}`;
        for (const one of [cell, letter]) {
          one.dataset.at = at;
          const depth = trail.filter(([start, end]) => start <= at && at < end).length;
          const inner = trail.length && depth === trail.length;
          if (depth) one.dataset.tint = inner ? "chosen" : String(depth + 3 - trail.length);
          if (over && over[0] <= at && at < over[1]) one.dataset.over = "";
        }
        if (at === this.cursor()) cell.dataset.cursor = "";
      }
      row.append(cell);
      text.append(letter);
    }
    row.append(text);
    return row;
  }

  /** The byte on which the keyboard stands: the first of the chosen field, unless it was moved within it. */
  cursor() {
    const [start, end] = this.doc().range(this.node);
    return this.byte >= start && this.byte < end ? this.byte : start;
  }

  overByte(event) {
    const at = event.target.dataset?.at;
    if (at !== undefined) this.hover(this.doc().leafAt(Number(at)));
  }

  clickByte(event) {
    const at = event.target.dataset?.at;
    if (at !== undefined) this.toByte(Number(at));
  }

  toByte(at) {
    const doc = this.doc(), leaf = doc.leafAt(at);
    if (leaf < 0) return;
    this.byte = at;
    // A byte of a key is the key's: that these are a vector's contents is only said where every byte is a row.
    const contents = this.text(doc.get(leaf, NAME)) === "contents";
    this.showField(contents ? shownAround(doc, leaf, this.every) : leaf, false);
    this.lines.show(Math.floor(at / this.per));
    this.bytesPane.setAttribute("aria-activedescendant", `${this.id}-byte-${at}`);
  }

  bytesKey(event) {
    const at = this.cursor(), last = this.doc().bytes.length - 1;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + this.per, ArrowUp: at - this.per,
      Home: at - (at % this.per), End: at - (at % this.per) + this.per - 1, PageDown: at + 16 * this.per, PageUp: at - 16 * this.per }[event.key];
    if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      this.wordsPane.focus();
    } else if (to !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      this.toByte(Math.min(last, Math.max(0, to)));
    }
  }

  // ---- The key schedule: what is made of what

  keysPane() {
    this.keysList = h("div", { class: "tnx-list tnx-steps", role: "listbox", tabindex: "0", "aria-label": "Key schedule",
      onkeydown: (event) => this.keysKey(event) });
    this.keysBar = h("div", { class: "tnx-bar" });
    return h("div", { class: "tnx-keys" }, this.keysBar, this.keysList);
  }

  drawKeys() {
    const { steps, version, hash } = this.payload.keys;
    const after = this.items[this.item];
    this.keysBar.replaceChildren(
      h("span", {}, `${version} with ${hash}`), h("span", { class: "tn-quiet" }, "after the"),
      h("strong", {}, `${after.sender}'s ${after.name}`),
      h("span", { class: "tnx-who tn-quiet", "aria-hidden": "true" }, h("span", {}, "client"), h("span", {}, "server"), h("span", {}, "listener")));
    const branches = branchesOf(steps);
    this.keysList.replaceChildren(...steps.map((step, index) => {
      const has = hasIt(step, this.item), { level, last, through } = branches[index];
      const who = (name, yes) => h("span", { class: yes ? "tnx-has" : "tn-quiet" }, yes ? "●" : "○", unseen(` ${name} ${yes ? "has it" : name === "listener" ? "never has it" : "does not have it yet"},`));
      const row = h("div", { class: "tnx-step", role: "option", id: `${this.id}-step-${index}`, "aria-selected": String(index === this.step),
        onclick: () => { this.step = index; this.drawKeys(); this.sayStep(); this.keysList.focus({ preventScroll: true }); } },
      h("span", { class: "tnx-joint", "aria-hidden": "true" }),
      h("span", { class: "tnx-name" }, step.name),
      h("span", { class: "tnx-value tn-quiet" }, step.state === "shown" ? step.value.slice(0, 24) + (step.value.length > 24 ? "…" : "") : step.state === "hidden" ? `${step.log ? "in the key log" : "computed"}, not shown` : step.state === "absent" ? "not in the key log" : ""),
      h("span", { class: "tnx-who" }, who("client", has), who("server", has), who("listener", step.public)));
      row.style.setProperty("--level", level);
      row.classList.toggle("tnx-stage", level === 0);
      row.classList.toggle("tnx-chained", steps.findLastIndex((one) => one.stage) > index);
      row.classList.toggle("tnx-last", last);
      row.classList.toggle("tnx-through", through);
      if (!has) row.classList.add("tnx-later");
      return row;
    }));
    this.keysList.setAttribute("aria-activedescendant", `${this.id}-step-${this.step}`);
    this.keysList.querySelector('[aria-selected="true"]')?.scrollIntoView?.({ block: "nearest" });
  }

  keysKey(event) {
    const last = this.payload.keys.steps.length - 1;
    const to = { ArrowDown: this.step + 1, ArrowUp: this.step - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.step = Math.min(last, Math.max(0, to));
      this.drawKeys();
      this.sayStep();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.wordsPane.focus();
    }
  }

  sayStep() {
    const step = this.payload.keys.steps[this.step];
    const since = step.public ? "There is no secret in it: without a pre-shared key it is the same in every connection with this hash." : step.since === null ? "It was never made: the message it needs did not come."
      : `Client and server can compute it once the ${this.items[step.since].sender}'s ${this.items[step.since].name} is there. Who only listens never can.`;
    const value = {
      shown: () => h("code", { class: "tnx-secret" }, step.value),
      hidden: () => h("span", {}, "not shown; ", h("code", {}, "explore(recording, secrets=True)"), " shows it"),
      absent: () => h("span", {}, "the key log does not have it"),
      unlogged: () => h("span", {}, step.log === "" && step.above && !/Secret/.test(step.name) ? "not computed: what it comes from is not known here"
        : "no key log has it, and the hash leads only one way: it cannot be computed back from what comes after"),
    }[step.state]();
    this.fill(step.name, [step.above || "key schedule"], [
      step.what && h("p", {}, step.what), step.why && h("p", {}, step.why), h("p", {}, since),
      step.protects && h("p", { class: "tn-holds" }, `✓ ${step.protects}`),
    ], [
      ["Made by", h("code", {}, step.formula)], ["Value", value], ["Says who?", step.rfc],
    ]);
  }

  // ---- The words

  words() {
    this.wordsPane = h("div", { class: "tnx-words", role: "region", tabindex: "0", "aria-label": "What it means", "aria-live": "polite" });
    return this.wordsPane;
  }

  fill(title, trail, paragraphs, facts, actions = null) {
    const list = h("dl", { class: "tnx-said" });
    for (const [name, value] of facts) if (value) list.append(h("dt", {}, name), h("dd", {}, value));
    this.wordsPane.replaceChildren(
      h("div", { class: "tnx-explained" },
        h("p", { class: "tnx-title" }, h("strong", {}, title), h("span", { class: "tn-quiet" }, trail.filter(Boolean).join(" › "))),
        ...paragraphs.filter(Boolean)),
      h("div", { class: "tnx-facts-of" }, list, actions));
    this.wordsPane.scrollTop = 0;
  }

  say() {
    const doc = this.doc(), node = this.node, chosen = this.list()[this.item];
    const key = this.text(doc.get(node, WORDS)), words = this.payload.words[key];
    const meanings = this.text(doc.get(node, ABOUT)).split("|").filter((one) => one && one !== key);
    const name = this.text(doc.get(node, NAME)) || chosen.name, value = this.text(doc.get(node, VALUE));
    const trail = doc.trail(node).slice(0, -1).filter((above) => isShown(doc, above, this.every)).map((above) => this.text(doc.get(above, NAME)));
    const paragraphs = [];
    if (words) paragraphs.push(h("p", {}, words.what), h("p", {}, words.why));
    if (words?.without) paragraphs.push(h("p", {}, h("strong", {}, "What can go wrong: "), words.without));
    if (!words) paragraphs.push(h("p", { class: "tn-quiet" }, "Nothing is written about this field."));
    for (const one of meanings) {
      const said = this.payload.words[one];
      paragraphs.push(h("p", {}, h("strong", {}, `${one.slice(one.indexOf(".") + 1)}: `), said.what, " ", said.why, said.without ? ` ${said.without}` : ""));
    }
    paragraphs.push(...this.checksAt(node));
    const rfc = [words, ...meanings.map((one) => this.payload.words[one])].filter(Boolean).map((one) => one.rfc).join("; ").split("; ");
    const facts = [
      ["Value", value], ["Type", this.text(doc.get(node, TYPE))],
      ["Bytes", `${placeOf(doc.range(node))} (${doc.get(node, SIZE).toLocaleString("en")})`],
      ["Says who?", [...new Set(rfc)].join(" · ")],
    ];
    if (node === 0 && this.mode === "records") facts.push(["Holds", this.holds(chosen)]);
    this.fill(name, node === 0 && chosen.sender ? [`from the ${chosen.sender}`] : trail, paragraphs, facts, this.copies());
  }

  holds(record) {
    if (!record.holds.length) return record.opened ? "nothing that is a message" : "not opened";
    const list = h("span", { class: "tnx-links" });
    for (const item of record.holds.slice(0, 12)) {
      list.append(h("button", { type: "button", class: "tnx-link", onclick: () => { this.switchTo("messages"); this.choose(item, 0); } }, this.items[item].name));
    }
    return list;
  }

  /** The checks that are about a field, or, at the root, about its message. */
  checksAt(node) {
    if (this.mode === "records" || this.sent) return [];
    return this.payload.checks
      .filter((one) => one.place && one.place[0] === this.item && (one.place[1] === node || node === 0))
      .map((one) => this.checkLine(one));
  }

  checkLine(one) {
    const look = one.ok === true ? "tn-holds" : one.ok === false ? "tn-fails" : "tn-quiet";
    const word = one.ok === true ? "holds" : one.ok === false ? "fails" : "open";
    return h("p", { class: "tnx-checked" }, h("span", { class: look }, `${markOf(one.ok)} ${one.name} ${word}`), `: ${one.detail}`,
      one.what ? h("span", { class: "tn-quiet" }, ` (${one.what})`) : null);
  }

  sayChecks() {
    const lines = this.payload.checks.map((one) => {
      const line = this.checkLine(one);
      if (one.place) line.append(" ", h("button", { type: "button", class: "tnx-link", onclick: () => this.toPlace(one.place) }, "show it"));
      return line;
    });
    const notes = this.payload.notes.map((note) => h("p", {}, `Note: ${note}`));
    this.fill("What was checked", ["recomputed here, not taken from the TLS library"], [...lines, ...notes], []);
    this.wordsPane.focus();
  }

  toPlace([item, node]) {
    if (this.mode !== "messages") this.switchTo("messages");
    this.sent = false;
    this.choose(item, node);
    this.tree.focus();
  }

  copies() {
    const done = h("span", { class: "tn-quiet", role: "status" });
    const group = h("div", { class: "tnx-copies", role: "group", "aria-label": "copy the bytes" }, h("span", { class: "tn-quiet" }, "Copy "));
    for (const form of ["hex", "base64", "text"]) {
      group.append(h("button", { type: "button", class: "tnx-link", onclick: async () => {
        const doc = this.doc(), [start, end] = doc.range(this.node);
        done.textContent = (await toClipboard(copied(doc.bytes.subarray(start, end), form))) ? `copied as ${form}` : "the browser does not allow it";
      } }, form));
    }
    group.append(done);
    return group;
  }
}

// ---- Two handshakes side by side

const SAID = {
  same: ["=", "the same"], differs: ["≠", "differs"], fresh: ["~", "new each time"],
  first: ["◂", "only in the first"], second: ["▸", "only in the second"],
};

/** The rows of a comparison that are shown: all, or those that differ and what they stand in. */
export function shownRows(rows, all) {
  return rows.filter((row) => all || row[4] !== "same");
}

class Comparison {
  constructor(payload, el) {
    this.payload = payload;
    this.id = `tnx${++views}`;
    this.item = 0; // 0: at a glance, then the pairs of messages
    this.row = 0;
    this.all = false;
    this.root = h("div", { class: "tlsnotes-widget tnx tnx-comparison", role: "group", "aria-label": `Comparison: ${payload.heading.join(" beside ")}` });
    this.list = h("div", { class: "tnx-list tnx-pairs", role: "listbox", tabindex: "0", "aria-label": "Messages of both", onkeydown: (event) => this.listKey(event) });
    this.caption = h("div", { class: "tnx-bar" });
    this.table = h("table", { class: "tnx-table", role: "grid", tabindex: "0", "aria-label": "Fields of both", onkeydown: (event) => this.tableKey(event) });
    this.wordsPane = h("div", { class: "tnx-words", role: "region", tabindex: "0", "aria-label": "What it means", "aria-live": "polite" });
    const titles = payload.heading.map((title, index) => h("p", {}, h("strong", {}, index ? "second " : "first "), h("span", {}, title)));
    this.root.append(
      h("div", { class: "tnx-head tnx-two" }, ...titles),
      h("div", { class: "tnx-body" }, h("div", {}, this.list),
        h("div", { class: "tnx-fields" }, this.caption, h("div", { class: "tnx-list" }, this.table))),
      this.wordsPane);
    el.append(this.root);
    this.choose(0);
  }

  close() {
    this.root.remove();
  }

  mark(kind) {
    const [sign, words] = SAID[kind];
    return h("span", { class: `tnx-mark tnx-${kind}`, title: words }, sign, unseen(` ${words}`));
  }

  drawList() {
    const glance = { name: "At a glance", mark: this.payload.facts.some((fact) => fact[3] !== "same") ? "differs" : "same" };
    this.list.replaceChildren(...[glance, ...this.payload.pairs].map((pair, index) => h("div", {
      class: "tnx-pair tn-moves", role: "option", id: `${this.id}-pair-${index}`, "aria-selected": String(index === this.item), onclick: () => this.choose(index),
    },
    h("span", { class: "tnx-way tn-quiet", "aria-hidden": "true" }, pair.sender === "client" ? "→" : pair.sender ? "←" : ""),
    unseen(pair.sender ? `${pair.sender}'s ` : ""), h("span", { class: "tnx-label" }, pair.name), this.mark(pair.mark))));
    this.list.setAttribute("aria-activedescendant", `${this.id}-pair-${this.item}`);
    const chosen = this.list.children[this.item];
    if (chosen.offsetTop < this.list.scrollTop) this.list.scrollTop = chosen.offsetTop;
    else if (chosen.offsetTop + chosen.offsetHeight > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = chosen.offsetTop + chosen.offsetHeight - this.list.clientHeight;
  }

  listKey(event) {
    const last = this.payload.pairs.length;
    const to = { ArrowDown: this.item + 1, ArrowUp: this.item - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.choose(Math.min(last, Math.max(0, to)));
    } else if (event.key === "ArrowRight" || event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      this.table.focus();
    }
  }

  choose(item) {
    this.item = item;
    this.row = 0;
    this.drawList();
    this.drawTable();
  }

  /** The rows in sight: [level, name, first, second, mark, key of words]. */
  rows() {
    const text = (index) => this.payload.texts[index];
    if (this.item === 0) return this.payload.facts.map(([name, a, b, mark, key]) => [0, name, a, b, mark, text(key)]);
    return shownRows(this.payload.pairs[this.item - 1].rows, this.all)
      .map(([level, name, a, b, mark, key]) => [level, text(name), text(a), text(b), mark, text(key)]);
  }

  drawTable() {
    const pair = this.item ? this.payload.pairs[this.item - 1] : null;
    const size = (n) => (pair.sizes[n] === null ? "not sent" : count(pair.sizes[n], "byte"));
    this.caption.replaceChildren(
      h("span", { class: "tn-quiet" }, pair ? `${size(0)} and ${size(1)}` : "what both agreed on, and what it cost"),
      pair ? h("label", { class: "tnx-every" }, this.box(), "what is the same, too") : "");
    const rows = this.rows();
    this.shown = rows;
    const head = h("thead", {}, h("tr", {}, ...["field", "first", "second", "", ].map((title, index) => h("th", { scope: "col" }, index === 3 ? unseen("how they relate") : title))));
    const body = h("tbody", {}, ...rows.map(([level, name, a, b, mark], index) => {
      const row = h("tr", { id: `${this.id}-row-${index}`, "aria-selected": String(index === this.row), class: `tnx-${mark}-row`, onclick: () => { this.row = index; this.select(); this.table.focus({ preventScroll: true }); } },
        h("th", { scope: "row" }, name), h("td", { title: a }, a), h("td", { title: b }, b), h("td", { class: "tnx-how" }, this.mark(mark), h("span", { class: "tn-quiet" }, ` ${SAID[mark][1]}`)));
      row.firstChild.style.setProperty("--level", level);
      return row;
    }));
    this.table.replaceChildren(head, body);
    if (!rows.length) body.append(h("tr", {}, h("td", { colspan: "4" }, "the same, byte by byte")));
    this.select();
  }

  box() {
    const box = h("input", { type: "checkbox", onchange: () => { this.all = box.checked; this.row = 0; this.drawTable(); this.caption.querySelector("input").focus(); } });
    box.checked = this.all;
    return box;
  }

  select() {
    const rows = this.table.tBodies[0].rows;
    for (const row of rows) row.setAttribute("aria-selected", String(row.id === `${this.id}-row-${this.row}`));
    this.table.setAttribute("aria-activedescendant", `${this.id}-row-${this.row}`);
    const pane = this.table.parentElement, row = rows[this.row];
    if (row && this.shown.length) {
      if (row.offsetTop < pane.scrollTop + 30) pane.scrollTop = row.offsetTop - 30;
      else if (row.offsetTop + row.offsetHeight > pane.scrollTop + pane.clientHeight) pane.scrollTop = row.offsetTop + row.offsetHeight - pane.clientHeight;
    }
    this.say();
  }

  tableKey(event) {
    const last = this.shown.length - 1;
    const to = { ArrowDown: this.row + 1, ArrowUp: this.row - 1, Home: 0, End: last, PageDown: this.row + 12, PageUp: this.row - 12 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      this.row = Math.max(0, Math.min(last, to));
      this.select();
    } else if (event.key === "ArrowLeft") this.list.focus();
    else if (event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      this.wordsPane.focus();
    }
  }

  say() {
    const row = this.shown[this.row];
    if (!row) return this.wordsPane.replaceChildren();
    const [, name, a, b, mark, key] = row, words = this.payload.words[key];
    const told = { same: "Both are the same.", differs: "They differ.", fresh: "It has to be new in every connection, so that it differs says nothing.",
      first: "Only the first has it.", second: "Only the second has it." }[mark];
    const list = h("dl", { class: "tnx-said" }, h("dt", {}, "First"), h("dd", {}, a || (mark === "second" ? "not there" : "see below it")), h("dt", {}, "Second"), h("dd", {}, b || (mark === "first" ? "not there" : "see below it")));
    if (words) list.append(h("dt", {}, "Says who?"), h("dd", {}, words.rfc));
    this.wordsPane.replaceChildren(
      h("div", { class: "tnx-explained" }, h("p", { class: "tnx-title" }, h("strong", {}, name)), h("p", {}, told),
        ...(words ? [h("p", {}, words.what), h("p", {}, words.why)] : [])),
      h("div", { class: "tnx-facts-of" }, list));
    this.wordsPane.scrollTop = 0;
  }
}

/** Put text on the clipboard; where the page may not, by the old way of a selected field. */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea", { class: "tn-unseen", "aria-hidden": "true", tabindex: "-1" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export default {
  render({ model, el }) {
    const payload = model.get("payload");
    const view = payload.kind === "comparison" ? new Comparison(payload, el) : new View(payload, el);
    return () => view.close();
  },
};

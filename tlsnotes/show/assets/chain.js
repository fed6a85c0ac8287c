// The chain view: a band with the verdict, a card for each certificate, and every check in a table.
//
//   the first part     functions of data alone: they are tested with node
//   the second part    the page: built of elements and text nodes only, for all of the data is hostile
//
// It shows what it is given and asks nothing; the controls between the band and the cards are ipywidgets'.

// ---- Data alone

/** The mark, the word and the look of what a check says: true, false, or null where it was not made. */
export function verdictOf(ok) {
  if (ok === true) return { mark: "✓", word: "holds", look: "tn-holds" };
  if (ok === false) return { mark: "✗", word: "fails", look: "tn-fails" };
  return { mark: "–", word: "not checked", look: "tn-quiet" };
}

/** A fraction as CSS wants it, never outside of its line. */
export function percent(fraction) {
  const bounded = Math.min(Math.max(Number(fraction) || 0, 0), 1);
  return `${Math.round(bounded * 10000) / 100}%`;
}

/** How cards stand where there is room: up to three beside each other, more of them in rows of three. */
export function columnsOf(count) {
  return count > 3 ? "many" : String(Math.max(count, 1));
}

/** Where the time asked is drawn: in the line, or at an end of it where it lies beyond. */
export function tickOf(at) {
  return at <= 0 ? "before" : at >= 1 ? "behind" : "inside";
}

/** What a screen reader says of a band. */
export function spoken(band) {
  return [band.word, band.text, band.more, band.todo].filter(Boolean).join(". ").replaceAll("..", ".");
}

// ---- The page

let views = 0;
const SETTLED = 500; // milliseconds: what changes with each step of a slider is not to be read out at each

function make(tag, look, ...content) {
  const element = document.createElement(tag);
  if (look) element.className = look;
  element.append(...content.filter((one) => one !== null && one !== undefined));
  return element;
}

/** Keeps its roles when a narrow page makes blocks of a table's rows. */
function cell(tag, role, look, ...content) {
  const element = make(tag, look, ...content);
  element.setAttribute("role", role);
  return element;
}

function marked(ok, text) {
  const { mark, look } = verdictOf(ok);
  const sign = make("span", "tnc-mark", mark);
  sign.setAttribute("aria-hidden", "true");
  return make("span", look, sign, " ", text);
}

function drawBand(box, band) {
  const ok = band.ok ?? null;
  box.dataset.ok = String(ok);
  const word = make("strong", "tnc-word", ok === null ? make("span", "tn-quiet", "– ", band.word) : marked(ok, band.word));
  const todo = band.todo ? make("span", "tnc-todo", band.todo) : null;
  box.replaceChildren(make("p", "tnc-sentence", word, " ", make("span", "tnc-text", band.text), " ", band.more, " ", todo));
}

function drawRow(row) {
  const values = row.values.map((value) => make("span", "tnc-value", value));
  const wrong = row.wrong.map((words) => make("span", "tnc-wrong tn-fails", words));
  const said = verdictOf(row.ok ?? null);
  const sign = row.ok === null || row.ok === undefined ? "" : said.mark;
  const mark = make("dd", `tnc-sign ${said.look}`, make("span", "", sign));
  if (sign) {
    mark.firstChild.setAttribute("aria-hidden", "true");
    mark.append(make("span", "tn-unseen", said.word));
  }
  const line = make("div", "tnc-row", make("dt", "tn-quiet", row.label), make("dd", "tnc-values", ...values, ...wrong), mark);
  line.dataset.checks = row.checks.join(" ");
  if (row.ok === false) line.dataset.ok = "false";
  return line;
}

function drawBar(bar) {
  const period = make("span", "tnc-period");
  period.style.left = percent(bar.start);
  period.style.width = percent(bar.end - bar.start);
  const tick = make("span", "tnc-tick");
  tick.style.left = percent(bar.at);
  tick.dataset.place = tickOf(bar.at);
  const line = make("div", "tnc-bar", period, tick);
  line.dataset.ok = String(bar.ok);
  line.setAttribute("role", "img");
  line.setAttribute("aria-label", bar.words);
  return line;
}

function drawCard(card, id) {
  const title = make("p", "tnc-title", card.title);
  title.id = id;
  const head = make("p", "tnc-head tn-quiet", make("span", "tnc-role", card.role), make("span", "", card.index));
  const rows = make("dl", "tnc-rows", ...card.rows.map(drawRow));
  const box = make("article", card.missing ? "tnc-card tnc-missing" : "tnc-card", head, title, rows);
  if (card.bar) box.append(drawBar(card.bar));
  box.dataset.ok = String(card.ok);
  box.setAttribute("aria-labelledby", id);
  return box;
}

function drawLink(ok) {
  const { word, look } = verdictOf(ok);
  const arrow = make("span", `tnc-arrow ${look}`);
  arrow.setAttribute("aria-hidden", "true");
  const words = make("span", "tnc-words", make("span", "tn-quiet", "signed by"), marked(ok, ok === null ? word : `signature ${word}`));
  return make("div", "tnc-link", arrow, words);
}

function drawCards(cards, prefix) {
  const list = make("ol", "tnc-cards");
  list.dataset.columns = columnsOf(cards.length);
  cards.forEach((card, place) => {
    const item = make("li", "", drawCard(card, `${prefix}-card-${place}`));
    if (place < cards.length - 1) item.append(drawLink(card.link ?? null));
    list.append(item);
  });
  return list;
}

/** What was found; opened, it says what the check asks and why. */
function told(found, words) {
  if (!words) return [found];
  return [make("details", "", make("summary", "", found), ...words.map((text) => make("p", "tn-quiet", text)))];
}

function drawTable(table) {
  const heads = table.head.map((text) => {
    const head = cell("th", "columnheader", "", text);
    head.scope = "col";
    return head;
  });
  const rows = table.rows.map(([mark, name, found, where, rule], place) => {
    const ok = table.oks[place] ?? null;
    const word = mark.slice(2);
    const first = cell("td", "cell", "tnc-said", marked(ok, make("span", "tn-unseen", word)));
    const decides = word === "decides" ? make("span", "tnc-decides tn-fails", word) : null;
    const check = cell("th", "rowheader", "tnc-check", name, decides);
    check.scope = "row";
    const others = [where, rule].map((text, column) => cell("td", "cell", ["tnc-where tn-quiet", "tnc-rule tn-quiet"][column], text));
    const row = cell("tr", "row", "", first, check, cell("td", "cell", "tnc-found", ...told(found, table.words[name])), ...others);
    row.dataset.check = name;
    row.dataset.ok = String(ok);
    return row;
  });
  const head = cell("thead", "rowgroup", "tn-unseen", cell("tr", "row", "", ...heads));
  const body = cell("tbody", "rowgroup", "", ...rows);
  return cell("table", "table", "tnc-table", make("caption", "tn-unseen", "every check, in the order a person would ask"), head, body);
}

/** Where the pointer is over a check of the table, its places in the cards light up. */
function lightUp(box, event) {
  const row = event.target.closest?.("tr[data-check]");
  for (const line of box.querySelectorAll(".tnc-row")) {
    const concerned = row !== null && row !== undefined && line.dataset.checks.split(" ").includes(row.dataset.check);
    line.classList.toggle("tnc-lit", concerned);
  }
}

/** ipywidgets gives its slider no name, and says the number of a day: here it gets both as people say them. */
function nameSlider(el, day) {
  const handle = el.closest(".tlsnotes-chain")?.querySelector(".tnc-controls [role=slider]");
  handle?.setAttribute("aria-label", "the day it is judged at");
  handle?.setAttribute("aria-valuetext", day);
  return Boolean(handle);
}

function region(look, label) {
  const box = make("section", look);
  box.setAttribute("aria-label", label);
  return box;
}

function render({ model, el }) {
  const prefix = `tnc-${++views}`;
  const part = model.get("part");
  const whole = make("div", part === "all" ? "tlsnotes-widget tlsnotes-chain" : "tnc-part");
  const undo = [];

  if (part !== "cards") {
    const band = region("tnc-band", "verdict");
    const said = make("p", "tn-unseen");
    said.setAttribute("role", "status");
    said.setAttribute("aria-live", "polite");
    let waiting = 0;
    const draw = () => {
      const shown = part === "all" ? model.get("shown").band : model.get("shown");
      drawBand(band, shown);
      clearTimeout(waiting);
      waiting = setTimeout(() => { said.textContent = spoken(shown); }, SETTLED);
    };
    draw();
    model.on("change:shown", draw);
    undo.push(() => { model.off("change:shown", draw); clearTimeout(waiting); });
    whole.append(band, said);
  }

  if (part !== "band") {
    const chain = region("tnc-chain", "the chain, from the end-entity up");
    const checks = region("tnc-checks", "the checks");
    const draw = () => {
      const { cards, table, stale, day } = model.get("shown");
      const old = stale ? make("p", "tnc-stale tn-quiet", "as it was judged before") : null;
      chain.replaceChildren(...[old, drawCards(cards, prefix)].filter(Boolean));
      checks.replaceChildren(drawTable(table));
      nameSlider(el, day);
    };
    const light = (event) => lightUp(chain, event);
    draw();
    const named = () => nameSlider(el, model.get("shown").day);
    const watch = new MutationObserver(() => { if (named()) watch.disconnect(); }); // ipywidgets draws it when it likes
    if (!named()) watch.observe(document.body, { childList: true, subtree: true });
    model.on("change:shown", draw);
    checks.addEventListener("pointerover", light);
    checks.addEventListener("pointerleave", light);
    undo.push(() => { model.off("change:shown", draw); watch.disconnect(); });
    whole.append(chain, checks);
  }

  el.append(whole);
  return () => {
    undo.forEach((one) => one());
    whole.remove();
  };
}

export default { render };

// Shows the pages in another language. Sentences come from many places (pages, jobs that ended long
// ago, components, Streamlit itself) and in English; each is looked up when it comes to the screen.
// What people named themselves stands in <bdi> or translate="no", and stays as it is.
const CHOICE = "graft-language", ATTRIBUTES = ["aria-label", "title", "alt", "placeholder", "data-says"];
const KEPT = "bdi, script, style, textarea, pre, code, [translate=no], .stCode, [data-testid=stJson]";
const UNSEEN = /[\u2060\u2066-\u2069]/g, HOST = "[data-testid=stBidiComponentIsolated]";
const NUMBER = "([\\d.,]+)"; // what is filled in for {n}
const DEPTH = 3; // of sentences that are filled into sentences
const BETWEEN = [[/(?<=[.!?…:]) (?=\S)/u, " "], [/ · /u, " · "], [/, /u, ", "]], MOST_PIECES = 30;

export default function ({ data, parentElement }) {
  const chosen = languageOf(Object.keys(data.languages)), select = parentElement.querySelector("select");
  if (!select.options.length) {
    for (const [code, name] of Object.entries(data.languages)) {
      const option = new Option(name, code, code === chosen, code === chosen);
      option.lang = code;
      select.append(option);
    }
    select.addEventListener("change", () => {
      localStorage.setItem(CHOICE, select.value);
      location.reload(); // everything that counts stands in the address
    });
  }
  document.documentElement.lang = chosen;
  if (chosen !== "en") window.graftLanguage ??= begin(data.graft, chosen);
}

function languageOf(known) {
  const wanted = [localStorage.getItem(CHOICE), ...navigator.languages];
  return wanted.map((each) => each?.slice(0, 2)).find((each) => known.includes(each)) ?? "en";
}

async function begin(graft, language) {
  const answer = await fetch(`${graft}/language/${language}`).catch(() => null);
  if (!answer?.ok) return;
  const page = new Page(new Catalogue(await answer.json()));
  page.watch(document.documentElement);
  return page;
}

class Catalogue {
  constructor(messages) {
    this.whole = new Map();
    this.byWord = new Map(); // templates by the longest word in them
    this.found = new Map();
    for (const [english, other] of Object.entries(messages)) {
      if (/\{\w*\}/.test(english)) this.addTemplate(english, other);
      else this.whole.set(english, other);
    }
  }

  addTemplate(english, other) {
    const names = [...english.matchAll(/\{(\w*)\}/g)].map((found) => found[1]);
    const literal = english.split(/\{\w*\}/), plain = literal.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pattern = plain.map((each, n) => each + (n === names.length ? "" : names[n] === "n" ? NUMBER : "(.*?)")).join("");
    const template = { pattern: new RegExp(`^${pattern}$`, "su"), names, other, weight: literal.join("").length };
    const word = wordsOf(literal.join(" ")).sort((a, b) => b.length - a.length)[0] ?? "";
    const same = this.byWord.get(word) ?? [];
    same.push(template);
    same.sort((a, b) => b.weight - a.weight);
    this.byWord.set(word, same);
  }

  // The text in the language; null where nothing is known of it.
  translate(text, depth = DEPTH) {
    const plain = text.replace(UNSEEN, "").replace(/\s+/g, " ").trim();
    if (!/\p{L}{2}/u.test(plain)) return null;
    if (!this.found.has(plain)) {
      if (this.found.size > 20000) this.found.clear();
      this.found.set(plain, this.lookUp(plain, depth));
    }
    return this.found.get(plain);
  }

  lookUp(plain, depth) {
    return this.whole.get(plain) ?? this.filled(plain, depth) ?? this.inPieces(plain, depth);
  }

  filled(plain, depth) {
    if (!depth) return null;
    const near = [...new Set(wordsOf(plain)), ""].flatMap((word) => this.byWord.get(word) ?? []);
    let best = null;
    for (const template of near) {
      if (best && best.template.weight >= template.weight) continue;
      const found = template.pattern.exec(plain);
      if (found) best = { template, values: found.slice(1) };
    }
    if (!best) return null;
    const { names, other } = best.template;
    return other.replace(/\{(\w*)\}/g, (_, name) => {
      const value = best.values[names.indexOf(name)];
      return this.translate(value, depth - 1) ?? value;
    });
  }

  // Several sentences, or parts set apart by points.
  inPieces(plain, depth) {
    if (!depth) return null;
    for (const [between, joint] of BETWEEN) {
      const pieces = plain.split(between);
      if (pieces.length < 2 || pieces.length > MOST_PIECES) continue;
      const said = pieces.map((piece) => this.translate(piece, depth - 1));
      if (said.some((each) => each !== null)) return said.map((each, n) => each ?? pieces[n]).join(joint);
    }
    return null;
  }
}

function wordsOf(text) { return text.match(/\p{L}{2,}/gu) ?? []; }

class Page {
  constructor(catalogue) {
    this.catalogue = catalogue;
    this.watched = new WeakSet();
    this.changes = new MutationObserver((all) => this.changed(all));
  }

  watch(root) {
    if (this.watched.has(root)) return;
    this.watched.add(root);
    this.changes.observe(root, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
    this.under(root);
  }

  changed(all) {
    for (const { type, target, attributeName, addedNodes } of all) {
      if (type === "characterData") this.text(target);
      else if (type === "attributes") this.attribute(target, attributeName);
      else for (const node of addedNodes) this.under(node);
    }
    for (const host of document.querySelectorAll(HOST)) if (host.shadowRoot) this.watch(host.shadowRoot);
  }

  under(node) {
    if (node.nodeType === Node.TEXT_NODE) return this.text(node);
    if (!node.querySelectorAll) return;
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) this.text(walker.currentNode);
    const named = ATTRIBUTES.map((name) => `[${name}]`).join();
    for (const each of [node, ...node.querySelectorAll(named)]) {
      for (const name of ATTRIBUTES) if (each.hasAttribute?.(name)) this.attribute(each, name);
    }
  }

  text(node) {
    if (!node.parentElement || node.parentElement.closest(KEPT)) return;
    const said = this.catalogue.translate(node.nodeValue);
    if (said === null) return;
    const [, before, after] = /^(\s*)[^]*?(\s*)$/.exec(node.nodeValue), whole = before + said + after;
    const term = node.parentElement.closest(".term"); // which is explained by its English name
    if (term) term.dataset.english ??= term.textContent;
    if (whole !== node.nodeValue) node.nodeValue = whole;
  }

  attribute(node, name) {
    const now = node.getAttribute(name), kept = node.closest("[translate=no]") || (name === "title" && node.closest("bdi"));
    const said = now && !kept ? this.catalogue.translate(now) : null;
    if (said !== null && said !== now) node.setAttribute(name, said);
  }
}

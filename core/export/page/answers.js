/* The answers: least sure first on the page, in the order of the files in the CSV. */

const AT_ONCE = 200, MOST_BARS = 8, MOST_OTHERS = 4;
const UNKNOWN = "Unknown", UNREADABLE = "Could not be read";
const answers = []; // {number, name, thumbnail, error} or with what answerFor gives
let shown = AT_ONCE, chosen = null;

const $ = (id) => document.getElementById(id);

function made(tag, kind, words) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (words !== undefined) element.textContent = words;
  return element;
}

/* A probability for people: never "100 %" for what is not certain. */
function percent(share) {
  if (share > 0.99) return "over 99 %";
  return share < 0.01 ? "under 1 %" : `${(100 * share).toFixed(0)} %`;
}

/* Text from outside on one line, without what cannot be seen, as the app shows it. */
function plain(text, longest = 60) {
  const seen = text.split(/\s+/).filter(Boolean).join(" ").replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "");
  const letters = [...(seen || "(no name)")];
  return letters.length <= longest ? letters.join("") : letters.slice(0, longest - 1).join("") + "…";
}

/* The same inside a sentence, whose direction it must not turn. */
const isolated = (text) => `\u2068${plain(text)}\u2069`;

const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const keyOf = (each) => (each.error ? "error" : each.ood ? "unknown" : `class:${each.label}`);
const titleOf = (key) => ({ error: UNREADABLE, unknown: UNKNOWN })[key] ?? plain(key.slice(6));

/* Unknown ones, then by confidence, then what could not be read. */
function before(one, other) {
  const place = (each) => (each.error ? 2 : each.ood ? 0 : 1);
  return place(one) - place(other) || one.confidence - other.confidence || one.number - other.number;
}

const visible = () => answers.filter((each) => !chosen || keyOf(each) === chosen).sort(before);

function addAnswer(answer) {
  answers.push(answer);
  if (!chosen || keyOf(answer) === chosen) {
    const at = visible().indexOf(answer), body = $("rows");
    if (at < shown) body.insertBefore(rowOf(answer), body.children[at] ?? null);
    if (body.children.length > shown) body.lastChild.remove();
  }
  showCounts();
}

function showAll() {
  $("rows").replaceChildren(...visible().slice(0, shown).map(rowOf));
  showCounts();
}

function showCounts() {
  const counts = new Map();
  for (const each of answers) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  if (chosen && !counts.has(chosen)) chosen = null;
  const last = (key) => (key === "error" ? 2 : key === "unknown" ? 1 : 0);
  const keys = [...counts.keys()].sort((a, b) => last(a) - last(b) || counts.get(b) - counts.get(a));
  const focused = document.activeElement?.dataset?.key;
  $("counts").replaceChildren(...(keys.length > 1 ? keys.map((key) => chip(key, counts.get(key))) : []));
  if (focused) [...$("counts").children].find((each) => each.dataset.key === focused)?.focus();
  $("answers").hidden = !answers.length;
  $("answers-title").textContent = counted(answers.length, "answer");
  const left = (chosen ? counts.get(chosen) : answers.length) - shown;
  $("more").hidden = left <= 0;
  $("more").textContent = `Show ${Math.min(left, AT_ONCE).toLocaleString("en")} more`;
}

function chip(key, n) {
  const button = made("button", `chip ${key.startsWith("class:") ? "" : "warn"}`);
  button.type = "button";
  button.dataset.key = key;
  button.setAttribute("aria-pressed", String(chosen === key));
  button.append(made("bdi", "", titleOf(key)), ` ${n.toLocaleString("en")}`);
  button.addEventListener("click", () => {
    chosen = chosen === key ? null : key;
    shown = AT_ONCE;
    showAll();
  });
  return button;
}

function rowOf(each) {
  const row = made("tr", each.error ? "broken" : "");
  const look = made("td", "look"), name = made("th", "name"), said = made("td", "said");
  name.scope = "row";
  const short = made("bdi", "", plain(each.name.split("/").pop()));
  short.title = plain(each.name, 400);
  name.append(short);
  if (each.thumbnail) {
    const image = made("img");
    image.src = each.thumbnail;
    image.alt = "";
    look.append(image);
  } else look.append(made("span", "no-image", "?"));
  const sure = made("td", "sure");
  if (each.error) said.append(made("p", "error", each.error));
  else {
    said.append(...verdict(each), allClasses(each));
    if (!each.ood) sure.append(bar(each.confidence), made("span", "n", percent(each.confidence)));
  }
  row.append(look, name, said, sure);
  return row;
}

/* What the app says of an image, line by line. */
function verdict(each) {
  const head = made("p", each.ood ? "answer unknown" : "answer");
  head.append(made("bdi", "", each.ood ? UNKNOWN : plain(each.label)));
  return [head, ...linesOf(each).map((words) => made("p", "muted small", words))];
}

function linesOf(each) {
  const lines = [];
  if (each.ood) lines.push(`If it is one of the classes after all: ${isolated(each.label)} ${percent(each.confidence)}`);
  else {
    const others = each.ranked.filter(([name]) => each.prediction_set?.includes(name) && name !== each.label);
    const named = others.slice(0, MOST_OTHERS).map(([name, share]) => `${isolated(name)} ${percent(share)}`);
    const more = others.length - named.length;
    if (named.length) lines.push(`or ${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`);
  }
  if (each.tasks.length > 1)
    for (const own of each.tasks) lines.push(`${isolated(own.task)}: ${isolated(own.label)} ${percent(own.confidence)}`);
  return lines;
}

function allClasses(each) {
  const details = made("details", "small");
  details.append(made("summary", "", "All classes"));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(bars(each.ranked.slice(0, 20)));
  });
  return details;
}

function bar(share) {
  const outside = made("span", "bar"), inside = made("i");
  inside.style.width = `${100 * share}%`;
  outside.setAttribute("aria-hidden", "true");
  outside.append(inside);
  return outside;
}

/* Class, bar, percent: one line each. */
function bars(ranked) {
  const all = made("div", "bars");
  for (const [name, share] of ranked) {
    const line = made("div");
    line.append(made("bdi", "", plain(name)), bar(share), made("span", "n", percent(share)));
    all.append(line);
  }
  return all;
}

/* The table that the app writes (core/analysis/prediction_table.py). */
function csv() {
  const told = answers.filter((each) => !each.error), several = ABOUT.tasks.length > 1;
  const withOod = told.some((each) => each.ood !== null);
  const columns = ABOUT.tasks.map((task, at) => ({
    at,
    heads: task.classes.map((name) => (several ? `${task.name}: ${name}` : name)),
    order: several ? task.classes.map((_, k) => k) : sortedOrder(task.classes),
    withSet: told.length > 0 && task.threshold !== null,
    head: several ? task.name : "predicted",
    set: several ? `${task.name}: set` : "set",
  }));
  const unknown = (words) => (withOod ? [words] : []);
  const line = (first, parts, ood, problem) => {
    if (several) return [first, ...parts.flatMap(([own, set]) => [...own, ...set]), ...unknown(ood), problem];
    return [first, ...parts[0][0], ...unknown(ood), ...parts[0][1], problem];
  };
  const head = columns.map((c) => [
    [c.head, ...c.order.map((k) => c.heads[k])],
    c.withSet ? [c.set] : [],
  ]);
  const rows = answers.map((each) => {
    const parts = columns.map((c) => {
      if (each.error) return [["", ...c.order.map(() => "")], c.withSet ? [""] : []];
      const own = each.tasks[c.at], shares = c.order.map((k) => own.probabilities[k].toFixed(6));
      return [[own.label, ...shares], c.withSet ? [own.prediction_set.join(" | ")] : []];
    });
    return line(each.name, parts, each.error ? "" : each.ood ? "yes" : "no", each.error ?? "");
  });
  const lines = [line("image", head, "unknown", "problem"), ...rows];
  return "\ufeff" + lines.map((cells) => cells.map(cell).join(",") + "\r\n").join("");
}

function sortedOrder(classes) {
  const order = classes.map((_, at) => at);
  return order.sort((a, b) => (classes[a] < classes[b] ? -1 : 1));
}

/* An apostrophe keeps a spreadsheet from taking text for a formula. */
function cell(value) {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function save(name, text) {
  const link = made("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// One table of answers, in groups. Names are only ever text; what explains an answer comes as HTML
// that the server has made safe.
const FEW = 6000; // options in all: as many are made at once, else each list when it is needed
const NEW = "new", AS_IT_IS = "";

export default function (component) {
  const root = component.parentElement.querySelector(".answers");
  if (!root.answers) root.answers = new Answers(root);
  root.answers.update(component);
}

class Answers {
  constructor(root) {
    this.root = root;
    this.waiting = new Map(); // corrections that the server has not written down yet
  }

  // Called again after every run of the page's script.
  update({ data, setStateValue, setTriggerValue }) {
    this.tell = setStateValue;
    this.ask = setTriggerValue;
    this.data = data;
    for (const [n, { id }] of this.waiting) if (id === data.seen) this.waiting.delete(n);
    if (this.token !== data.token) this.draw();
    for (const [n, row] of this.rows) this.refresh(n, row);
    this.explain();
  }

  draw() {
    this.token = this.data.token;
    this.rows = new Map();
    const table = make("table", "");
    table.setAttribute("role", "table");
    table.append(make("caption", "unseen", "Answers, grouped by class"), this.head());
    for (const group of this.data.groups) table.append(this.group(group));
    this.root.replaceChildren(table);
  }

  head() {
    const row = part("tr", "row");
    for (const [name, text] of [["", "Image"], ["", "Answer"], ["n", "Confidence"], ["", "Correct class"], ["", ""]]) {
      const cell = make("th", name, text);
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      row.append(cell);
    }
    row.lastChild.append(make("span", "unseen", "Explanation"));
    const head = part("thead", "rowgroup");
    head.append(row);
    return head;
  }

  group({ title, count, rows }) {
    const body = part("tbody", "rowgroup"), line = part("tr", "row"), cell = make("th", "group", title);
    cell.colSpan = 5;
    cell.scope = "rowgroup";
    cell.setAttribute("role", "rowheader");
    cell.append(make("span", "count", count));
    line.append(cell);
    body.append(line, ...rows.map((row) => this.row(row)));
    return body;
  }

  row(told) {
    const row = part("tr", "row");
    row.className = "answer";
    row.told = told;
    const image = cellOf("image"), words = cellOf("told");
    if (told.thumb) {
      const img = document.createElement("img");
      Object.assign(img, { src: told.thumb, alt: "", loading: "lazy", decoding: "async" });
      image.append(img);
    }
    words.append(make("span", told.error ? "label wrong" : "label", told.error || told.answer));
    for (const line of told.lines) words.append(make("span", "small", line));
    const name = make("span", "small", told.name);
    name.title = told.title;
    words.append(name);
    row.append(image, words);
    if (told.error) words.colSpan = 4;
    else row.append(cellOf("n", told.sure), this.correction(told), this.question(told));
    this.rows.set(told.n, row);
    return row;
  }

  correction(told) {
    const cell = cellOf("right"), select = document.createElement("select");
    select.setAttribute("aria-label", `Correct class of ${told.name}`);
    select.append(new Option("As answered", AS_IT_IS));
    const fill = () => this.fill(select);
    if (this.data.classes.length * this.data.shown < FEW) fill();
    else for (const event of ["pointerenter", "pointerdown", "focus", "keydown"]) select.addEventListener(event, fill);
    select.addEventListener("change", () => {
      if (select.value === NEW) this.name(told, cell, select);
      else this.correct(told.n, select.value === AS_IT_IS ? null : select.selectedOptions[0].label_);
    });
    cell.append(select, make("span", "note"));
    return cell;
  }

  fill(select) {
    if (select.filled) return;
    select.filled = true;
    const chosen = select.value === AS_IT_IS ? null : select.selectedOptions[0].label_;
    select.replaceChildren(select.firstChild);
    for (const { label, shown } of this.data.classes) select.append(choice(label, shown));
    select.append(new Option("New class …", NEW));
    this.choose(select, chosen);
  }

  // Show the class `label`, or none where it is null; one that is not in the list comes into it.
  choose(select, label) {
    if (label === null) return (select.value = AS_IT_IS);
    let option = [...select.options].find((each) => each.label_ === label);
    if (!option) select.insertBefore((option = choice(label, label)), select.options[1] ?? null);
    option.selected = true;
  }

  // A field in place of the list: Enter takes the name, Escape leaves everything as it was.
  name(told, cell, select) {
    const input = document.createElement("input");
    Object.assign(input, { maxLength: 100, placeholder: "Name of the new class" });
    input.setAttribute("aria-label", `New class of ${told.name}`);
    let done = false;
    const end = (take) => {
      if (done) return;
      done = true;
      const label = input.value.trim();
      const had = document.activeElement === input || this.root.getRootNode().activeElement === input;
      input.replaceWith(select);
      if (take && label) this.correct(told.n, label);
      else this.refresh(told.n, this.rows.get(told.n));
      if (had) select.focus();
    };
    input.addEventListener("blur", () => end(true));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") end(event.key === "Enter");
    });
    select.replaceWith(input);
    input.focus();
  }

  correct(n, label) {
    const id = `${Date.now()}-${Math.random()}`;
    this.waiting.set(n, { label });
    for (const each of this.waiting.values()) each.id = id; // all are told anew, in case one was lost
    this.refresh(n, this.rows.get(n));
    const labels = [...this.waiting].map(([number, told]) => ({ n: number, label: told.label }));
    this.tell("corrected", { id, labels });
  }

  refresh(n, row) {
    const select = row.querySelector("select");
    if (!select) return;
    const label = this.waiting.has(n) ? this.waiting.get(n).label : this.data.corrected[n] ?? null;
    this.choose(select, label);
    row.classList.toggle("corrected", label !== null);
    const learned = this.data.learned.includes(n) && !this.waiting.has(n);
    row.querySelector(".note").textContent = learned ? "Added to your images" : "";
    row.querySelector(".ask button")?.setAttribute("aria-expanded", this.data.why?.n === n);
  }

  question(told) {
    const cell = cellOf("ask"), button = make("button", "", "Why?");
    button.type = "button";
    button.disabled = !told.explains;
    button.setAttribute("aria-label", `Why? ${told.name}`);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "true";
      this.ask("why", { n: open ? -1 : told.n });
    });
    cell.append(button);
    return cell;
  }

  // The explanation opens under its row, and stands there once.
  explain() {
    const why = this.data.why, key = JSON.stringify(why) + this.token;
    if (key === this.explained) return;
    this.explained = key;
    this.root.querySelector(".why-row")?.remove();
    const row = why && this.rows.get(why.n);
    if (!row) return;
    const line = part("tr", "row"), cell = cellOf("");
    line.className = "why-row";
    cell.colSpan = 5;
    cell.setAttribute("aria-live", "polite");
    if (why.html) cell.innerHTML = why.html;
    else cell.textContent = why.says;
    const close = make("button", "", "Close");
    close.type = "button";
    close.addEventListener("click", () => {
      row.querySelector(".ask button")?.focus();
      this.ask("why", { n: -1 });
    });
    cell.append(close);
    line.append(cell);
    row.after(line);
  }
}

function choice(label, shown) {
  const option = new Option(shown, "class");
  option.label_ = label;
  return option;
}

function part(tag, role) {
  const element = document.createElement(tag);
  element.setAttribute("role", role);
  return element;
}

function cellOf(name, text = "") {
  const cell = make("td", name, text);
  cell.setAttribute("role", "cell");
  return cell;
}

function make(tag, name, text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}

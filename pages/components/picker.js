// A page of thumbnails that can be chosen by mouse, touch and keyboard, and moved to a class: dragged
// onto its bin, or chosen and the bin pressed. Names are only ever text.
const PAUSE = 200; // ms without another choice before the server is told

export default function (component) {
  const root = component.parentElement.querySelector(".picker");
  if (!root.picker) root.picker = new Picker(root);
  root.picker.update(component);
}

class Picker {
  constructor(root) {
    this.root = root;
    this.buttons = [];
    this.bins = root.parentElement.querySelector(".bins");
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("keydown", (event) => this.pressed(event));
    root.addEventListener("dragstart", (event) => this.dragged(event));
  }

  // Called again after every run of the page's script. What is chosen on this page is known here
  // alone until another page, class or version is shown.
  update({ data, setStateValue, setTriggerValue }) {
    this.tell = setStateValue;
    this.ask = setTriggerValue;
    if (this.token === data.token) return;
    clearTimeout(this.waiting);
    this.token = data.token;
    this.from = data.from;
    this.chosen = new Set(data.chosen);
    this.last = 0;
    this.buttons = data.pictures.map((picture, n) => this.button(picture, n));
    this.root.replaceChildren(...this.buttons);
    this.bins.replaceChildren(...data.bins.map((bin, n) => this.bin(bin, n)));
    this.open();
  }

  button({ place, image, name, label }, n) {
    const button = document.createElement("div"); // Firefox drags no button
    button.draggable = true;
    button.setAttribute("role", "checkbox");
    button.setAttribute("aria-checked", this.chosen.has(place));
    button.setAttribute("aria-label", `${name}, ${label}`);
    button.title = `${name} · ${label}`;
    button.tabIndex = n === 0 ? 0 : -1;
    button.place = place;
    button.append(this.thumbnail(image), part("label", label), part("name", name), part("mark", ""));
    return button;
  }

  // A class to move images to. A screen reader hears of it as of a button.
  bin({ image, label, n: count }, n) {
    const bin = document.createElement("button");
    bin.type = "button";
    bin.title = label;
    bin.append(...(image ? [this.thumbnail(image)] : []), part("label", label), part("name", count.toLocaleString("en")));
    const over = (is) => (event) => { event.preventDefault(); bin.classList.toggle("over", is); };
    bin.addEventListener("dragover", over(true));
    bin.addEventListener("dragleave", over(false));
    bin.addEventListener("drop", (event) => {
      over(false)(event);
      this.move(n, this.drag);
    });
    bin.addEventListener("click", () => this.move(n, this.chosen));
    return bin;
  }

  // An image that is chosen takes the others that are chosen along.
  dragged(event) {
    const { place } = this.buttons[this.at(event)];
    this.drag = this.chosen.has(place) ? this.chosen : new Set([place]);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  }

  move(n, places) {
    if (!places?.size) return;
    clearTimeout(this.waiting);
    this.ask("moved", { token: this.token, bin: n, places: [...places], chosen: places === this.chosen });
    this.drag = null;
  }

  open() {
    for (const bin of this.bins.children) bin.setAttribute("aria-disabled", !this.chosen.size);
  }

  at(event) { return this.buttons.indexOf(event.target.closest("[role=checkbox]")); }

  clicked(event) {
    const n = this.at(event);
    if (n < 0) return;
    const is = this.buttons[n].getAttribute("aria-checked") !== "true";
    const from = event.shiftKey ? this.last : n;
    for (let k = Math.min(from, n); k <= Math.max(from, n); k += 1) this.set(k, event.shiftKey || is);
    this.last = n;
    this.focus(n);
    this.report();
  }

  pressed(event) {
    const n = this.at(event);
    if (n < 0) return;
    const row = getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row, Home: -n, End: this.buttons.length - 1 - n };
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.clicked(event);
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a")
      this.buttons.forEach((_, k) => this.set(k, true));
    else if (event.key === "Escape") this.buttons.forEach((_, k) => this.set(k, false));
    else if (event.key in moves) {
      const to = Math.max(0, Math.min(this.buttons.length - 1, n + moves[event.key]));
      if (event.shiftKey)
        for (let k = Math.min(n, to); k <= Math.max(n, to); k += 1) this.set(k, true);
      this.last = to;
      this.focus(to);
      event.preventDefault();
      if (!event.shiftKey) return;
    } else return;
    event.preventDefault();
    this.report();
  }

  set(n, is) {
    const button = this.buttons[n];
    button.setAttribute("aria-checked", is);
    if (is) this.chosen.add(button.place);
    else this.chosen.delete(button.place);
    this.open();
  }

  focus(n) {
    this.buttons.forEach((button, k) => { button.tabIndex = k === n ? 0 : -1; });
    this.buttons[n].focus();
  }

  report() {
    clearTimeout(this.waiting);
    const told = { token: this.token, places: [...this.chosen] };
    this.waiting = setTimeout(() => this.tell("chosen", told), PAUSE);
  }

  thumbnail(image) {
    const img = document.createElement("img");
    return Object.assign(img, { src: this.from + image, alt: "", loading: "lazy", decoding: "async", draggable: false });
  }
}

function part(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

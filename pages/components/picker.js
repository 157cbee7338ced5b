// A page of thumbnails that can be chosen by mouse, touch and keyboard. Names are only ever text.
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
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("keydown", (event) => this.pressed(event));
  }

  // Called again after every run of the page's script. What is chosen on this page is known here
  // alone until another page, class or version is shown.
  update({ data, setStateValue }) {
    this.tell = setStateValue;
    if (this.token === data.token) return;
    clearTimeout(this.waiting);
    this.token = data.token;
    this.chosen = new Set(data.chosen);
    this.last = 0;
    this.buttons = data.pictures.map((picture, n) => this.button(picture, n));
    this.root.replaceChildren(...this.buttons);
  }

  button({ place, image, name, label }, n) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "checkbox");
    button.setAttribute("aria-checked", this.chosen.has(place));
    button.setAttribute("aria-label", `${name}, ${label}`);
    button.title = `${name} · ${label}`;
    button.tabIndex = n === 0 ? 0 : -1;
    button.place = place;
    const img = document.createElement("img");
    Object.assign(img, { src: `/graft/thumb/${image}`, alt: "", loading: "lazy", decoding: "async" });
    button.append(img, part("label", label), part("name", name), part("mark", ""));
    return button;
  }

  at(event) { return this.buttons.indexOf(event.target.closest("button")); }

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
}

function part(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

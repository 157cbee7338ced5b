// A map of many images on one canvas. Each class has a colour and a shape of its own, stamped
// from a small image drawn once, so that ten thousand of them are redrawn within a frame.
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "flag", "star"];
const SIDE = 22, REACH = 14, MARGIN = 26, FARTHEST = 1, NEAREST = 60;

export default function (component) {
  const root = component.parentElement.querySelector(".map");
  if (!root.map) root.map = new ImageMap(root);
  root.map.update(component);
  return () => root.map?.leave();
}

class ImageMap {
  constructor(root) {
    this.root = root;
    this.at = (selector) => root.querySelector(selector);
    this.canvas = this.at("canvas");
    this.ink = this.canvas.getContext("2d");
    this.chosen = new Set();
    this.choices = 0;
    this.fingers = new Map();
    this.whole();
    this.listen();
  }

  // Called again after every run of the page's script.
  update({ data, setStateValue }) {
    this.tell = setStateValue;
    this.watch();
    if (this.data?.version === data.version && this.data.method === data.method) return this.draw();
    const moved = this.data?.method !== data.method;
    this.data = data;
    this.chosen.clear();
    this.choices += 1;
    this.over = -1;
    this.cross = null;
    if (moved) this.whole();
    this.stamp();
    this.legend();
    this.say("");
    this.draw();
  }

  watch() {
    if (this.watching) return;
    // A change of size or of the theme is a reason to draw anew.
    const again = () => { this.stamp(); this.legend(true); this.draw(); };
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.canvas);
    this.themes = new MutationObserver(again);
    this.themes.observe(document.documentElement, { attributes: true });
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", (this.again = again));
    this.watching = true;
  }

  leave() {
    if (!this.watching) return;
    this.sizes.disconnect();
    this.themes.disconnect();
    this.dark.removeEventListener("change", this.again);
    this.watching = false;
  }

  // -- what is seen ------------------------------------------------------------------------

  stamp() {
    const style = getComputedStyle(this.root);
    this.text = style.getPropertyValue("--st-text-color").trim() || "#333";
    this.ground = style.getPropertyValue("--st-background-color").trim() || "#fff";
    this.accent = style.getPropertyValue("--st-primary-color").trim() || "#24694b";
    const colours = style.getPropertyValue("--st-chart-categorical-colors").split(",").map((c) => c.trim()).filter(Boolean);
    this.stamps = this.data ? this.data.classes.map((_, k) => stampOf(k, colours, this.ground)) : [];
    this.plain = stampOf(-1, [this.text], this.ground);
    this.stamped = (this.stamped ?? 0) + 1;
    this.sizedStamps = null;
  }

  stampFor(k) { return k < 0 ? this.plain : this.stamps[k]; }

  // Where each image lies on the canvas now, in CSS pixels: x, y, x, y, …
  locate() {
    const { width, height } = this.size, n = this.data.x.length;
    const wide = (width - 2 * MARGIN) * this.scale, high = (height - 2 * MARGIN) * this.scale;
    this.spots = new Float32Array(2 * n);
    for (let i = 0; i < n; i += 1) {
      this.spots[2 * i] = width / 2 + (this.data.x[i] / 10000 - this.middle[0]) * wide;
      this.spots[2 * i + 1] = height / 2 + (1 - this.data.y[i] / 10000 - this.middle[1]) * high;
    }
  }

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => { this.asked = 0; this.paint(); });
  }

  paint() {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    if (!box.width || !this.data) return;
    this.size = { width: box.width, height: box.height };
    const [w, h] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) [this.canvas.width, this.canvas.height] = [w, h];
    const { ink } = this;
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.clearRect(0, 0, w, h);
    ink.drawImage(this.dots(w, h, ratio), 0, 0);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.paintTools();
    this.showCard();
  }

  // All dots as one image, kept until the view, the choice or the colours change: a line that
  // is being drawn, or a pointer that passes, moves nothing of it.
  dots(w, h, ratio) {
    const seen = [w, h, ratio, this.scale, ...this.middle, this.choices, this.stamped].join();
    if (this.layer?.seen === seen) return this.layer;
    this.layer ??= document.createElement("canvas");
    Object.assign(this.layer, { width: w, height: h, seen });
    const ink = this.layer.getContext("2d"), n = this.data.x.length, some = this.chosen.size > 0;
    const grown = Math.min(1.6, 1 + Math.log10(this.scale) / 2) * (n > 3000 ? 0.6 : n > 800 ? 0.8 : 1);
    const side = Math.round(SIDE * grown * ratio), stamps = this.sized(side);
    this.locate();
    for (const front of some ? [false, true] : [false]) {
      ink.globalAlpha = some && !front ? 0.28 : 1;
      for (let i = 0; i < n; i += 1) {
        if (some && this.chosen.has(i) !== front) continue;
        // Whole pixels and the final size: nothing has to be resampled.
        const x = Math.round(this.spots[2 * i] * ratio - side / 2);
        const y = Math.round(this.spots[2 * i + 1] * ratio - side / 2);
        if (x > -side && y > -side && x < w && y < h) ink.drawImage(stamps[this.data.c[i] + 1], x, y);
      }
    }
    return this.layer;
  }

  // The stamps in the size that is needed; the first is that of images without a class.
  sized(side) {
    if (this.sizedStamps?.side === side) return this.sizedStamps;
    this.sizedStamps = [this.plain, ...this.stamps].map((stamp) => {
      const small = document.createElement("canvas");
      small.width = small.height = side;
      small.getContext("2d").drawImage(stamp, 0, 0, side, side);
      return small;
    });
    this.sizedStamps.side = side;
    return this.sizedStamps;
  }

  paintTools() {
    const { ink } = this;
    ink.strokeStyle = this.accent;
    ink.lineWidth = 2;
    if (this.line?.length > 1) {
      ink.setLineDash([6, 4]);
      ink.beginPath();
      for (const [x, y] of this.line) ink.lineTo(x, y);
      ink.closePath();
      ink.stroke();
      ink.globalAlpha = 0.1;
      ink.fillStyle = this.accent;
      ink.fill();
      ink.globalAlpha = 1;
      ink.setLineDash([]);
    }
    if (this.over >= 0) {
      ink.beginPath();
      ink.arc(this.spots[2 * this.over], this.spots[2 * this.over + 1], SIDE / 2 + 2, 0, 7);
      ink.stroke();
    }
    if (!this.cross) return;
    const [x, y] = this.cross;
    ink.strokeStyle = this.text;
    ink.beginPath();
    for (const [a, b] of [[12, 0], [0, 12]]) { ink.moveTo(x - a, y - b); ink.lineTo(x + a, y + b); }
    ink.stroke();
    if (this.corner) ink.strokeRect(this.corner[0], this.corner[1], x - this.corner[0], y - this.corner[1]);
  }

  showCard() {
    const card = this.at(".card");
    card.hidden = this.over < 0;
    if (this.over < 0) return;
    const i = this.over, { data } = this;
    const from = data.from + data.images[i];
    if (card.firstElementChild.getAttribute("src") !== from) card.firstElementChild.src = from;
    this.at(".card .name").textContent = data.names[i];
    this.at(".card .label").textContent = this.className(data.c[i]);
    const [x, y] = [this.spots[2 * i], this.spots[2 * i + 1]];
    const left = x + 18 + card.offsetWidth < this.size.width ? x + 18 : x - 18 - card.offsetWidth;
    card.style.left = `${Math.max(4, left)}px`;
    card.style.top = `${Math.max(4, Math.min(y - 30, this.size.height - card.offsetHeight - 4))}px`;
  }

  className(k) { return k < 0 ? "no class" : this.data.classes[k].name; }

  legend(redraw = false) {
    const list = this.at(".legend");
    if (!this.data) return;
    const kinds = this.data.classes.map((_, k) => k);
    if (this.data.c.includes(-1)) kinds.push(-1);
    if (!redraw) list.replaceChildren(...kinds.map((k) => this.entry(k)));
    [...list.querySelectorAll("canvas")].forEach((mark, place) => {
      const ink = mark.getContext("2d");
      ink.clearRect(0, 0, 40, 40);
      ink.drawImage(this.stampFor(kinds[place]), 0, 0, 40, 40);
    });
  }

  entry(k) {
    const entry = document.createElement("li"), button = document.createElement("button");
    const mark = document.createElement("canvas");
    mark.width = mark.height = 40;
    mark.setAttribute("aria-hidden", "true");
    const n = this.data.c.reduce((sum, own) => sum + (own === k), 0);
    button.type = "button";
    button.title = this.className(k);
    for (const [kind, words] of [["name", this.className(k)], ["n", n.toLocaleString()]]) {
      const part = document.createElement(kind === "name" ? "bdi" : "span");
      part.className = kind;
      part.textContent = words;
      button.append(part);
    }
    button.prepend(mark);
    button.setAttribute("aria-label", `Select all of ${this.className(k)}, ${n} images`);
    button.addEventListener("click", (event) => this.choose((i) => this.data.c[i] === k, event.shiftKey));
    entry.append(button);
    return entry;
  }

  say(words) { this.at(".said").textContent = words; }

  // -- what is chosen ----------------------------------------------------------------------

  choose(is, more) {
    this.choices += 1;
    if (!more) this.chosen.clear();
    for (let i = 0; i < this.data.x.length; i += 1) if (is(i)) this.chosen.add(i);
    this.report();
  }

  report() {
    const n = this.chosen.size;
    this.at(".clear").disabled = !n;
    this.say(n ? `${n.toLocaleString()} ${n === 1 ? "image" : "images"} selected.` : "No images selected.");
    this.tell("chosen", { version: this.data.version, places: [...this.chosen].sort((a, b) => a - b) });
    this.draw();
  }

  none() {
    this.line = this.corner = null;
    if (this.chosen.size) this.choose(() => false, false);
    else this.draw();
  }

  nearest([x, y], reach = REACH) {
    let best = -1, least = reach * reach;
    for (let i = 0; i < this.data.x.length; i += 1) {
      const dx = this.spots[2 * i] - x, dy = this.spots[2 * i + 1] - y, far = dx * dx + dy * dy;
      if (far < least) { least = far; best = i; }
    }
    return best;
  }

  inRectangle([x, y], [u, v]) {
    const [left, right, top, bottom] = [Math.min(x, u), Math.max(x, u), Math.min(y, v), Math.max(y, v)];
    return (i) => this.spots[2 * i] >= left && this.spots[2 * i] <= right
      && this.spots[2 * i + 1] >= top && this.spots[2 * i + 1] <= bottom;
  }

  // -- how it is moved ---------------------------------------------------------------------

  whole() { this.scale = 1; this.middle = [0.5, 0.5]; this.draw?.(); }

  zoom(by, at) {
    if (!this.spots) return;
    const [x, y] = at ?? [this.size.width / 2, this.size.height / 2];
    const scale = Math.min(NEAREST, Math.max(FARTHEST, this.scale * by)), { width, height } = this.size;
    // What lies under the pointer stays under it.
    for (const [axis, off, length] of [[0, x - width / 2, width], [1, y - height / 2, height]])
      this.middle[axis] += (off / (length - 2 * MARGIN)) * (1 / this.scale - 1 / scale);
    this.scale = scale;
    if (scale === 1) this.middle = [0.5, 0.5];
    this.draw();
  }

  pan(dx, dy) {
    this.middle[0] -= dx / ((this.size.width - 2 * MARGIN) * this.scale);
    this.middle[1] -= dy / ((this.size.height - 2 * MARGIN) * this.scale);
    this.middle = this.middle.map((m) => Math.min(1.2, Math.max(-0.2, m)));
    this.draw();
  }

  listen() {
    const { canvas } = this;
    const on = (selector, action) => this.at(selector).addEventListener("click", action);
    on(".choose", () => this.use("choose"));
    on(".move", () => this.use("move"));
    on(".nearer", () => this.zoom(1.5));
    on(".farther", () => this.zoom(1 / 1.5));
    on(".whole", () => this.whole());
    on(".clear", () => this.none());
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => { this.over = -1; this.draw(); });
    canvas.addEventListener("wheel", (event) => {
      // The wheel scrolls the page until the map was clicked or Ctrl is held.
      if (!event.ctrlKey && this.root.getRootNode().activeElement !== canvas) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), where(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => { this.cross = this.corner = null; this.over = -1; this.draw(); });
  }

  use(tool) {
    this.tool = tool;
    for (const name of ["choose", "move"]) this.at(`.${name}`).setAttribute("aria-pressed", name === tool);
    this.canvas.classList.toggle("moving", tool === "move");
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, where(event));
    this.cross = this.corner = null;
    this.over = -1;
    this.line = this.fingers.size === 1 && this.tool !== "move" && event.button === 0 ? [where(event)] : null;
    this.draw();
  }

  moved(event) {
    if (!this.data || !this.spots) return;
    const before = this.fingers.get(event.pointerId), now = where(event);
    if (!before) {
      const over = this.nearest(now);
      if (over !== this.over) { this.over = over; this.draw(); }
      return;
    }
    if (this.fingers.size === 2) this.pinch(event.pointerId, before, now);
    else if (this.line) this.line.push(now);
    else this.pan(now[0] - before[0], now[1] - before[1]);
    this.fingers.set(event.pointerId, now);
    this.draw();
  }

  pinch(id, before, now) {
    const [other] = [...this.fingers].filter(([each]) => each !== id).map(([, at]) => at);
    const far = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    this.zoom(far(now) / far(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  up(event) {
    this.fingers.delete(event.pointerId);
    const { line } = this;
    this.line = null;
    if (!line || event.type === "pointercancel") return this.draw();
    if (line.length < 4) {
      const one = this.nearest(line[0]);
      if (one >= 0) this.choose((i) => i === one, event.shiftKey);
      return this.draw();
    }
    this.choose((i) => inside(this.spots[2 * i], this.spots[2 * i + 1], line), event.shiftKey);
  }

  key(event) {
    if (!this.spots) return; // nothing is painted yet
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { width, height } = this.size, step = steps[event.key];
    if (step) {
      const by = event.shiftKey ? 40 : 10, [x, y] = this.cross ?? [width / 2, height / 2];
      const to = [x + by * step[0], y + by * step[1]];
      this.cross = [Math.min(width, Math.max(0, to[0])), Math.min(height, Math.max(0, to[1]))];
      if (this.scale > 1) this.pan(this.cross[0] - to[0], this.cross[1] - to[1]);
      const over = this.nearest(this.cross);
      if (over !== this.over && over >= 0) this.say(`${this.data.names[over]}, ${this.className(this.data.c[over])}`);
      this.over = over;
      this.draw();
    } else if (event.key === "Enter") this.mark(event.shiftKey);
    else if (event.key === "+" || event.key === "=") this.zoom(1.3, this.cross ?? undefined);
    else if (event.key === "-") this.zoom(1 / 1.3, this.cross ?? undefined);
    else if (event.key === "0") this.whole();
    else if (event.key === "Escape") this.none();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  mark(more) {
    this.cross ??= [this.size.width / 2, this.size.height / 2];
    if (!this.corner) {
      this.corner = this.cross;
      this.say("Rectangle started. Move the cross and press Enter to finish it.");
      return this.draw();
    }
    const is = this.inRectangle(this.corner, this.cross);
    this.corner = null;
    this.choose(is, more);
  }
}

function where(event) {
  const box = event.currentTarget.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// Whether a point lies inside a closed line: how often a ray from it crosses the line.
function inside(x, y, line) {
  let is = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i, i += 1) {
    const [a, b] = line[i], [c, d] = line[j];
    if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) is = !is;
  }
  return is;
}

// The mark of class k by numbers. So many colours and seven shapes have no common divisor: all their
// pairs are used, and then again as outlines, before any mark comes back.
export function markOf(k, colours) {
  return { colour: k % colours, shape: SHAPES[k % SHAPES.length], hollow: Math.floor(k / (colours * SHAPES.length)) % 2 === 1 };
}

// It as an image; that of images without a class, -1, is a ring.
function stampOf(k, colours, ground) {
  const stamp = document.createElement("canvas"), ink = stamp.getContext("2d"), c = 22, r = 14;
  stamp.width = stamp.height = 2 * c;
  const mark = k < 0 ? { colour: 0, shape: "ring", hollow: true } : markOf(k, Math.max(1, colours.length));
  const { shape, hollow } = mark, colour = colours[mark.colour] || "#777";
  const paths = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    triangle: [[0, -1.2], [1.15, 0.9], [-1.15, 0.9]],
    diamond: [[0, -1.3], [1.05, 0], [0, 1.3], [-1.05, 0]],
    flag: [[-1.15, -0.9], [1.15, -0.9], [0, 1.2]],
    star: [...Array(10).keys()].map((n) => [Math.sin((n * Math.PI) / 5), -Math.cos((n * Math.PI) / 5)].map((at) => at * (n % 2 ? 0.6 : 1.4))),
    cross: [[-.4, -1.1], [.4, -1.1], [.4, -.4], [1.1, -.4], [1.1, .4], [.4, .4], [.4, 1.1], [-.4, 1.1], [-.4, .4], [-1.1, .4], [-1.1, -.4], [-.4, -.4]],
  };
  ink.beginPath();
  if (paths[shape]) for (const [x, y] of paths[shape]) ink.lineTo(c + r * x * 0.86, c + r * y * 0.86);
  else ink.arc(c, c, shape === "ring" ? r * 0.62 : r * 0.95, 0, 7);
  ink.closePath();
  ink.lineWidth = hollow ? 4 : 3;
  ink.strokeStyle = hollow ? colour : ground;
  ink.stroke();
  if (hollow) return stamp;
  ink.fillStyle = colour;
  ink.fill();
  return stamp;
}

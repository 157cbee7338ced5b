// What the model says while the camera looks: a frame goes to the server's own route, and the next
// one only when its answer has come.
const SHOWN = 8, MOST_KEPT = 50, LONGEST_NAME = 60;
const SAY_MS = 2000, AGAIN_MS = 1000, BETWEEN_MS = 50;

export default function (component) {
  const root = component.parentElement.querySelector(".live");
  if (!root.live) root.live = new Live(root);
  root.live.update(component);
  // Called between two runs of the page's script as well, when it is still there.
  return () => setTimeout(() => root.isConnected || root.live.turnOff(), 500);
}

class Live extends CameraPart {
  constructor(root) {
    super(root);
    this.kept = [];
    const on = (selector, action) => this.at(selector).addEventListener("click", action);
    on(".turn-off", () => this.turnOff(true));
    on(".freeze", () => this.freeze(!this.frozen));
    on(".keep", () => this.keep());
    on(".ask", () => this.ask());
    window.addEventListener("pagehide", () => this.end());
  }

  // Called again after every run of the page's script.
  update({ data, setStateValue }) {
    this.tell = setStateValue;
    const { run, upload } = this.data ?? data;
    this.data = data;
    if (upload !== data.upload) this.forgetKept();
    if (run !== data.run) this.end(); // the loop begins anew, with the other model
  }

  // -- the camera --------------------------------------------------------------------------

  async turnOn(device) {
    if (!(await this.openCamera(device))) return;
    this.freeze(false);
    if (!device) this.at(".freeze").focus();
    this.look(this.stream);
  }

  turnOff(byHand = false) {
    this.closeCamera();
    this.end();
    this.shown = null;
    this.at(".keep").disabled = true;
    this.at(".bars").replaceChildren();
    this.at(".label").textContent = "…";
    for (const part of [".sure", ".lines", ".more", ".waiting"]) this.at(part).textContent = "";
    if (byHand) this.at(".turn-on").focus();
  }

  freeze(frozen) {
    this.frozen = frozen;
    this.at(".freeze").setAttribute("aria-pressed", String(frozen));
    const video = this.at("video");
    if (frozen) video.pause();
    else video.play().catch(() => {});
  }

  // -- frame by frame ----------------------------------------------------------------------

  async look(stream) {
    while (this.stream === stream) {
      if (this.frozen || document.hidden || !this.at("video").videoWidth) await pause(100);
      else await this.once(stream).catch(() => this.lost());
      await pause(BETWEEN_MS);
    }
  }

  async once(stream) {
    if (!this.job) await this.begin();
    const job = this.job;
    if (!job || this.stream !== stream) return;
    const canvas = this.grab();
    const frame = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    const answer = await fetch(`${this.data.graft}/live/${job}`, { method: "PUT", body: frame });
    const said = await answer.json();
    if (this.stream !== stream || this.job !== job || this.frozen) return;
    this.at(".waiting").textContent = said.waiting ?? "";
    if (said.ended) this.job = null;
    else if (answer.status === 200) this.show(said, { frame, canvas });
    else if (answer.status !== 202) await this.refused(answer.status, said.error);
  }

  async begin() {
    const run = this.data.run;
    if (!this.shown) this.at(".waiting").textContent = "Getting the model ready …";
    const answer = await fetch(`${this.data.graft}/live/${run}`, { method: "POST" });
    const said = await answer.json();
    if (!answer.ok) return this.refused(answer.status, said.error);
    this.job = said.job;
    if (!this.stream || run !== this.data.run) this.end(); // left meanwhile
  }

  async refused(status, sentence) {
    if (status === 429) return pause(BETWEEN_MS);
    if (status === 404 && this.job) this.job = null;
    else if (status === 404 || status === 409) this.turnOff();
    this.fault(sentence);
    return pause(AGAIN_MS);
  }

  async lost() {
    this.fault("Graft does not answer. It goes on as soon as it does.");
    await pause(AGAIN_MS);
  }

  end() {
    const job = this.job;
    this.job = null;
    if (job) fetch(`${this.data.graft}/live/${job}`, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  grab() {
    const video = this.at("video"), canvas = document.createElement("canvas");
    const scale = Math.min(1, WIDEST / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  // -- what it says ------------------------------------------------------------------------

  show(answer, shot) {
    this.shown = shot;
    this.fault("");
    this.at(".keep").disabled = this.kept.length >= MOST_KEPT;
    const unknown = answer.ood === true, first = answer.probabilities;
    this.at(".label").textContent = unknown ? "Unknown" : plain(answer.label);
    this.at(".sure").textContent = unknown ? "" : percent(first[answer.label]);
    this.at(".lines").textContent = lines(answer).join(" · ");
    this.at(".bars").classList.toggle("unknown", unknown);
    this.draw(first, unknown ? [] : answer.prediction_set ?? [answer.label]);
    this.say(unknown ? "Unknown" : plain(answer.label));
  }

  // Few classes keep their places, so that the eye can rest on one; of many, the likeliest.
  draw(probabilities, inside) {
    const all = Object.entries(probabilities);
    const shown = all.length <= SHOWN ? all : all.sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
    const list = this.at(".bars");
    while (list.children.length > shown.length) list.lastElementChild.remove();
    while (list.children.length < shown.length) list.append(row());
    shown.forEach(([name, share], n) => {
      const [label, number, bar] = list.children[n].children, words = plain(name);
      list.children[n].classList.toggle("inside", inside.includes(name));
      label.textContent = label.title = words;
      number.textContent = percent(share);
      bar.setAttribute("aria-label", words);
      bar.setAttribute("aria-valuenow", Math.round(100 * share));
      bar.setAttribute("aria-valuetext", percent(share));
      bar.firstElementChild.style.width = `${100 * share}%`;
    });
    const more = all.length - shown.length;
    this.at(".more").textContent = more > 0 ? `and ${more.toLocaleString()} more` : "";
  }

  // Aloud only another answer than the last, and not more than one every two seconds.
  say(words) {
    const now = Date.now();
    if (words === this.said || now - (this.saidAt ?? 0) < SAY_MS) return;
    this.said = words;
    this.saidAt = now;
    this.at(".said").textContent = words;
  }

  fault(words) {
    if (this.at(".fault").textContent !== words) this.at(".fault").textContent = words;
  }

  // -- frames that are kept ----------------------------------------------------------------

  keep() {
    const shot = this.shown;
    if (!shot || this.kept.includes(shot) || this.kept.length >= MOST_KEPT) return;
    this.kept.push(shot);
    this.numbered = (this.numbered ?? 0) + 1;
    shot.name = `camera ${this.numbered}.jpg`;
    const button = document.createElement("button"), small = document.createElement("canvas");
    small.width = 116;
    small.height = Math.max(1, Math.round((116 * shot.canvas.height) / shot.canvas.width));
    small.getContext("2d").drawImage(shot.canvas, 0, 0, small.width, small.height);
    button.type = "button";
    button.title = "Delete this image";
    button.setAttribute("aria-label", `Delete ${shot.name}`);
    button.append(small);
    button.addEventListener("click", () => {
      if (this.asking) return;
      this.kept.splice(this.kept.indexOf(shot), 1);
      button.remove();
      this.showKept();
    });
    this.at(".shots").append(button);
    this.showKept();
  }

  showKept() {
    const n = this.kept.length;
    this.at(".kept").hidden = !n;
    this.at(".ask").disabled = Boolean(this.asking);
    this.at(".ask").textContent = n === 1 ? "Add this image to the answers" : `Add these ${n} images to the answers`;
  }

  forgetKept() {
    this.kept = [];
    this.asking = false;
    this.at(".shots").replaceChildren();
    this.showKept();
  }

  async ask() {
    const { upload } = this.data;
    this.asking = true;
    this.showKept();
    try {
      for (const [n, { frame, name }] of this.kept.entries()) {
        const headers = { "X-Graft-Name": encodeURIComponent(name) };
        const answer = await fetch(`${this.data.graft}/upload/${upload}/${n}`, { method: "PUT", body: frame, headers });
        if (!answer.ok) throw new Error((await answer.json()).error);
      }
      this.tell("arrived", { upload, files: this.kept.length });
    } catch (error) {
      this.fault(error.message);
      this.asking = false;
      this.showKept();
    }
  }
}

function row() {
  const made = document.createElement("li"), bar = document.createElement("div");
  const number = document.createElement("span");
  number.className = "n";
  bar.className = "bar";
  for (const [name, value] of [["role", "meter"], ["aria-valuemin", 0], ["aria-valuemax", 100]]) {
    bar.setAttribute(name, value);
  }
  bar.append(document.createElement("i"));
  made.append(document.createElement("bdi"), number, bar);
  return made;
}

// As in pages/sections/use/answers.py: what else it might be, and the answers to further questions.
function lines(answer) {
  const others = (answer.prediction_set ?? []).filter((name) => name !== answer.label);
  const told = [];
  if (answer.ood === true) told.push(`If it is one of your classes after all: ${plain(answer.label)}`);
  else if (others.length) told.push(`or ${others.slice(0, 4).map(plain).join(", ")}`);
  for (const [task, { label, probabilities }] of Object.entries(answer.tasks ?? {}).slice(0, 8)) {
    told.push(`${plain(task)}: ${plain(label)} ${percent(probabilities[label])}`);
  }
  return told;
}

// Never "100 %" for what is not certain.
function percent(share) {
  if (share > 0.99) return "over 99 %";
  return share < 0.01 ? "under 1 %" : `${Math.round(100 * share)} %`;
}

// A name from outside on one line, without what cannot be seen.
function plain(name) {
  const one = String(name).replace(/\s+/gu, " ").replace(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, "").trim();
  return !one ? "(no name)" : one.length <= LONGEST_NAME ? one : `${one.slice(0, LONGEST_NAME - 1)}…`;
}

function pause(ms) { return new Promise((done) => setTimeout(done, ms)); }

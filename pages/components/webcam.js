// Images from the camera, class by class: hold a button, and several a second are taken.
// They stay in the browser until they are added; then each goes to the server's own route.
const AT_ONCE = 3, TRIES = 4, AT_FIRST = 2, OFFERED = 8;

export default function (component) {
  const root = component.parentElement.querySelector(".webcam");
  if (!root.webcam) root.webcam = new Webcam(root);
  root.webcam.update(component);
  // Called between two runs of the page's script as well, when it is still there.
  return () => setTimeout(() => root.isConnected || root.webcam.turnOff(), 500);
}

class Webcam extends CameraPart {
  constructor(root) {
    super(root);
    this.classes = [];
    const on = (selector, action) => this.at(selector).addEventListener("click", action);
    on(".turn-off", () => this.turnOff());
    on(".another", () => this.addClass("").input.focus());
    on(".add", () => this.send());
    window.addEventListener("beforeunload", (event) => {
      if (root.isConnected && this.count()) event.preventDefault();
    });
    window.addEventListener("blur", () => this.halt());
  }

  // Called again after every run of the page's script.
  update({ data, setStateValue }) {
    this.tell = setStateValue; // a trigger would be lost if the page ran anew at this very moment
    const another = this.data?.upload !== data.upload;
    this.data = data;
    if (another) this.reset();
  }

  reset() {
    this.classes = [];
    this.at(".classes").replaceChildren();
    for (const name of this.data.classes.slice(0, OFFERED)) this.addClass(name);
    while (this.classes.length < AT_FIRST) this.addClass("");
    this.sending = false;
    this.at(".bar").hidden = true;
    this.show();
  }

  count() { return this.classes.reduce((sum, each) => sum + each.shots.length, 0); }

  fault(words) { this.at(".off .fault").textContent = words; }

  say(words) { this.at(".said").textContent = words; }

  // -- the camera --------------------------------------------------------------------------

  async turnOn(device) {
    if (!(await this.openCamera(device))) return;
    this.show();
    const first = this.classes.find((each) => !each.input.value);
    if (!device) (first?.input ?? this.classes[0].hold).focus();
  }

  turnOff() {
    this.halt();
    this.closeCamera();
    this.show();
  }

  // -- the classes -------------------------------------------------------------------------

  addClass(name) {
    const each = { shots: [], row: document.createElement("li") };
    const part = (tag, kind, words) => {
      const made = document.createElement(tag);
      made.className = kind;
      if (words) made.textContent = words;
      return made;
    };
    each.input = part("input", "name");
    each.input.value = name;
    each.input.maxLength = 100;
    each.input.placeholder = "Name of the class";
    each.input.setAttribute("aria-label", `Name of class ${this.classes.length + 1}`);
    each.hold = part("button", "hold main", "Hold to record");
    each.hold.type = "button";
    each.n = part("span", "n");
    each.list = part("div", "shots");
    const line = part("div", "line");
    line.append(each.input, each.hold, each.n);
    each.row.append(line, each.list);
    this.at(".classes").append(each.row);
    this.classes.push(each);
    each.input.addEventListener("input", () => this.show());
    this.listen(each);
    this.show();
    return each;
  }

  listen(each) {
    const { hold } = each, begin = () => this.begin(each), end = () => this.halt();
    hold.addEventListener("pointerdown", (event) => { hold.setPointerCapture(event.pointerId); begin(); });
    for (const name of ["pointerup", "pointercancel", "blur"]) hold.addEventListener(name, end);
    hold.addEventListener("contextmenu", (event) => event.preventDefault());
    hold.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      if (event.repeat) return;
      // Space records while it is held; Enter begins and ends, for those who cannot hold a key.
      if (event.key === "Enter" && this.live === each) end();
      else begin();
    });
    hold.addEventListener("keyup", (event) => event.key === " " && end());
  }

  begin(each) {
    if (!this.stream || !each.input.value.trim() || this.sending) return;
    this.halt();
    this.live = each;
    this.started = stamp(new Date());
    each.hold.classList.add("live");
    each.hold.textContent = "Recording …";
    this.at(".seen").classList.add("live");
    this.shoot();
    this.clock = setInterval(() => this.shoot(), 1000 / Number(this.at(".rate").value));
  }

  halt() {
    const { live } = this;
    if (!live) return;
    clearInterval(this.clock);
    this.live = null;
    live.hold.classList.remove("live");
    live.hold.textContent = "Hold to record";
    this.at(".seen").classList.remove("live");
    this.say(`${live.shots.length} images in ${live.input.value}.`);
  }

  shoot() {
    const each = this.live, video = this.at("video");
    if (!each || !video.videoWidth) return;
    if (this.count() >= this.data.most) return this.halt();
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const shot = { name: `${this.started}-${String(each.shots.length + 1).padStart(3, "0")}.jpg` };
    each.shots.push(shot);
    this.draw(each, shot, canvas);
    // Kept as a file, not as pixels: a few thousand of them fit into the memory of a phone. It
    // comes later, perhaps after the button that sends it was pressed.
    shot.file = new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    this.show();
  }

  draw(each, shot, from) {
    const button = document.createElement("button"), small = document.createElement("canvas");
    small.width = 116;
    small.height = Math.max(1, Math.round((116 * from.height) / from.width));
    small.getContext("2d").drawImage(from, 0, 0, small.width, small.height);
    button.type = "button";
    button.setAttribute("aria-label", `Delete image ${shot.name}`);
    button.title = "Delete this image";
    button.append(small);
    button.addEventListener("click", () => {
      if (this.sending || shot.sent) return;
      each.shots.splice(each.shots.indexOf(shot), 1);
      (button.nextElementSibling ?? button.previousElementSibling ?? each.hold).focus();
      button.remove();
      this.show();
    });
    each.list.append(button);
    each.list.scrollTop = each.list.scrollHeight;
  }

  show() {
    for (const each of this.classes) {
      const n = each.shots.length;
      each.n.textContent = n === 1 ? "1 image" : `${n.toLocaleString()} images`;
      each.hold.disabled = !each.input.value.trim() || this.sending;
      each.hold.setAttribute("aria-label", `Hold to record images of ${each.input.value.trim() || "this class"}`);
    }
    const n = this.count(), nameless = this.classes.some((each) => each.shots.length && !folder(each));
    this.at(".end").hidden = !n;
    this.at(".add").disabled = !n || nameless || this.sending;
    this.at(".add").textContent = n === 1 ? "Add this image" : `Add these ${n.toLocaleString()} images`;
  }

  // -- to the server -----------------------------------------------------------------------

  async send() {
    this.halt();
    this.sending = true;
    this.show();
    this.at(".end .fault").textContent = "";
    this.at(".bar").hidden = false;
    const shots = this.classes.flatMap((each) =>
      each.shots.map((shot) => ({ shot, name: `${folder(each)}/${shot.name}` })));
    // The number is the shot's own, so that sending again sends nothing twice.
    shots.forEach((one) => { one.shot.number ??= this.numbered = (this.numbered ?? -1) + 1; });
    const waiting = shots.filter((one) => !one.shot.sent);
    let done = shots.length - waiting.length;
    const sender = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        await this.put(one);
        done += 1;
        const percent = Math.floor((100 * done) / shots.length);
        this.at(".fill").style.width = `${percent}%`;
        this.at(".bar").setAttribute("aria-valuenow", percent);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, sender));
    } catch (error) {
      waiting.length = 0;
      this.sending = false;
      this.at(".end .fault").textContent = `${error.message} Press the button to send the rest.`;
      return this.show();
    }
    for (const each of this.classes) each.shots = [];
    this.turnOff();
    this.tell("arrived", { upload: this.data.upload, files: shots.length });
  }

  async put({ shot, name }) {
    const body = await shot.file;
    for (let tries = 1; ; tries += 1) {
      const sent = await fetch(`${this.data.graft}/upload/${this.data.upload}/${shot.number}`, {
        method: "PUT", headers: { "X-Graft-Name": encodeURIComponent(name.toWellFormed?.() ?? name) }, body,
      }).catch(() => null);
      if (sent?.ok) { shot.sent = true; return; }
      if (sent && sent.status < 500) throw new Error((await sent.json().catch(() => ({}))).error ?? `The server refused an image (${sent.status}).`);
      if (tries === TRIES) throw new Error("The connection was lost.");
      await new Promise((later) => setTimeout(later, 500 * 2 ** tries));
    }
  }
}

// A class name is one folder of the path: what would part it is replaced.
function folder(each) { return each.input.value.trim().replace(/[/\\]/g, "-").replace(/^\.+/, ""); }

function stamp(now) {
  const two = (n) => String(n).padStart(2, "0");
  return `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

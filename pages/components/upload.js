// Streams each file by itself to the server's own route. No file is ever held in memory whole.
const AT_ONCE = 3, TRIES = 4, ROWS = 300;

export default function (component) {
  const root = component.parentElement.querySelector(".drop");
  if (!root.upload) root.upload = new Upload(root);
  root.upload.update(component);
}

class Upload {
  constructor(root) {
    this.root = root;
    this.at = (selector) => root.querySelector(selector);
    this.reset();
    this.listen();
  }

  // Called again after every run of the page's script.
  update({ data, setStateValue }) {
    this.tell = setStateValue; // a trigger would be lost if the page ran anew at this very moment
    if (this.data && this.data.upload !== data.upload) this.reset();
    this.data = data;
    this.at(".headline").textContent = data.headline;
    this.at(".hint").textContent = data.hint;
    this.at(".pick-files").textContent = data.button;
    this.at(".pick-folder").hidden = !data.folders;
    this.at(".files").accept = data.accept;
  }

  reset() {
    this.items = [];
    this.active = new Set();
    this.reported = false;
    this.at(".list").replaceChildren();
    this.at(".sending").hidden = true;
    this.at(".failed").hidden = true;
    this.at(".ask").hidden = false;
  }

  listen() {
    const on = (selector, event, action) => this.at(selector).addEventListener(event, action);
    on(".pick-files", "click", () => this.at(".files").click());
    on(".pick-folder", "click", () => this.at(".folder").click());
    for (const input of [".files", ".folder"])
      on(input, "change", (event) => {
        const chosen = [...event.target.files];
        this.add(chosen.map((file) => ({ file, name: file.webkitRelativePath || file.name })));
        event.target.value = "";
      });
    on(".cancel", "click", () => this.cancel());
    on(".again", "click", () => this.again());
    on(".without", "click", () => this.report());
    const over = (is) => (event) => {
      event.preventDefault();
      this.root.classList.toggle("over", is);
    };
    this.root.addEventListener("dragover", over(true));
    this.root.addEventListener("dragleave", over(false));
    this.root.addEventListener("drop", async (event) => {
      over(false)(event);
      this.add(await dropped(event.dataTransfer));
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.root.isConnected && this.unfinished().length) event.preventDefault();
    });
  }

  add(files) {
    if (!files.length) return;
    this.reported = false;
    for (const { file, name } of files) {
      const item = { n: this.items.length, file, name, sent: 0, tries: 0, state: "waiting" };
      this.items.push(item);
      this.draw(item);
      if (item.n >= this.data.maxFiles) this.fail(item, "too many files");
      else if (file.size > this.data.maxBytes) this.fail(item, "too large");
    }
    this.at(".ask").hidden = true;
    this.at(".sending").hidden = false;
    this.say(`Sending ${this.items.length} files.`);
    this.go();
  }

  unfinished() { return this.items.filter((i) => i.state === "waiting" || i.state === "sending"); }

  go() {
    for (const item of this.items) {
      if (this.active.size >= AT_ONCE) break;
      if (item.state === "waiting" && !item.later) this.send(item);
    }
    this.show();
    if (!this.unfinished().length) this.ended();
  }

  send(item) {
    const request = new XMLHttpRequest();
    item.request = request;
    item.state = "sending";
    item.tries += 1;
    this.active.add(item);
    request.open("PUT", `${this.data.graft}/upload/${this.data.upload}/${item.n}`);
    request.setRequestHeader("X-Graft-Name", encoded(item.name));
    request.upload.onprogress = (event) => {
      if (!this.root.isConnected) request.abort();
      item.sent = event.loaded;
      this.draw(item);
      this.show();
    };
    request.onload = () => {
      this.active.delete(item);
      if (request.status === 200) {
        item.state = "done";
        item.sent = item.file.size;
        this.draw(item);
      } else this.fail(item, refusal(request));
      this.go();
    };
    request.onerror = () => {
      this.active.delete(item);
      this.lost(item);
      this.go();
    };
    request.send(item.file);
  }

  // The connection dropped: try again a few times, each time after a longer pause.
  lost(item) {
    item.sent = 0;
    if (item.tries >= TRIES) return this.fail(item, "connection lost");
    item.state = "waiting";
    item.later = true;
    this.draw(item);
    setTimeout(() => { item.later = false; this.go(); }, 500 * 2 ** item.tries);
  }

  fail(item, why) {
    item.state = "failed";
    item.why = why;
    this.draw(item);
  }

  again() {
    this.at(".failed").hidden = true;
    for (const item of this.items.filter((i) => i.state === "failed"))
      Object.assign(item, { state: "waiting", tries: 0, sent: 0, why: "" });
    this.go();
  }

  cancel() {
    const { active } = this;
    this.reset();
    for (const item of active) { item.request.onload = item.request.onerror = null; item.request.abort(); }
    this.say("Cancelled. Nothing was added.");
    this.tell("cancelled", Date.now());
  }

  ended() {
    const failed = this.items.filter((i) => i.state === "failed");
    if (!failed.length) return this.report();
    const reasons = [...new Set(failed.map((i) => i.why))].join("; ");
    this.at(".failed").hidden = false;
    this.at(".why").textContent = `${failed.length} of ${this.items.length} files could not be sent: ${reasons}`;
    this.at(".without").hidden = failed.length === this.items.length;
    this.say(this.at(".why").textContent);
  }

  report() {
    const done = this.items.filter((i) => i.state === "done").length;
    if (this.reported || !done) return;
    this.reported = true;
    this.say(`All ${done} files were sent.`);
    this.tell("arrived", { upload: this.data.upload, files: done });
  }

  show() {
    const all = this.items.reduce((sum, i) => sum + i.file.size, 0) || 1;
    const sent = this.items.reduce((sum, i) => sum + Math.min(i.sent, i.file.size), 0);
    const done = this.items.filter((i) => i.state === "done").length;
    const percent = Math.floor((100 * sent) / all);
    const size = all > 1e6 ? `${(sent / 1e6).toFixed(0)} of ${(all / 1e6).toFixed(0)} MB` : "";
    this.at(".sum").textContent = `${done} of ${this.items.length} files sent` + (size && ` · ${size}`);
    this.at(".fill").style.width = `${percent}%`;
    this.at(".bar").setAttribute("aria-valuenow", percent);
  }

  draw(item) {
    if (item.n >= ROWS) return;
    if (!item.row) {
      item.row = document.createElement("li");
      for (const [tag, name] of [["span", "name"], ["progress", ""], ["span", "state"]]) {
        const part = document.createElement(tag);
        part.className = name;
        item.row.append(part);
      }
      item.row.children[1].max = 1;
      item.row.children[1].setAttribute("aria-label", item.name);
      item.row.children[0].textContent = item.row.title = item.name;
      this.at(".list").append(item.row);
    }
    const words = { waiting: item.later ? "trying again" : "waiting", sending: "sending", done: "sent", failed: item.why };
    item.row.children[1].value = item.state === "done" ? 1 : item.sent / (item.file.size || 1);
    item.row.children[2].textContent = words[item.state];
    item.row.classList.toggle("bad", item.state === "failed");
  }

  say(text) { this.at(".said").textContent = text; }
}

function encoded(name) {
  try { return encodeURIComponent(name); }
  catch { return encodeURIComponent(name.replace(/[\ud800-\udfff]/g, "\ufffd")); }
}

function refusal(request) {
  try { return JSON.parse(request.responseText).error; }
  catch { return `refused (${request.status})`; }
}

// Files and whole folders out of a drop, each with its path below what was dropped.
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((ok, bad) => entry.file(ok, bad)).catch(() => null);
    if (file) found.push({ file, name: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A reader hands out at most 100 entries at a time.
    const some = await new Promise((ok, bad) => reader.readEntries(ok, bad)).catch(() => []);
    if (!some.length) return;
    for (const child of some) await walk(child, found);
  }
}

/* The page: what is brought is answered one by one, and nothing leaves it. */

const state = (name) => (document.documentElement.dataset.state = name);
const queue = [];
let asked = 0, done = 0, number = 0, working = false;

async function start() {
  state("starting");
  try {
    await model;
    $("state").textContent = "Ready";
    state("ready");
  } catch (error) {
    state("failed");
    $("state").textContent = "";
    $("fault").textContent = `This browser cannot run the model. Open this file in a current Chrome, Edge, Firefox or Safari. (${error.message ?? error})`;
  }
}

function ask(files) {
  const room = Math.max(0, MOST_FILES - answers.length - queue.length);
  const taken = files.slice(0, room);
  $("note").textContent = taken.length < files.length
    ? `Only ${taken.length.toLocaleString("en")} of ${counted(files.length, "file")} taken: the most at a time are ${MOST_FILES.toLocaleString("en")}. Clear the answers, then bring the rest.`
    : files.length ? "" : "There is no image in what you brought.";
  queue.push(...taken);
  asked += taken.length;
  if (!working && queue.length) work();
}

async function work() {
  working = true;
  state("busy");
  $("working").hidden = false;
  try {
    await model;
    while (queue.length) {
      showProgress();
      const answer = await answerTo(queue.shift(), number++);
      done++;
      addAnswer(answer);
      await nextFrameOrHidden();
    }
    $("state").textContent = counted(answers.length, "answer"); // for who does not see them
  } catch {
    queue.length = 0; // the sentence stands there already: the model cannot be run
  }
  if (document.activeElement === $("stop")) $("choose").focus(); // what goes takes no focus along
  $("working").hidden = true;
  asked = done = 0;
  working = false;
  state("ready");
}

async function answerTo({ file, name }, number) {
  try {
    const { image, thumbnail } = await decoded(file, ABOUT.side);
    const answer = await answerFor(image);
    return { number, name, thumbnail: thumbnail && URL.createObjectURL(thumbnail), ...answer };
  } catch (error) {
    const words = "The browser could not read this image: save it smaller, as JPEG or PNG.";
    return { number, name, confidence: 0, error: error instanceof Refused ? error.message : words };
  }
}

/* Lets the page be drawn; a page in the background is not, and goes on all the same. */
function nextFrameOrHidden() {
  return document.hidden ? new Promise((done) => setTimeout(done)) : nextFrame();
}

function showProgress() {
  const bar = $("bar");
  bar.firstElementChild.style.width = `${(100 * done) / asked}%`;
  bar.setAttribute("aria-valuenow", String(Math.round((100 * done) / asked)));
  $("progress").textContent = `Image ${(done + 1).toLocaleString("en")} of ${asked.toLocaleString("en")}`;
}

function clearAll() {
  queue.length = 0;
  for (const each of answers) if (each.thumbnail) URL.revokeObjectURL(each.thumbnail);
  answers.length = 0;
  chosen = null;
  shown = AT_ONCE;
  showAll();
  $("note").textContent = "";
  $("state").textContent = "Ready";
  $("choose").focus();
}

/* -- what is pressed, dropped and pasted -- */

const on = (id, event, action) => $(id).addEventListener(event, action);
for (const [button, input] of [["choose", "files"], ["choose-folder", "folder"]]) {
  on(button, "click", () => $(input).click());
  on(input, "change", () => {
    ask(chosenFiles($(input).files));
    $(input).value = "";
  });
}
on("camera-on", "click", () => turnOnCamera());
on("camera-off", "click", turnOffCamera);
on("devices", "change", () => turnOnCamera($("devices").value));
on("keep", "click", keepFrame);
on("stop", "click", () => (queue.length = 0));
on("clear", "click", clearAll);
on("csv", "click", () => save("answers.csv", csv()));
on("more", "click", () => {
  const at = shown;
  shown += AT_ONCE;
  showAll();
  $("rows").children[at]?.querySelector("summary")?.focus();
});
$("choose-folder").hidden = !("webkitdirectory" in $("folder")) || matchMedia("(pointer: coarse)").matches;

/* Styles in the markup are forbidden here, so the scores are drawn by hand. */
for (const range of document.querySelectorAll(".range")) {
  const { low, high, score, base } = range.dataset, at = (kind) => range.querySelector(kind)?.style ?? {};
  Object.assign(at(".band"), { left: `${low}%`, width: `${high - low}%` });
  at(".tick").left = at(".at-base").left = `${base}%`;
  at(".dot").left = `${score}%`;
}

let over = 0;
const highlight = (n) => $("drop").classList.toggle("over", (over = Math.max(0, n)) > 0);
addEventListener("dragenter", () => highlight(over + 1));
addEventListener("dragleave", () => highlight(over - 1));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  event.preventDefault();
  highlight(0);
  ask(await droppedFiles(event.dataTransfer));
});
addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) ask(chosenFiles(event.clipboardData.files));
});
start();

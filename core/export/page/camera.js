/* The live camera: bars that move, and images that are kept among the answers. */

const camera = { stream: null, kept: 0 };

function refusal(error) {
  const why = {
    NotAllowedError: "The camera is not allowed here. Allow it in the browser's settings for this page, then try again.",
    NotFoundError: "No camera was found. Connect one, or choose images instead.",
    NotReadableError: "Another program is using the camera. Close it, then try again.",
  };
  return why[error.name] ?? "The browser does not lend its camera to this page. Save the page as a file and open that, or choose images instead: a phone then offers to take one.";
}

async function turnOnCamera(device) {
  const fault = $("camera-fault");
  fault.textContent = "";
  if (!navigator.mediaDevices?.getUserMedia) {
    fault.textContent = refusal({});
    return;
  }
  stopStream();
  const video = { width: { ideal: 640 } };
  if (device) video.deviceId = { exact: device };
  else video.facingMode = { ideal: "environment" };
  try {
    camera.stream = await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    fault.textContent = refusal(error);
    return turnOffCamera();
  }
  $("video").srcObject = camera.stream;
  await $("video").play().catch(() => {});
  await offerCameras();
  $("camera").hidden = false;
  if (!device) $("keep").focus();
  watchCamera(camera.stream);
}

async function offerCameras() {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const cameras = all.filter((each) => each.kind === "videoinput");
  const used = camera.stream?.getVideoTracks()[0]?.getSettings().deviceId;
  const options = cameras.map((each, n) => {
    const isUsed = each.deviceId === used;
    return new Option(each.label || `Camera ${n + 1}`, each.deviceId, isUsed, isUsed);
  });
  $("devices").replaceChildren(...options);
  $("which").hidden = cameras.length < 2;
}

function stopStream() {
  camera.stream?.getTracks().forEach((track) => track.stop());
  camera.stream = null;
}

function turnOffCamera() {
  stopStream();
  if (!$("camera").hidden) $("camera-on").focus();
  $("camera").hidden = true;
}

async function watchCamera(stream) {
  const video = $("video");
  while (camera.stream === stream) {
    await nextFrame();
    if (!video.videoWidth || camera.stream !== stream) continue;
    const image = shrunk(pixelsOf(video, video.videoWidth, video.videoHeight, 1), ABOUT.side);
    let answer;
    try {
      answer = await answerFor(image);
    } catch {
      $("camera-fault").textContent = "The model broke off. Reload the page.";
      return turnOffCamera();
    }
    if (camera.stream === stream) showLive(answer);
  }
}

function nextFrame() {
  return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}

/* With few classes every one keeps its line, so that only the bars move. */
function showLive(answer) {
  const { classes } = ABOUT.tasks[0];
  const few = classes.length <= MOST_BARS;
  const lines = few ? classes.map((name, at) => [name, answer.probabilities[at]]) : answer.ranked.slice(0, 5);
  const box = $("camera-bars");
  if (box.children.length !== lines.length) box.replaceChildren(...bars(lines).children);
  lines.forEach(([name, share], at) => {
    const [label, track, number] = box.children[at].children;
    label.textContent = plain(name);
    track.firstChild.style.width = `${100 * share}%`;
    number.textContent = percent(share);
    box.children[at].classList.toggle("top", name === answer.label && !answer.ood);
  });
  const said = answer.ood ? UNKNOWN : plain(answer.label), verdict = $("camera-verdict");
  if (verdict.textContent !== said) verdict.textContent = said; // else it would be read out all the time
  verdict.classList.toggle("unknown", Boolean(answer.ood));
  $("camera-or").textContent = linesOf(answer).join(" · ");
}

async function keepFrame() {
  const video = $("video");
  if (!video.videoWidth) return;
  const canvas = Object.assign(made("canvas"), { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const name = `camera ${++camera.kept}.png`;
  ask([{ file: new File([blob], name), name }]);
}

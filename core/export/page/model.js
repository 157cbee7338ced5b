/* The model inside this file: its network, run by onnxruntime-web, and what its numbers mean. */

const ABOUT = JSON.parse(document.getElementById("about").textContent);

async function packed(id) {
  const element = document.getElementById(id), base64 = element.textContent;
  element.remove(); // its megabytes are not needed twice
  const binary = atob(base64), bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function loadModel() {
  const [wasm, code, graph] = await Promise.all(["wasm", "loader", "graph"].map(packed));
  const mjs = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  Object.assign(ort.env.wasm, { wasmPaths: { mjs }, wasmBinary: wasm, numThreads: 1, proxy: false });
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(new Uint8Array(graph), {
    executionProviders: ["wasm"],
  });
  URL.revokeObjectURL(mjs);
  return session;
}

const model = loadModel();
let turn = model; // the network answers one image after the other

/* The answer for an image, under the names that the app gives its parts. */
function answerFor(image) {
  const { data } = square(image, ABOUT);
  const mine = turn.catch(() => {}).then(async () => {
    const pixels = new ort.Tensor("uint8", data, [1, ABOUT.size, ABOUT.size, 3]);
    return (await model).run({ pixels });
  });
  turn = mine;
  return mine.then(answerOf);
}

function answerOf(output) {
  const all = Array.from(output.probabilities.data);
  const score = output.unknown ? output.unknown.data[0] : null;
  let first = 0;
  const tasks = ABOUT.tasks.map(({ name, classes, threshold }) => {
    const own = all.slice(first, (first += classes.length));
    return { task: name, ...answered(classes, own, threshold) };
  });
  return { ...tasks[0], tasks, ood: score === null ? null : score > 1, ood_score: score };
}

/* `ranked` is likeliest first; `prediction_set` too, and null where too few images could tell. */
function answered(classes, probabilities, threshold) {
  const order = classes.map((_, at) => at);
  order.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  const inside = order.filter((at, rank) => rank === 0 || probabilities[at] >= threshold);
  return {
    label: classes[order[0]],
    confidence: probabilities[order[0]],
    probabilities,
    ranked: order.map((at) => [classes[at], probabilities[at]]),
    prediction_set: threshold === null ? null : inside.map((at) => classes[at]),
  };
}

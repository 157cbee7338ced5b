"""A ZIP with a folder that answers over HTTP what is in images, without torch.

server.py, server_*.py      the server, with the files of classify.py that it shares
model-repository/<name>/    the graph, also as Triton and OpenVINO Model Server want it
Dockerfile                  slim, without rights, with a health check
requirements.txt, LICENSE.txt, MODEL_CARD.md, README.md
"""

import json
import re
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

from core.analysis.prediction import ImagePrediction
from core.errors import CannotStart
from core.events import Event, Progress
from core.export.bundle import put_server, put_server_requirements, write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.model_card import model_card
from core.export.model_server.server import REPOSITORY
from core.export.onnx_graph import ENGINE, OnnxFacts, write_onnx
from core.export.rehearsal import BROKEN, did_not_run, outcome, try_asking
from core.export.running_server import RunningServer

_FOLDER = "model-server"
_PORT = 8080
_LONGEST_NAME = 40


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, once its server has said what the app says.

    Ends as `outcome` does. Raises BadInput for a model of other than plain colour images, NotFound
    without a model or the images it was tested on, GraftError when the server does not agree.
    """
    began = time.monotonic()
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        folder, name = bundle / _FOLDER, model_name(context.facts.dataset.title)
        graph = write_onnx(context, folder / REPOSITORY / name / "1" / "model.onnx")
        put_server(folder)
        put_server_requirements(folder, ENGINE)
        yield Progress("Trying the server out", 1, 2)
        trial = try_asking(context, Path(space), partial(answers_of, folder / "server.py"))
        trial.agreement.require(BROKEN)
        texts = {
            f"{REPOSITORY}/{name}/config.pbtxt": _config(graph, name),
            "Dockerfile": _DOCKERFILE,
            ".dockerignore": "Dockerfile\nREADME.md\n",
            "README.md": _readme(name),
            "MODEL_CARD.md": model_card(context.facts, _use(name, trial.agreement.sentence)),
        }
        for path, text in texts.items():
            (folder / path).write_text(text, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the server out", 2, 2)
    yield outcome(began, "server", file, trial.agreement)


FORMAT = ExportFormat(
    title="Model server",
    purpose="For programmers: a web server that says what is in images, ready for a container.",
    suffix=".zip",
    write=write,
    order=45,
)


def model_name(title: str) -> str:
    """A title as an address bears it: "My *pets*" is my-pets."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = re.sub("[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].rstrip("-")
    return name or "classifier"


def answers_of(script: Path, files: Sequence[Path]) -> list[ImagePrediction]:
    """What the server says of the files, one request each. Raises GraftError when it does not
    run."""
    try:
        with RunningServer(script) as server:
            return [_asked(server, file) for file in files]
    except (CannotStart, OSError, HTTPException, ValueError, LookupError) as error:
        raise did_not_run(str(error)) from error


def _asked(server: RunningServer, file: Path) -> ImagePrediction:
    answer = server.ask("POST", f"/predict?name={quote(file.name)}", file.read_bytes())
    row: ImagePrediction = json.loads(answer.body)["predictions"][0]
    return row


def _config(graph: OnnxFacts, name: str) -> str:
    """What Triton must be told."""
    size, classes = graph.about["preprocessing"]["size"], graph.about["tasks"].values()
    n = sum(map(len, classes)) or len(graph.about["classes"])
    outputs = [f'{{ name: "probabilities" data_type: TYPE_FP32 dims: [ -1, {n} ] }}']
    if graph.has_unknown:
        outputs.append('{ name: "unknown" data_type: TYPE_FP32 dims: [ -1 ] }')
    return f"""name: "{name}"
platform: "onnxruntime_onnx"
max_batch_size: 0
input [ {{ name: "pixels" data_type: TYPE_UINT8 dims: [ -1, {size}, {size}, 3 ] }} ]
output [ {", ".join(outputs)} ]
"""


_DOCKERFILE = f"""FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER 10001:10001
ENV PYTHONDONTWRITEBYTECODE=1
EXPOSE {_PORT}
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["python", "-c", \\
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{_PORT}/readyz', timeout=4)"]
CMD ["python", "server.py", "--host", "0.0.0.0", "--port", "{_PORT}"]
"""


def _commands(name: str) -> str:
    return f"""```
uv run server.py
curl --data-binary @cat.jpg http://127.0.0.1:{_PORT}/predict
curl -F a=@cat.jpg -F b=@cup.png http://127.0.0.1:{_PORT}/predict
curl http://127.0.0.1:{_PORT}/v2/models/{name}
```

Without uv: `pip install -r requirements.txt`, then `python server.py`. A page to try it is at
http://127.0.0.1:{_PORT}/docs, and http://127.0.0.1:{_PORT}/openapi.json describes every address.
`python server.py --help` lists the limits."""


def _use(name: str, found: str) -> str:
    return f"{_commands(name)}\n\nREADME.md has containers and other servers. {found}"


def _readme(name: str) -> str:
    return f"""# A model server

{_commands(name)}

By itself it answers this computer alone. `--host 0.0.0.0` lets other machines in; where
`GRAFT_TOKEN` is set, every request needs `Authorization: Bearer …` with what it says. It speaks
plain HTTP: put a proxy with TLS in front of it.

## In a container

```
docker build -t {name} .
docker run --rm --read-only --tmpfs /tmp -e GRAFT_TOKEN=… -p 127.0.0.1:{_PORT}:{_PORT} {name}
```

## What it answers

| address | answer |
|---|---|
| `POST /predict` | for one image as the body, or each file of a form: `label`, `probabilities` \
(calibrated), `prediction_set`, `ood` (unknown); an image that cannot be read has an `error` |
| `/v2/…` | KServe v2 (Open Inference Protocol): `image` BYTES or `pixels` UINT8 |
| `POST /customvision/v3.0/Prediction/<project>/classify/iterations/{name}/image` | the same as \
Azure Custom Vision answers; its clients send the token as Prediction-Key |
| `/healthz` `/readyz` `/metrics` | for whoever runs it; metrics as Prometheus reads them |

## On other servers

`{REPOSITORY}` is laid out as Triton and OpenVINO Model Server want it. They take `pixels`: images
that are UINT8 and square already. `rgb_of` and `square` in image_reading.py make them so; do it in
the same way, or answers differ.

```
docker run --rm -p 8000:8000 -v "$PWD/{REPOSITORY}:/models" nvcr.io/nvidia/tritonserver:25.01-py3 \\
  tritonserver --model-repository=/models
docker run --rm -p 8000:8000 -v "$PWD/{REPOSITORY}:/models" openvino/model_server:latest \\
  --model_name {name} --model_path /models/{name} --rest_port 8000
```
"""

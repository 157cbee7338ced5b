"""server.py by itself: what it answers in every protocol, what it refuses, and what cannot harm.

The tests stand together because they share one exported server, which takes seconds to make.
"""

import base64
import hashlib
import http.client
import json
import os
import shutil
import struct
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openvino
import psutil
import pytest
from made_models import photographs, write_photographs
from made_runs import HOSTILE, made_run, small_model
from running_server import wait_for

from core.analysis.prediction import predict_files
from core.backbones.preprocessing import Preprocessing
from core.cli._terminal import Terminal
from core.cli.serve_model import graph_of
from core.errors import BadInput, CannotStart, NotFound
from core.export.formats import export
from core.export.formats.server import model_name
from core.export.running_server import RunningServer
from core.model import Model
from core.settings import MiB, Settings

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "dataset"))

import bombs  # noqa: E402

NAME = "my-pets-b"
CUSTOM = f"/customvision/v3.0/Prediction/p1/classify/iterations/{NAME}/image"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Settings]:
    """The unpacked export after its rehearsal, the run it is of, and the settings."""
    space = tmp_path_factory.mktemp("server")
    settings = Settings(home=space / "home")
    run = made_run(settings, small_model())
    *_, last = export(run, space / "model.zip", settings, form="server")
    assert last.result["labels_equal"] == last.result["n"] == 3 + 17
    with zipfile.ZipFile(space / "model.zip") as archive:
        archive.extractall(space / "unpacked")
    return space / "unpacked" / "model-server", run, settings


@pytest.fixture(scope="module")
def server(made: tuple) -> Iterator[RunningServer]:
    with RunningServer(made[0] / "server.py") as started:
        yield started


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=token) as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def ours(made: tuple, files: list[Path]) -> list[dict[str, Any]]:
    """What the app says of the photographs."""
    *_, last = predict_files(made[1], files, made[2])
    return last.result["predictions"]


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert theirs["probabilities"] == pytest.approx(ours["probabilities"], abs=1e-3)
    for name in ("label", "prediction_set", "ood"):
        assert theirs[name] == ours[name]


def test_the_folder_holds_all_that_is_needed_to_run_it(made: tuple) -> None:
    names = {path.relative_to(made[0]).as_posix() for path in made[0].rglob("*") if path.is_file()}
    assert {"server.py", "Dockerfile", "README.md", "MODEL_CARD.md", "LICENSE.txt"} < names
    assert {f"model-repository/{NAME}/{each}" for each in ("config.pbtxt", "1/model.onnx")} < names
    card = " ".join((made[0] / "MODEL_CARD.md").read_text().split())
    assert "Tried out in a process of its own on 20 images: all get the same class" in card
    dockerfile = (made[0] / "Dockerfile").read_text()
    assert "USER 10001" in dockerfile
    assert "HEALTHCHECK" in dockerfile


def test_it_needs_only_what_its_requirements_name(made: tuple) -> None:
    needs = (made[0] / "requirements.txt").read_text()
    known = {"PIL", "openvino", "pi_heif"} | set(sys.stdlib_module_names)
    known |= {path.stem for path in made[0].glob("*.py")}
    lines = [line.split() for file in made[0].glob("*.py") for line in file.open()]
    imported = {w[1].split(".")[0] for w in lines if w and w[0] in ("import", "from")} - known
    assert {name for name in imported if name not in needs} == set()
    header = (made[0] / "server.py").read_text().split("# ///")[1]
    assert {line.strip() for line in needs.splitlines() if line not in header} == set()


def test_one_image_is_answered_as_in_the_app(client, files, ours) -> None:
    answer = client.post("/predict?name=a%20cat.png", content=files[0].read_bytes())
    assert answer.status_code == 200
    told = answer.json()
    assert told["model"] == NAME
    (row,) = told["predictions"]
    assert row["image"] == "a cat.png"
    assert_same(row, ours[0])


def test_a_bad_image_of_many_costs_only_its_own_row(client, files, ours) -> None:
    sent = [("images", (file.name, file.read_bytes())) for file in files]
    sent.insert(1, ("images", ("notes.jpg", b"no image at all")))
    answer = client.post("/predict", files=sent)
    assert answer.status_code == 200
    rows = answer.json()["predictions"]
    assert [row["image"] for row in rows] == ["0.png", "notes.jpg", "1.png", "2.png"]
    assert rows.pop(1).keys() == {"image", "error"}
    for row, mine in zip(rows, ours, strict=True):
        assert_same(row, mine)


@pytest.mark.parametrize(
    ("path", "content", "headers", "code"),
    [
        ("/predict", b"", {}, 400),
        ("/predict", b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("/predict", b"\0", {"Content-Type": "multipart/form-data"}, 400),
        ("/predict", b"--x\r\n\r\n1\r\n", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        ("/predict", b"no image", {}, 422),
        ("/predict", b"x", {"Authorization": "Bearer other"}, 401),
        ("/predict", b"x", {"Authorization": "Bearer ü".encode()}, 401),
        ("/predict", b"x", {"Origin": "http://evil.example"}, 403),
        ("/predict", b"x", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/predict", b"x", {"Host": "evil.example"}, 400),
        ("/nothing", b"x", {}, 404),
        ("/docs", b"x", {}, 405),
        (CUSTOM, b"no image", {}, 400),
        (CUSTOM.replace(NAME, "other"), b"x", {}, 404),
    ],
)  # fmt: skip
def test_what_is_no_proper_request_is_refused_in_a_sentence(client, path, content, headers, code):
    answer = client.post(path, content=content, headers=headers)
    assert answer.status_code == code
    if answer.headers["content-type"] == "application/json":
        told = answer.json()
        assert (told.get("error") or told["message"])[-1] in ".…"


HOSTILE_FILES = {
    "wide.webp": bombs.wide_webp,
    "wide.heic": bombs.wide_heic,
    "pixels.png": lambda: bombs.wide_png(20_000, "L"),
    "profile.png": lambda: bombs.png_with(21, bombs.packed_text(b"iCCP", 60 * MiB)),
    "strips.tif": lambda: bombs.tiff_of(
        60, 40, (273, 4, 900_000, 300), (279, 4, 900_000, 300), (278, 4, 1, 1), rest=bytes(5000)
    ),
    "cut.jpg": lambda: b"\xff\xd8\xff\xe0 no more",
    "zip.png": lambda: b"PK\x03\x04" + bytes(90),
    "drawing.svg": lambda: (
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///x'/></svg>"
    ),
}


def memory_of(server: RunningServer) -> int:
    process = psutil.Process(server.pid)
    return sum(each.memory_info().rss for each in (process, *process.children()))


def test_a_hostile_file_gets_a_sentence_and_the_next_one_is_answered(client, server, files) -> None:
    client.post("/predict", content=files[0].read_bytes())
    before = memory_of(server)
    for name, make in HOSTILE_FILES.items():
        answer = client.post("/predict", content=make(), timeout=60)
        assert answer.status_code == 422, name
        assert answer.json()["error"][-1] == ".", name
        assert client.post(CUSTOM, content=make(), timeout=60).status_code == 400, name
        assert client.post("/predict", content=files[1].read_bytes()).status_code == 200
    assert memory_of(server) < before + 300 * MiB


def test_a_file_that_takes_for_ever_is_given_up(made, files) -> None:
    code = (
        "import asyncio, sys, json; sys.path.insert(0, sys.argv[1])\n"
        "from server_reading import Readers\n"
        "about = {'longest_side': 1024, 'preprocessing': {'size': 64, 'fit': 'pad',\n"
        "  'interpolation': 'bicubic', 'mean': [0, 0, 0]}}\n"
        "async def main():\n"
        "    readers = Readers(about, n=1, pixels=10**8, memory=2**29, seconds=1.0)\n"
        "    for name in sys.argv[2:]:\n"
        "        found = await readers.square(open(name, 'rb').read())\n"
        "        print(found if isinstance(found, str) else found.shape)\n"
        "    readers.close()\n"
        "asyncio.run(main())\n"
    )
    slow = files[0].with_name("slow.bmp")
    slow.write_bytes(bombs.bmp_of_lines(60, 40, 30_000_000))
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(made[0]), str(slow), str(files[0])],
        capture_output=True,
        text=True,
        timeout=60,
    )
    first, second = done.stdout.splitlines()
    assert "more than 1 seconds" in first
    assert second == "(64, 64, 3)"


def test_more_than_it_may_take_is_refused_and_it_says_when_to_come_back(made, files) -> None:
    with RunningServer(
        made[0] / "server.py",
        *("--max-in-flight", 2, "--max-megabytes", 1, "--max-images", 2, "--timeout", 3),
    ) as small:
        image = files[1].read_bytes()
        token = {"Authorization": f"Bearer {small.token}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{small.port}", headers=token) as client:
            assert client.post("/predict", content=iter([bytes(MiB), b"x"])).status_code == 413
            form = [("a", ("a", image))] * 3
            assert client.post("/predict", files=form).status_code == 413
            assert begun(small, 10**12).getresponse().status == 413
            slow = [begun(small, 100) for _ in range(2)]
            wait_for(lambda: b"graft_in_flight 2" in client.get("/metrics").content)
            refused = client.post("/predict", content=image)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert [each.getresponse().status for each in slow] == [408, 408]
            wait_for(lambda: client.post("/predict", content=b"no image").status_code == 422)


def begun(server: RunningServer, announced: int) -> http.client.HTTPConnection:
    """A request of which only the beginning comes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("POST", "/predict")
    connection.putheader("Authorization", f"Bearer {server.token}")
    connection.putheader("Content-Length", str(announced))
    connection.endheaders(b"x")
    return connection


def test_many_at_once_are_all_answered_and_counted(client, server, files) -> None:
    def images() -> int:
        lines = client.get("/metrics").text.splitlines()
        return int(
            next(line.split()[1] for line in lines if line.startswith("graft_images_total "))
        )

    before = images()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: ask(server, files[2]), range(24)))
    assert len({json.dumps(each) for each in found}) == 1
    assert images() == before + 24
    text = client.get("/metrics").text
    assert 'graft_requests_total{code="200"}' in text
    assert text.count("graft_request_seconds_bucket") == 12


def ask(server: RunningServer, file: Path) -> dict[str, Any]:
    answer = server.ask("POST", "/predict", file.read_bytes())
    return json.loads(answer.body)["predictions"][0]["probabilities"]


def test_the_process_that_answers_never_loads_torch(server: RunningServer) -> None:
    process = psutil.Process(server.pid)
    for each in (process, *process.children()):
        loaded = {Path(file.path).name for file in each.memory_maps()}
        assert not [name for name in loaded if "torch" in name]
    assert any("onnxruntime" in Path(file.path).name for file in process.memory_maps())


def test_kserve_takes_images_and_pixels_as_text_and_as_binary_data(
    client, made, files, ours
) -> None:
    about = client.get(f"/v2/models/{NAME}").json()
    assert [each["name"] for each in about["inputs"]] == ["pixels", "image"]
    assert about["parameters"]["classes"][2] == HOSTILE
    for path in ("/v2/health/live", "/v2/health/ready", f"/v2/models/{NAME}/ready", "/v2"):
        assert client.get(path).status_code == 200
    contents = [file.read_bytes() for file in files]
    text = [base64.b64encode(each).decode() for each in contents]
    binary = b"".join(struct.pack("<I", len(each)) + each for each in contents)
    model = Model.load(made[1] / "model")
    squares = squares_of(model.preprocessing)
    image = {"name": "image", "shape": [3], "datatype": "BYTES"}
    pixels = {"name": "pixels", "shape": [3, 64, 64, 3], "datatype": "UINT8"}
    for tensor, tail in (
        (image | {"data": text}, b""),
        (image | {"parameters": {"binary_data_size": len(binary)}}, binary),
        (pixels | {"data": squares.tolist()}, b""),
        (pixels | {"data": squares.ravel().tolist()}, b""),
        (pixels | {"parameters": {"binary_data_size": squares.nbytes}}, squares.tobytes()),
    ):
        answer = inferred(client, {"id": "7", "inputs": [tensor]}, tail)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["id"], told["model_name"]) == ("7", NAME)
        outputs = {each["name"]: each for each in told["outputs"]}
        assert outputs["label"]["data"] == [row["label"] for row in ours]
        assert outputs["probabilities"]["shape"] == [3, 3]
        expected = [each for row in ours for each in row["probabilities"].values()]
        assert outputs["probabilities"]["data"] == pytest.approx(expected, abs=1e-3)
        assert outputs["unknown"]["data"] == pytest.approx(
            [row["ood_score"] for row in ours], abs=1e-2
        )


def squares_of(preprocessing: Preprocessing) -> np.ndarray:
    return np.stack([np.asarray(preprocessing.square(photo)) for photo in photographs()])


def inferred(client: httpx.Client, asked: object, tail: bytes = b"") -> httpx.Response:
    text = json.dumps(asked).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))} if tail else {}
    return client.post(f"/v2/models/{NAME}/infer", content=text + tail, headers=headers)


def test_kserve_answers_in_binary_where_that_is_asked_for(client, files, ours) -> None:
    content = files[0].read_bytes()
    tail = struct.pack("<I", len(content)) + content
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(tail)}
    wanted = [{"name": "probabilities"}, {"name": "label", "parameters": {"binary_data": False}}]
    asked = {"inputs": [tensor], "outputs": wanted, "parameters": {"binary_data_output": True}}
    answer = inferred(client, asked, tail)
    length = int(answer.headers["inference-header-content-length"])
    head = json.loads(answer.content[:length])
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 12}
    assert head["outputs"][1]["data"] == [ours[0]["label"]]
    values = np.frombuffer(answer.content[length:], "<f4")
    assert values == pytest.approx([*ours[0]["probabilities"].values()], abs=1e-3)


IMAGE = {"name": "image", "shape": [1], "datatype": "BYTES"}
PIXELS = {"name": "pixels", "shape": [1, 64, 64, 3], "datatype": "UINT8"}


@pytest.mark.parametrize(
    "asked",
    [
        [],
        {},
        {"inputs": {}},
        {"inputs": []},
        {"inputs": [IMAGE, IMAGE]},
        {"inputs": [7]},
        {"inputs": [IMAGE]},
        {"inputs": [IMAGE | {"data": ["no base64 !"]}]},
        {"inputs": [IMAGE | {"data": [["x"] * 9]}]},
        {"inputs": [IMAGE | {"data": 7}]},
        {"inputs": [IMAGE | {"data": ["bm8gaW1hZ2U="]}]},
        {"inputs": [IMAGE | {"shape": [10**9], "data": []}]},
        {"inputs": [IMAGE | {"shape": [{}], "data": []}]},
        {"inputs": [IMAGE | {"datatype": "FP32", "data": []}]},
        {"inputs": [IMAGE | {"parameters": {"binary_data_size": 10**30}}]},
        {"inputs": [PIXELS | {"data": [0] * 7}]},
        {"inputs": [PIXELS | {"data": [256] * 12288}]},
        {"inputs": [PIXELS | {"data": [10**30] * 12288}]},
        {"inputs": [PIXELS | {"data": ["x" * 10**6, *[""] * 10**5]}]},
        {"inputs": [PIXELS | {"data": None}]},
        {"inputs": [PIXELS | {"data": {}}]},
        {"inputs": [PIXELS | {"shape": [1, 65, 64, 3], "data": []}]},
        {"inputs": [PIXELS | {"shape": [True, 64, 64, 3], "data": [0] * 12288}]},
        {"inputs": [PIXELS | {"data": [0] * 12288}], "outputs": [{"name": "other"}]},
        {"inputs": [PIXELS | {"data": [0] * 12288}], "outputs": 7},
    ],
    ids=lambda asked: json.dumps(asked)[:70],
)
def test_a_malformed_tensor_is_refused_in_a_sentence(client: httpx.Client, asked: object) -> None:
    answer = inferred(client, asked)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"][-1] == "."


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"inputs": "\\ud800"}'])
def test_what_is_no_request_of_kserve_is_refused(client: httpx.Client, content: bytes) -> None:
    answer = client.post(f"/v2/models/{NAME}/infer", content=content)
    assert answer.status_code == 400
    assert client.get("/v2/models/other").status_code == 404


def test_clients_of_custom_vision_get_their_own_shape(client, server, files, ours) -> None:
    key = {"Prediction-Key": server.token}
    address = f"http://127.0.0.1:{server.port}{CUSTOM}"
    for more in ("", "/nostore"):
        answer = httpx.post(address + more, content=files[0].read_bytes(), headers=key)
        assert answer.status_code == 200
        told = answer.json()
        assert told.keys() == {"id", "project", "iteration", "created", "predictions"}
        assert told["project"] == "p1"
        uuid.UUID(told["predictions"][0]["tagId"])
        assert told["predictions"][0]["tagName"] == ours[0]["label"]
        found = {each["tagName"]: each["probability"] for each in told["predictions"]}
        assert found == pytest.approx(ours[0]["probabilities"], abs=1e-3)


def test_what_can_be_asked_is_described_and_tells_nothing_of_the_model(server, client) -> None:
    address = f"http://127.0.0.1:{server.port}"
    described = httpx.get(f"{address}/openapi.json").json()
    assert {"/predict", "/metrics", "/v2/models/{name}/infer"} < described["paths"].keys()
    page = httpx.get(f"{address}/docs")
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("http://127.0.0.1", "")
    assert "coffee" not in json.dumps(described) + page.text
    for path in ("/healthz", "/readyz", "/v2/health/ready"):
        assert httpx.get(address + path).status_code == 200
    assert httpx.get(f"{address}/metrics").status_code == 401


def test_openvino_reads_the_model_repository_and_says_the_same(made: tuple, ours) -> None:
    model = Model.load(made[1] / "model")
    graph = made[0] / "model-repository" / NAME / "1" / "model.onnx"
    network = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = network({"pixels": squares_of(model.preprocessing)})[network.outputs[0]]
    expected = [[*row["probabilities"].values()] for row in ours]
    assert np.abs(found - expected).max() < 1e-3
    config = graph.parents[1] / "config.pbtxt"
    assert 'name: "probabilities" data_type: TYPE_FP32 dims: [ -1, 3 ]' in config.read_text()


def test_it_ends_when_nobody_asks_and_with_its_parent(made: tuple) -> None:
    idle = RunningServer(made[0] / "server.py", "--idle", 0.2)
    wait_for(lambda: not idle.is_alive)
    idle.close()
    tied = RunningServer(made[0] / "server.py")
    helpers = psutil.Process(tied.pid).children()
    tied._process.kill()
    wait_for(lambda: not any(each.is_running() for each in helpers))
    tied.close()


@pytest.mark.parametrize(
    ("title", "name"),
    [("My *pets* <b>", NAME), ("Käfer & Co", "kafer-co"), ("猫", "classifier"), ("", "classifier"),
     ("../..", "classifier"), ("a" * 99, "a" * 40)],
)  # fmt: skip
def test_a_title_becomes_a_name_for_addresses(title: str, name: str) -> None:
    assert model_name(title) == name


def test_the_command_line_serves_a_run_and_every_export_of_it(made, tmp_path) -> None:
    folder, run, settings = made
    terminal = Terminal(as_json=False)
    graph = folder / "model-repository" / NAME / "1" / "model.onnx"
    kept = run / "served" / f"1-1024-{hashlib.sha256(graph.read_bytes()).hexdigest()}.onnx"
    kept.parent.mkdir()
    shutil.copyfile(graph, kept)
    shutil.copyfile(graph, tmp_path / "model.onnx")
    for given, expected in (
        (run, kept),
        (Path(run.name), kept),
        (folder, graph),
        (folder.parent, graph),
        (graph, graph),
        (tmp_path, tmp_path / "model.onnx"),
    ):
        assert graph_of(given, tmp_path / "space", settings, terminal) == expected
    with pytest.raises(NotFound, match="There is no run"):
        graph_of(Path("nothing"), tmp_path / "space", settings, terminal)
    (tmp_path / "other.zip").write_bytes(b"PK no ZIP")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    for name in ("other.zip", "empty.zip"):
        with pytest.raises(BadInput, match="Export"):
            graph_of(tmp_path / name, tmp_path / "space", settings, terminal)


def test_the_command_line_serves_a_zip_until_it_is_ended(made, files, ours) -> None:
    archive = made[0].parents[1] / "model.zip"
    words = ("-m", "core", "serve-model", str(archive), "--port", "0")
    environment = os.environ | {"GRAFT_HOME": str(made[2].home), "GRAFT_TOKEN": "secret"}
    serving = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        said = (serving.stdout or pytest.fail("no output")).readline()
        assert said.startswith(f"Serving {NAME} at http://127.0.0.1:")
        address = said.split()[3]
        content = files[0].read_bytes()
        assert httpx.post(f"{address}/predict", content=content).status_code == 401
        token = {"Authorization": "Bearer secret"}
        answer = httpx.post(f"{address}/predict", content=content, headers=token)
        assert_same(answer.json()["predictions"][0], ours[0])
        server = psutil.Process(serving.pid).children()[0]
    finally:
        serving.terminate()
    assert serving.wait(60) == 130
    wait_for(lambda: not server.is_running())


def test_what_is_no_model_is_said_in_a_sentence(made, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(CannotStart, match="is no model of Graft's"):
        RunningServer(made[0] / "server.py", "--model", tmp_path / "model.onnx")

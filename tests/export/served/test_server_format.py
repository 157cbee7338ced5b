"""server.py by itself: what it answers, what it refuses, and what cannot harm it."""

import http.client
import json
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from running_server import ROOT, wait_for

from core.export.running_server import RunningServer
from core.settings import MiB
from served.asked import CUSTOM, NAME, assert_same

sys.path.append(str(ROOT / "tests" / "dataset"))

import bombs


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

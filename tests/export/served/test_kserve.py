"""An exported server speaks KServe's protocol, in text and in binary, and refuses all else."""

import base64
import json
import struct

import httpx
import numpy as np
import openvino
import pytest
from made_runs import HOSTILE

from core.model import Model
from served.asked import NAME, squares_of


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


def test_openvino_reads_the_model_repository_and_says_the_same(made: tuple, ours) -> None:
    model = Model.load(made[1] / "model")
    graph = made[0] / "model-repository" / NAME / "1" / "model.onnx"
    network = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = network({"pixels": squares_of(model.preprocessing)})[network.outputs[0]]
    expected = [[*row["probabilities"].values()] for row in ours]
    assert np.abs(found - expected).max() < 1e-3
    config = graph.parents[1] / "config.pbtxt"
    assert 'name: "probabilities" data_type: TYPE_FP32 dims: [ -1, 3 ]' in config.read_text()

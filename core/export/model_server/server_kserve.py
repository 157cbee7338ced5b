"""The Open Inference Protocol (KServe v2), with its binary extension. A file beside server.py.

Inputs, one of them: `image`, BYTES (n): encoded image files, in JSON as base64; or `pixels`, UINT8
(n, size, size, 3), the graph's own input. Outputs: those of the graph, `probabilities` FP32
(n, classes) and perhaps `unknown` FP32 (n); and `label`, BYTES (n).
"""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from classify import answer_of
from server_limits import Limits, as_json
from server_model import Sent, ServedModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_LENGTH = struct.Struct("<I")
_HEADER = "inference-header-content-length"
Tensor = dict[str, Any]


def routes(model: ServedModel, limits: Limits, count: Callable[[int], None]) -> list[Route]:
    """Health, what there is, and inference."""

    async def server(_: Request) -> Response:
        return as_json({"name": "graft", "version": "1", "extensions": ["binary_tensor_data"]})

    async def live(_: Request) -> Response:
        return as_json({"live": True})

    async def ready(_: Request) -> Response:
        return as_json({"ready": True})

    async def about(request: Request) -> Response:
        _require_known(request, model)
        return as_json(_metadata(model))

    async def model_ready(request: Request) -> Response:
        _require_known(request, model)
        return as_json({"name": model.name, "ready": True})

    async def infer(request: Request) -> Response:
        _require_known(request, model)
        content = await request.body()
        asked, tail = await run_in_threadpool(_parsed, request, content, limits)
        pixels = await _pixels(model, _input(asked, tail), limits)
        count(len(pixels))
        return _answer(model, asked, await model.outputs(pixels))

    found = [
        Route("/v2", server),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", ready),
    ]
    for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
        found += [
            Route(path, about),
            Route(f"{path}/ready", model_ready),
            Route(f"{path}/infer", infer, methods=["POST"]),
        ]
    return found


def _require_known(request: Request, model: ServedModel) -> None:
    wanted = (request.path_params["name"], request.path_params.get("version", "1"))
    if wanted != (model.name, "1"):
        raise HTTPException(404, f"There is no such model. This server has “{model.name}”.")


def _metadata(model: ServedModel) -> dict[str, Any]:
    outputs = [("probabilities", "FP32", [-1, len(model.classes)])]
    outputs += [("unknown", "FP32", [-1])] if model.has_unknown else []
    inputs = [("pixels", "UINT8", [-1, model.size, model.size, 3]), ("image", "BYTES", [-1])]
    named = ("name", "datatype", "shape")
    return {
        "name": model.name,
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [dict(zip(named, each, strict=True)) for each in inputs],
        "outputs": [
            dict(zip(named, each, strict=True)) for each in [*outputs, ("label", "BYTES", [-1])]
        ],
        "parameters": {"classes": model.classes},
    }


def _parsed(request: Request, content: bytes, limits: Limits) -> tuple[dict[str, Any], bytes]:
    """The JSON of a request, and the binary tensors behind it."""
    given = request.headers.get(_HEADER, "")[:20]
    length = int(given) if given.isdecimal() else len(content)
    if length > limits.json_bytes:
        raise HTTPException(413, "That is too much text. Send the tensors as binary data.")
    try:
        asked = json.loads(content[:length])
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The request is not valid JSON.") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("inputs"), list):
        raise HTTPException(400, "The request has no list of inputs.")
    return asked, content[length:]


def _input(asked: dict[str, Any], tail: bytes) -> tuple[Tensor, bytes | None]:
    """The one tensor of a request, and its binary content where that is how it came."""
    match asked["inputs"]:
        case [{"name": "pixels" | "image", "datatype": str(), "shape": list()} as tensor]:
            parameters = tensor.get("parameters")
            size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
            if size is not None and size != len(tail):
                raise HTTPException(400, "The binary data is not as long as binary_data_size says.")
            return tensor, None if size is None else tail
    raise HTTPException(
        400, "Send one input with name, datatype and shape: image (BYTES) or pixels (UINT8)."
    )


async def _pixels(
    model: ServedModel, given: tuple[Tensor, bytes | None], limits: Limits
) -> np.ndarray:
    """Uint8 (n, size, size, 3). Raises HTTPException for what cannot become that."""
    tensor, binary = given
    if (tensor["name"], tensor["datatype"]) == ("pixels", "UINT8"):
        return await run_in_threadpool(_array, tensor, binary, model.size, limits.images)
    if (tensor["name"], tensor["datatype"]) != ("image", "BYTES"):
        raise HTTPException(400, "image has the datatype BYTES, pixels has UINT8.")
    files = await run_in_threadpool(_files, tensor, binary, limits.images)
    found = await model.squares([Sent("", each) for each in files])
    for number, each in enumerate(found):
        if isinstance(each, str):
            raise HTTPException(422, f"Image {number} of the tensor: {each}")
    return np.stack(found)


def _array(tensor: Tensor, binary: bytes | None, size: int, most: int) -> np.ndarray:
    shape = tensor["shape"]
    if len(shape) != 4 or shape[1:] != [size, size, 3] or not _is_count(shape[0], most):
        raise HTTPException(
            400, f"pixels has the shape [n, {size}, {size}, 3] with n from 1 to {most}."
        )
    try:
        if binary is not None:
            return np.frombuffer(binary, np.uint8).reshape(shape)
        values = np.array(tensor.get("data"), np.int64)
        if values.size and values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8).reshape(shape)
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass
    raise HTTPException(400, "Send pixels as whole numbers from 0 to 255 that fill their shape.")


def _files(tensor: Tensor, binary: bytes | None, most: int) -> list[bytes]:
    n = tensor["shape"][0] if len(tensor["shape"]) in (1, 2) else None
    if not _is_count(n, most) or tensor["shape"][1:] not in ([], [1]):
        raise HTTPException(400, f"image has the shape [n] with n from 1 to {most}.")
    try:
        files = _from_base64(tensor.get("data")) if binary is None else _parted(binary)
    except (ValueError, TypeError, struct.error) as error:
        raise HTTPException(
            400, "Send image as base64 in JSON, or as a length and the bytes of each."
        ) from error
    if len(files) != n:
        raise HTTPException(400, "image has another number of elements than its shape says.")
    return files


def _is_count(n: object, most: int) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and 1 <= n <= most


def _from_base64(data: Any) -> list[bytes]:
    flat = [each for one in data for each in (one if isinstance(one, list) else [one])]
    return [base64.b64decode(each, validate=True) for each in flat]


def _parted(binary: bytes) -> list[bytes]:
    """Elements of a BYTES tensor: each four bytes of its length, then itself."""
    found, at = [], 0
    while at < len(binary):
        (length,) = _LENGTH.unpack_from(binary, at)
        at += _LENGTH.size + length
        if at > len(binary):
            raise ValueError("it ends early")
        found.append(binary[at - length : at])
    return found


def _answer(model: ServedModel, asked: dict[str, Any], outputs: list[np.ndarray]) -> Response:
    """The outputs that were asked for, or all: as JSON, or in binary where that was asked for."""
    found: dict[str, np.ndarray | list[str]] = dict(
        zip(("probabilities", "unknown"), outputs, strict=False)
    )
    rows = [answer_of(model.about, *each) for each in zip(*outputs, strict=True)]
    found["label"] = [row["label"] for row in rows]
    tensors, tail = [], b""
    for name, as_binary in _wanted(asked, [*found]):
        tensor, more = _tensor(name, found[name], as_binary=as_binary)
        tensors.append(tensor)
        tail += more
    head: dict[str, Any] = {"model_name": model.name, "model_version": "1", "outputs": tensors}
    if isinstance(asked.get("id"), str):
        head["id"] = asked["id"]
    if not tail:
        return as_json(head)
    text = json.dumps(head).encode()
    headers = {_HEADER: str(len(text))}
    return Response(text + tail, headers=headers, media_type="application/octet-stream")


def _wanted(asked: dict[str, Any], names: list[str]) -> list[tuple[str, bool]]:
    """The names of the outputs, and whether each shall be binary."""

    def flag(holder: Any, name: str, usual: bool) -> bool:
        parameters = holder.get("parameters")
        return bool(parameters.get(name, usual)) if isinstance(parameters, dict) else usual

    usual = flag(asked, "binary_data_output", False)
    given = asked.get("outputs") or [{"name": name} for name in names]
    if not isinstance(given, list) or not all(
        isinstance(each, dict) and each.get("name") in names for each in given
    ):
        raise HTTPException(400, f"The outputs are {', '.join(names)}.")
    return [(each["name"], flag(each, "binary_data", usual)) for each in given]


def _tensor(name: str, values: np.ndarray | list[str], *, as_binary: bool) -> tuple[Tensor, bytes]:
    if isinstance(values, list):
        tensor: Tensor = {"name": name, "datatype": "BYTES", "shape": [len(values)]}
        texts = [each.encode() for each in values]
        content = b"".join(_LENGTH.pack(len(each)) + each for each in texts)
        data: list[Any] = values
    else:
        tensor = {"name": name, "datatype": "FP32", "shape": list(values.shape)}
        content, data = values.astype("<f4").tobytes(), values.ravel().tolist()
    if as_binary:
        return tensor | {"parameters": {"binary_data_size": len(content)}}, content
    return tensor | {"data": data}, b""

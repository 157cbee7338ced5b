"""Running a frozen network as fast as the machine allows.

On a CPU through OpenVINO in full float32 (measured against torch in benchmarks/), on a GPU through
torch. A converted network is checked against torch before it is trusted, and kept on disk.
"""

import hashlib
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from core import seeding
from core.backbones.preprocessing import Preprocessing
from core.files import replace_file, replaced

if TYPE_CHECKING:
    import openvino

Frozen = Callable[[np.ndarray], np.ndarray]
"""Prepared pixels (n, c, s, s), uint8 or uint16, to float32 activations (n, …)."""

_LOG = logging.getLogger(__name__)
_HASH = ".sha256"
"""Beside a converted network: it holds the hash of both its files, and is written last."""
_LEAST_COSINE = 0.9999
_CHUNK = 4
"""Images in one request: small ones keep every core busy."""


def freeze(
    module: nn.Module,
    preprocessing: Preprocessing,
    *,
    device: str = "cpu",
    cache: Path | None = None,
    key: str = "",
) -> Frozen:
    """The fastest runner of `module` behind `preprocessing`'s normalisation on this device.

    `cache` is a folder for converted networks and `key` the name of this one there.
    """
    whole = _Normalised(module, preprocessing).eval()
    if device != "cpu":
        return InTorch(whole, device)
    return _through_openvino(whole, preprocessing, cache, key) or InTorch(whole, device)


class _Normalised(nn.Module):
    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, module: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.module = module
        mean, std = torch.tensor(preprocessing.mean), torch.tensor(preprocessing.std)
        self.register_buffer("mean", preprocessing.full * mean.view(1, -1, 1, 1))
        self.register_buffer("scale", 1 / (preprocessing.full * std.view(1, -1, 1, 1)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.module((images.float() - self.mean) * self.scale)
        return result


class InTorch:
    """A frozen network that torch runs on its device, which also takes and gives tensors there."""

    def __init__(self, module: nn.Module, device: str) -> None:
        self.module = module.to(device).to(memory_format=torch.channels_last)
        self.device = device

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """As Frozen."""
        activations: np.ndarray = self.of_tensor(torch.from_numpy(batch)).cpu().numpy()
        return activations

    @torch.no_grad()
    def of_tensor(self, images: torch.Tensor) -> torch.Tensor:
        """Prepared pixels, wherever they are, to activations on the device.

        Where its memory is full, the images go through it in halves.
        """
        try:
            activations: torch.Tensor = self.module(
                images.to(self.device, memory_format=torch.channels_last)
            ).float()
            return activations
        except torch.cuda.OutOfMemoryError:
            if len(images) == 1:
                raise
        # Only here, the error being gone, has it let go of what had been computed.
        torch.cuda.empty_cache()
        return torch.cat([self.of_tensor(half) for half in images.chunk(2)])


def _through_openvino(
    module: nn.Module, preprocessing: Preprocessing, cache: Path | None, key: str
) -> Frozen | None:
    """None when the network cannot be converted, does not compute the same once it is, or OpenVINO
    is not installed."""
    try:
        import openvino
    except ImportError:
        return None

    file = cache / f"{key}.xml" if cache and key else None
    try:
        if file and _is_sound(file):
            graph = openvino.Core().read_model(file)
        else:
            graph = _convert(module, preprocessing)
            if not _agrees(module, _compiled(graph), preprocessing):
                return None
            if file:
                _save(graph, file)
                # Read back: a graph just converted rounds otherwise than the same one from its
                # file, and a run that is gone on with would not end with the very same weights.
                graph = openvino.Core().read_model(file)
        return _compiled(graph)
    except RuntimeError:
        return None


def _convert(module: nn.Module, preprocessing: Preprocessing) -> "openvino.Model":
    import openvino

    shape = (len(preprocessing.mean), preprocessing.size, preprocessing.size)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # OpenVINO cannot convert a network that reads uint16.
        kind = torch.uint8 if preprocessing.bits == 8 else torch.float32
        example = torch.zeros(2, *shape, dtype=kind)
        graph = openvino.convert_model(module, example_input=example)
    graph.reshape({0: [-1, *shape]})
    return graph


def _save(graph: "openvino.Model", file: Path) -> None:
    """Put both files in place whole, and then the hash that `_is_sound` checks."""
    import openvino

    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.stem}.") as space:
        draft = Path(space) / file.name
        openvino.save_model(graph, draft, compress_to_fp16=False)
        made = _hash(draft)
        for suffix in (".bin", ".xml"):
            with replaced(file.with_suffix(suffix)) as target:
                os.replace(draft.with_suffix(suffix), target)
    replace_file(file.with_suffix(_HASH), made)


def _is_sound(file: Path) -> bool:
    """Whether a converted network is there as it was written; OpenVINO itself reads whatever
    weights it finds."""
    try:
        sound = file.with_suffix(_HASH).read_bytes() == _hash(file).encode("ascii")
    except FileNotFoundError:
        sound = False
    if not sound and file.exists():
        _LOG.warning("%s is damaged or old: the network is converted again", file)
    return sound


def _hash(file: Path) -> str:
    """The SHA-256 of an .xml and its .bin."""
    made = hashlib.sha256()
    for suffix in (".xml", ".bin"):
        with file.with_suffix(suffix).open("rb") as stream:
            made.update(hashlib.file_digest(stream, "sha256").digest())
    return made.hexdigest()


def _compiled(graph: "openvino.Model") -> Frozen:
    import openvino

    compiled = openvino.Core().compile_model(
        graph, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    )

    # Requests are waited for in turn. OpenVINO's own queue would call back into Python from its
    # threads, and a network that is let go of meanwhile then waits for itself forever.
    requests = [
        compiled.create_infer_request()
        for _ in range(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    ]

    def run(batch: np.ndarray) -> np.ndarray:
        parts: list[np.ndarray] = []
        batch = batch if batch.dtype == np.uint8 else batch.astype(np.float32)

        def collect(request: Any) -> None:
            request.wait()
            parts.append(request.get_output_tensor(0).data.copy())

        chunks = [batch[start : start + _CHUNK] for start in range(0, len(batch), _CHUNK)]
        for place, chunk in enumerate(chunks):
            if place >= len(requests):
                collect(requests[place % len(requests)])
            requests[place % len(requests)].start_async({0: chunk})
        for place in range(max(0, len(chunks) - len(requests)), len(chunks)):
            collect(requests[place % len(requests)])
        return np.concatenate(parts)

    return run


def _agrees(module: nn.Module, run: Frozen, preprocessing: Preprocessing) -> bool:
    shape = (2, len(preprocessing.mean), preprocessing.size, preprocessing.size)
    chance = seeding.numpy_generator(0, "agreement")
    images = chance.integers(0, preprocessing.full + 1, shape, dtype=preprocessing.dtype)
    with torch.no_grad():
        truth = module(torch.from_numpy(images)).flatten(1)
    cosine = nn.functional.cosine_similarity(truth, torch.from_numpy(run(images)).flatten(1))
    return bool(cosine.min() >= _LEAST_COSINE)

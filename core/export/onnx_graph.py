"""A model as one ONNX graph: from decoded pixels to calibrated probabilities and unknown score.

input    pixels         uint8 (n, size, size, 3): RGB, already squared by the model's own rule
outputs  probabilities  float32 (n, classes), calibrated; several label columns one after the other
         unknown        float32 (n,), above the threshold: of no known class; only of a model that
                        has reference features

What else a reader must know stands in the file's metadata, under `METADATA`, as one JSON object:
the fields of model.json without the recipe, and "unknown_threshold" (null: it cannot tell).
"""

import json
import warnings
from dataclasses import asdict, dataclass, replace
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.dataset.channels import RGB
from core.errors import BadInput
from core.export.formats import ExportContext
from core.files import replaced
from core.model import Model, model_folder
from core.model_description import Description

if TYPE_CHECKING:
    import onnx
    import torch
    from torch import nn

METADATA = "model.json"
"""The key of the metadata that holds all that is said about the model."""
OPSET = 18
ENGINE = "onnxruntime>=1.20"
"""What runs it."""
UNKNOWN_THRESHOLD = 1.0
"""Scores are in units of the model's own threshold (core.evaluation.ood)."""
_FEWEST_TO_HALVE = 16_384
"""Numbers in a tensor below which storing it in half gains little: those of the first layers, where
an error costs most."""


@dataclass(frozen=True, slots=True)
class OnnxFacts:
    """What was written."""

    file: Path
    bytes: int
    about: dict[str, Any]
    """As in the file's metadata."""

    @property
    def has_unknown(self) -> bool:
        """Whether the graph has the output `unknown`."""
        return self.about["unknown_threshold"] is not None


def write_onnx(
    source: Path | ExportContext,
    file: Path,
    *,
    half_stored: bool = True,
    longest_side: int | None = None,
) -> OnnxFacts:
    """Write the model of a run (its folder, that of the model, or the context of an export).

    `half_stored` keeps weights in 16 bits and computes in 32, as without it. `longest_side` is what
    images are shrunk to first, in pixels; None: as the source says. Raises NotFound without a
    model, BadInput for one that does not read plain colour images.
    """
    import onnx

    folder, description = _source(source)
    model = Model.load(folder)
    require_colour(model.description)
    description = description or model.description
    description = replace(description, longest_side=longest_side or description.longest_side)
    about = metadata(description, has_unknown=model.reference is not None)
    graph = _exported(model)
    if half_stored:
        _store_in_half(graph)
    graph.producer_name = "Graft"
    onnx.helper.set_model_props(graph, {METADATA: json.dumps(about, ensure_ascii=False)})
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as draft:
        draft.write_bytes(graph.SerializeToString())
        draft.chmod(0o644)
    return OnnxFacts(file, file.stat().st_size, about)


def require_colour(description: Description) -> None:
    """Raise BadInput for a model of anything but red, green and blue in 8 bits."""
    form = description.preprocessing.form
    if form != RGB:
        raise BadInput(
            f"This model reads images with {form}, and this format is for plain colour images. "
            "Export it as the ZIP with a Python script instead."
        )


def metadata(description: Description, *, has_unknown: bool) -> dict[str, Any]:
    """What the file says about the model, as JSON data."""
    about = asdict(description) | {"unknown_threshold": UNKNOWN_THRESHOLD if has_unknown else None}
    del about["recipe"]  # of use to who trains on, and it may name folders of this machine
    return about


def _source(source: Path | ExportContext) -> tuple[Path, Description | None]:
    if isinstance(source, Path):
        return model_folder(source), None
    return model_folder(source.run), source.description


def _exported(model: Model) -> "onnx.ModelProto":
    import torch

    module, size = whole_module(model), model.preprocessing.size
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    names = ["probabilities"] + (["unknown"] if model.reference else [])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("n")},),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    graph: onnx.ModelProto = program.model_proto
    return graph


def whole_module(model: Model) -> "nn.Module":
    """What `Model.forward` and `Model.ood_scores` compute, as one module."""
    import torch
    from torch import nn

    from core.backbones.late_stages import see
    from core.backbones.weights import classifier

    tasks = [
        (columns, model.description.calibration_of(task)[0])
        for task, _, columns in model.description.task_outputs()
    ]

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model.network.to(memory_format=torch.contiguous_format)
            self.classifier = classifier(self.network)
            if model.reference:
                kept = np.ascontiguousarray(model.reference.features.T)
                self.register_buffer("reference", torch.from_numpy(kept))

        def forward(self, pixels: "torch.Tensor") -> tuple["torch.Tensor", ...]:
            batch = model.preprocessing.normalised(pixels.permute(0, 3, 1, 2))
            seen = see(self.network, batch)
            logits = self.classifier(seen.features)
            by_task = [torch.softmax(logits[:, columns] / t, dim=1) for columns, t in tasks]
            probabilities = torch.cat(by_task, dim=1)
            if model.reference is None:
                return (probabilities,)
            blocks = model.reference.blocks
            if blocks is None:
                rows, doubts = _roots(seen.features), [2 - each.amax(1) for each in by_task]
                doubt = torch.stack(doubts).mean(0)
            else:
                ends = [sum(blocks.sizes[: n + 1]) for n in range(len(blocks.sizes) - 1)]
                parts = torch.tensor_split(torch.cat(seen, dim=1), ends, dim=1)
                weighted = zip(parts, blocks.weights, strict=True)
                rows = torch.cat([weight**0.5 * _roots(part) for part, weight in weighted], dim=1)
                doubt = (torch.stack([_entropy(each) for each in by_task]).mean(0) / 2).exp()
            kept = cast("torch.Tensor", self.reference).float()
            distance = (1 - (rows @ kept).amax(1)).clamp(min=0)
            return probabilities, distance * doubt / model.reference.threshold

    return Whole().eval()


def _roots(features: "torch.Tensor") -> "torch.Tensor":
    """As `core.evaluation.ood` compares them: square roots of unit length."""
    roots = features.sign() * features.abs().sqrt()
    unit: torch.Tensor = roots / roots.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit


def _entropy(probabilities: "torch.Tensor") -> "torch.Tensor":
    """As a proportion of the largest there can be, (n,)."""
    p = probabilities.clamp(min=1e-7)
    return -(p * p.log()).sum(1) / log(max(2, p.shape[1]))


def _store_in_half(graph: "onnx.ModelProto") -> None:
    """Keep each large float32 tensor in 16 bits, and let the graph bring it back to 32.

    As half floats where that loses nothing, else as integers with a scale for each row: at the
    same size their error is several times smaller than that of half floats.
    """
    from onnx import numpy_helper

    kept, nodes = [], []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _FEWEST_TO_HALVE or values.ndim < 2:
            kept.append(tensor)
            continue
        stored, made = _halved(tensor.name, values)
        kept += stored
        nodes += made
    nodes += graph.graph.node
    del graph.graph.initializer[:], graph.graph.node[:]
    graph.graph.initializer.extend(kept)
    graph.graph.node.extend(nodes)


def _halved(
    name: str, values: np.ndarray
) -> tuple[list["onnx.TensorProto"], list["onnx.NodeProto"]]:
    from onnx import TensorProto, helper, numpy_helper

    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    stored = f"{name}.stored"
    if np.array_equal(half.astype(np.float32), values):
        cast = helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT)
        return [numpy_helper.from_array(half, stored)], [cast]
    axes = tuple(range(1, values.ndim))
    scale = np.abs(values).max(axis=axes, keepdims=True) / 32767
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    whole = np.rint(values / scale).clip(-32767, 32767).astype(np.int16)
    cast = helper.make_node("Cast", [stored], [f"{name}.whole"], to=TensorProto.FLOAT)
    scaled = helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name])
    tensors = [
        numpy_helper.from_array(whole, stored),
        numpy_helper.from_array(scale, f"{name}.scale"),
    ]
    return tensors, [cast, scaled]

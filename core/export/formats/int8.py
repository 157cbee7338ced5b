"""The graph with 8-bit weights and activations, with the script that uses it: smaller and quicker.

It is another model: its card and its result say how many answers change. Convolutions, the sums
and the clips between them are quantized (QDQ); what scales the input and all that comes after the
last convolution stays in floating point.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BadInput
from core.events import Event
from core.export.classify_zip import write_classify_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.onnx_graph import ENGINE, METADATA, require_colour, write_onnx
from core.export.rehearsal import Trial

if TYPE_CHECKING:
    import onnx

_CALIBRATION_IMAGES = 64
_BATCH = 8
_MOST_TESTED = 200
_QUANTIZED = ("Conv", "Add", "Clip")
_AFTER = 2
"""Operators behind the last convolution that still belong to it: a clip, a sum."""
_CONVOLUTIONAL = ("cnn", "vgg")


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, with what the rehearsal found on up to 200 test images.

    Raises BadInput for a network that is no convolutional one.
    """
    if context.facts.backbone.family not in _CONVOLUTIONAL:
        raise BadInput(
            "Only convolutional networks keep their answers in 8 bits, and this one is none. "
            "Export it as ONNX instead."
        )
    require_colour(context.description)

    def put_graph(bundle: Path) -> None:
        with tempfile.TemporaryDirectory(dir=bundle.parent) as space:
            whole = Path(space) / "whole.onnx"
            about = write_onnx(context, whole, half_stored=False).about
            _quantize(whole, bundle / "model.onnx", _calibration(context), about)

    yield from write_classify_zip(
        context,
        file,
        "int8",
        put_graph,
        engine=ENGINE,
        most_tested=_MOST_TESTED,
        largest_difference=1.0,
        said=_changes,
    )


def _changes(trial: Trial) -> str:
    own = trial.of_tested
    return (
        f"The weights and the sums of this form have 8 bits. Of {own.n} test images, "
        f"{own.n - own.labels_equal} get another class than in the app; probabilities differ "
        f"by up to {own.max_difference:.2f}. {trial.agreement.sentence}"
    )


FORMAT = ExportFormat(
    title="8-bit ONNX",
    purpose="The smallest and quickest on a processor; a few answers change.",
    suffix=".zip",
    write=write,
    order=60,
)


def _calibration(context: ExportContext) -> list[np.ndarray]:
    """Batches of prepared images (n, size, size, 3) that were not tested on, evenly chosen."""
    tested = {row.image for row in context.facts.report.kept_predictions}
    images = [item.image for item in context.facts.dataset.items]
    images = [image for image in images if image not in tested] or images
    step = max(1, len(images) // _CALIBRATION_IMAGES)
    square = context.description.preprocessing.square
    pixels = [
        np.asarray(square(context.store.open(image)))
        for image in images[::step][:_CALIBRATION_IMAGES]
    ]
    return [np.stack(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]


class _Reader:
    """Gives the quantizer one batch after the other."""

    def __init__(self, batches: Sequence[np.ndarray]) -> None:
        self._rest = iter(batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(({"pixels": batch} for batch in self._rest), None)


def _quantize(
    whole: Path, file: Path, batches: Sequence[np.ndarray], about: dict[str, Any]
) -> None:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with_shapes = whole.with_name("with_shapes.onnx")
    quant_pre_process(whole, with_shapes, skip_optimization=True, skip_symbolic_shape=True)
    quantize_static(
        with_shapes,
        file,
        _Reader(batches),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(_QUANTIZED),
        nodes_to_exclude=_behind(onnx.load(with_shapes)),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    graph = onnx.load(file)
    onnx.helper.set_model_props(graph, {METADATA: json.dumps(about, ensure_ascii=False)})
    onnx.save(graph, file)


def _behind(graph: "onnx.ModelProto") -> list[str]:
    """The names of what comes after the last convolution: pooling, classifier, unknown score."""
    nodes = list(graph.graph.node)
    last = max(at for at, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for node in nodes[last + 1 + _AFTER :]]

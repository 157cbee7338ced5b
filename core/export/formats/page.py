"""A page in one file: the model, and all that runs it, in a single HTML for any browser.

It opens by double click or from a mail, without a network, and sends nothing anywhere. Before it is
handed out it is opened in a browser of this machine and asked about real images; where there is no
browser, its graph is run by onnxruntime. The result says which.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from core.analysis.prediction import ImagePrediction, predict_files, predictions_of
from core.errors import GraftError, NotFound
from core.events import Event, Finished, Progress
from core.export.formats import ExportContext, ExportFormat
from core.export.one_page import one_page
from core.export.onnx_graph import write_onnx
from core.export.originals import original_files
from core.export.page_trial import page_answers
from core.files import replaced

LARGEST_DIFFERENCE = 1e-3
"""Of probabilities about images as the app keeps them. What it was brought, of other sizes and
colours, a browser may decode a little differently: how much, the result says."""
_IMAGES = 8
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the answers of the page and of the app compare."""

    n: int
    """Images that both could read."""
    labels_equal: int
    max_difference: float
    """Of a probability."""


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the page; it must agree with the app first.

    Ends with Finished(result={"file", "format": "page", "bytes", "n", "labels_equal",
    "max_difference", "seconds", "tried_in"}), where the last is "browser" or "onnxruntime". Raises
    BadInput for a model of other than plain colour images, NotFound without a model or the images
    that it was tested on, GraftError when the page does not agree with the app.
    """
    began = time.monotonic()
    yield Progress("Building the page", 0, _STEPS)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as folder:
        space = Path(folder)
        graph, page = space / "model.onnx", space / "model.html"
        write_onnx(context, graph)
        today = datetime.now(UTC).date()
        text = one_page(context.facts, context.description, graph.read_bytes(), today=today)
        page.write_bytes(text.encode())
        yield Progress("Trying the page out in a browser", 1, _STEPS)
        kept = _test_images(context)
        tried = [*kept, *original_files(context.facts.dataset, context.settings, space)]
        tried_in, theirs = page_answers(page, graph, context.run, tried, context.settings)
        yield Progress("Comparing it with the app", 2, _STEPS)
        ours = _predictions(context, tried)
        _require_agreement(agreement(ours[: len(kept)], theirs[: len(kept)]), len(kept))
        found = agreement(ours, theirs)
        with replaced(file) as draft:
            draft.write_bytes(page.read_bytes())
            draft.chmod(0o644)
    seconds = time.monotonic() - began
    yield Finished(
        seconds,
        {
            "file": str(file),
            "format": "page",
            "bytes": file.stat().st_size,
            "n": found.n,
            "labels_equal": found.labels_equal,
            "max_difference": found.max_difference,
            "seconds": seconds,
            "tried_in": tried_in,
        },
    )


FORMAT = ExportFormat(title="One page for any browser or phone", suffix=".html", write=write)


def agreement(ours: Sequence[ImagePrediction], theirs: Sequence[ImagePrediction]) -> Agreement:
    """How two lists of answers about the same images compare, where both have one."""
    n = equal = 0
    differences = [0.0]
    for one, other in zip(ours, theirs, strict=True):
        if "error" in one or "error" in other:
            continue
        n += 1
        pairs = [(one, other)]
        if "tasks" in one:
            pairs = [(answer, other["tasks"][task]) for task, answer in one["tasks"].items()]  # type: ignore[misc]
        equal += all(first["label"] == second["label"] for first, second in pairs)
        for first, second in pairs:
            for name, share in first["probabilities"].items():
                differences.append(abs(share - second["probabilities"][name]))
    return Agreement(n, equal, float(np.max(differences)))  # unlike max, it never drops a NaN


def _require_agreement(found: Agreement, n: int) -> None:
    if found.n < n:
        raise GraftError(
            f"The page was tried out and could read only {found.n} of {n} test images, so nothing "
            "was exported. Export the ZIP instead."
        )
    if not found.max_difference <= LARGEST_DIFFERENCE:
        raise GraftError(
            "The page was tried out and its probabilities differ from the app's by up to "
            f"{found.max_difference:.2g}, so nothing was exported. Export the ZIP instead."
        )


def _test_images(context: ExportContext) -> list[Path]:
    """Test images as they are stored, one of each class before a second of any."""
    seen: dict[str, int] = {}
    turns = []
    for index, row in enumerate(context.facts.report.kept_predictions):
        seen[row.true] = seen.get(row.true, 0) + 1
        turns.append((seen[row.true], index, row.image))
    try:
        return [context.store.path(image) for _, _, image in sorted(turns)[:_IMAGES]]
    except NotFound as error:
        raise NotFound(
            "The images that this model was tested on are not in this home folder, so the page "
            "cannot be tried out. Export it where it was trained."
        ) from error


def _predictions(context: ExportContext, images: Sequence[Path]) -> list[ImagePrediction]:
    *_, last = predict_files(context.run, images, context.settings)
    if not isinstance(last, Finished):
        raise TypeError(f"predict_files ended with {last!r}")
    return predictions_of(last.result)

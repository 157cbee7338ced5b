"""Trying a one-file page out: in a Chromium of this machine, or its graph where there is none."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from core.analysis.prediction import ImagePrediction
from core.errors import GraftError
from core.export.bundle import put_classify
from core.export.chromium import BrowserFailed, find_chromium, opened
from core.export.formats import ExportContext
from core.export.onnx_graph import ENGINE
from core.export.rehearsal import (
    BROKEN,
    LARGEST_DIFFERENCE,
    Agreement,
    agreement,
    app_answers,
    files_to_try,
    try_out,
)

BROWSER, RUNTIME = "browser", "onnxruntime"
"""Where a page was tried out."""
_SECONDS = 300.0
_READY = "model.then(() => '', error => String(error.message ?? error))"
_ANSWERED = """new Promise((done) => {
  const look = () => answers.length < %d || working ? setTimeout(look, 20) : done(JSON.stringify(
    answers.map(({ thumbnail, ...rest }) => rest)));
  look();
})"""


class PageTab(Protocol):
    """A page that is open in a browser, of whatever make."""

    def evaluate(self, script: str) -> Any: ...
    def choose(self, element: str, files: Sequence[Path]) -> None: ...


def try_page(context: ExportContext, page: Path, graph: Path, space: Path) -> tuple[str, Agreement]:
    """Where the page was tried out, and how near its answers come to the app's.

    `graph` is the one in the page, alone in its folder. Raises NotFound where the test images are
    not here, GraftError when the page does not work, or test images get other probabilities.
    """
    if browser := find_chromium():
        try:
            return BROWSER, _in_browser(context, page, space, browser)
        except BrowserFailed:  # it cannot be started here, or broke off: no fault of the page
            pass
    put_classify(graph.parent, ENGINE)
    trial = try_out(context, graph.parent, space, script="classify.py")
    trial.agreement.require(BROKEN)
    return RUNTIME, trial.agreement


def _in_browser(context: ExportContext, page: Path, space: Path, browser: str) -> Agreement:
    """Files that a browser cannot show, such as TIFF, are left out.

    What was not made by this app a browser may decode a little differently, deep pixels and colours
    under transparency above all: how much, the result says; only test images have to agree.
    """
    began = time.monotonic()
    tested, others = files_to_try(context, space)
    theirs = page_answers(page, [*tested, *others], browser)
    ours = app_answers(context.run, [*tested, *others], context.settings)
    n = len(tested)
    agreement(ours[:n], theirs[:n]).require(LARGEST_DIFFERENCE)
    return compared(ours, theirs, seconds=time.monotonic() - began)


def compared(
    ours: Sequence[ImagePrediction], theirs: Sequence[ImagePrediction], *, seconds: float = 0.0
) -> Agreement:
    """How near they come to each other, on the images that both could read."""
    both = [
        (mine, own)
        for mine, own in zip(ours, theirs, strict=True)
        if "error" not in mine and "error" not in own
    ]
    return agreement([mine for mine, _ in both], [own for _, own in both], seconds=seconds)


def page_answers(page: Path, files: Sequence[Path], browser: str) -> list[ImagePrediction]:
    """What the page itself says about the files, opened from its file without a network.

    Raises BrowserFailed, and GraftError when the model does not start in the page.
    """
    with opened(page, browser, seconds=_SECONDS) as tab:
        return tab_answers(tab, files)


def tab_answers(tab: PageTab, files: Sequence[Path]) -> list[ImagePrediction]:
    """What the page that is open says about the files. Raises as `page_answers`."""
    if why := tab.evaluate(_READY):
        raise GraftError(f"The page was opened in a browser and did not work: {why}.")
    tab.choose("files", files)
    rows = json.loads(tab.evaluate(_ANSWERED % len(files)))
    return [row_of(row) for row in sorted(rows, key=lambda row: int(row["number"]))]


def row_of(said: Mapping[str, Any]) -> ImagePrediction:
    """What the page holds of an image as the app tells it."""
    if "error" in said:
        return {"image": said["name"], "error": said["error"]}
    answers = {
        own["task"]: {
            "label": own["label"],
            "probabilities": dict(own["ranked"]),
            "prediction_set": own["prediction_set"],
        }
        for own in said["tasks"]
    }
    row = {"image": said["name"], **next(iter(answers.values()))}
    row |= {"tasks": answers} if len(answers) > 1 else {}
    return cast(ImagePrediction, row | {"ood": said["ood"], "ood_score": said["ood_score"]})

"""`predict`: what a model says about image files."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.settings import Settings

if TYPE_CHECKING:
    from core.analysis.prediction import Answer, ImagePrediction


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return predict(chosen.run, chosen.images, settings, terminal)


def predict(run: Path, images: Sequence[str], settings: Settings, terminal: Terminal) -> int:
    """Say what is in image files, in the order given; returns 2 when none of them is readable."""
    from core.analysis.prediction import predict_files, predictions_of

    require_run(run)
    files = [Path(image) for image in images]
    rows = predictions_of(result_of(predict_files(run, files, settings, names=images), terminal))
    terminal.result(rows, "\n".join(_row_text(row) for row in rows))
    return 2 if all("error" in row for row in rows) else 0


def _row_text(row: "ImagePrediction") -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    answers: dict[str, Answer] = row.get("tasks") or {"": row}
    texts = []
    for task, answer in answers.items():
        best = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:3]
        likeliest = ", ".join(f"{label} {probability:.0%}" for label, probability in best)
        texts.append(f"{task}: {likeliest}" if task else likeliest)
    strange = "unlike all it learned from; perhaps " if row.get("ood") else ""
    return f"{row['image']}: {strange}{'; '.join(texts)}"


COMMAND = Command(
    "say what is in images",
    ("predict run image.jpg another.png",),
    _run,
    _add_arguments,
    order=40,
)

"""`explain`: why a model says what it says about images."""

import base64
import io
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli._command import Command, add_run
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.errors import GraftError, UnreadableImage
from core.settings import Settings

if TYPE_CHECKING:
    from core.analysis.grad_cam import Explanation

_TRUST = {
    "dependent": "With random weights the map (Grad-CAM) looks different{}, so it does depend on "
    "what was learned.",
    "independent": "With random weights the map (Grad-CAM) looks much the same{}, so it shows the "
    "image rather than what was learned.",
    "flat": "No part of the image matters more than others: the map (Grad-CAM) is flat.",
}
_UNCHECKED = "Whether the map (Grad-CAM) depends on what was learned could not be checked."
_SHOWN = 3
"""Images named where a person reads; with --json all of them."""


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the maps (PNG)")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return explain(chosen.run, chosen.images, chosen.out, settings, terminal)


def explain(
    run: Path, images: Sequence[str], out: Path | None, settings: Settings, terminal: Terminal
) -> int:
    """For each image file tell the answer, whether the map of its evidence depends on what was
    learned, and the training images most like it; returns 2 when none of them is readable.

    The maps are written into the folder `out`, as PNG files, where one is given.
    """
    from core.analysis.grad_cam import explain as events_of
    from core.analysis.grad_cam import explanation_of

    require_run(run)
    names, rows = _learned(run, settings), list[dict[str, Any]]()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, 1):
        try:
            result = result_of(events_of(run, settings, file=Path(image)), terminal)
        except UnreadableImage as error:
            rows.append({"image": image, "error": str(error)})
            continue
        found = explanation_of(result)
        if found is None:
            raise GraftError("There is no result. Try again.")
        row = _row(image, found, names)
        if out is not None:
            file = out / f"{number:0{len(str(len(images)))}}-{Path(image).stem}.png"
            _write(found.map, file)
            row["map"] = str(file)
        rows.append(row)
    terminal.result(rows, "\n".join(_text(row) for row in rows))
    return 2 if all("error" in row for row in rows) else 0


def _learned(run: Path, settings: Settings) -> dict[str, str]:
    """Names of the images that the run was trained on, by their hash, where they are known."""
    from core.dataset.store import Store
    from core.evaluation.report import Report

    try:
        dataset = Store(settings.home).load(Report.load(run).dataset)
    except GraftError:
        return {}
    return {item.image: item.name for item in dataset.items}


def _row(image: str, found: "Explanation", names: Mapping[str, str]) -> dict[str, Any]:
    """Without the images, and with the names of the nearest ones."""
    nearest = [{"name": names.get(each.image, ""), **asdict(each)} for each in found.nearest]
    return {
        "image": image,
        "label": found.label,
        "confidence": found.confidence,
        "verdict": found.verdict,
        "rank_correlation": found.rank_correlation,
        "nearest": nearest,
    }


def _write(address: str, file: Path) -> None:
    """An image in a data address as a PNG file."""
    from PIL import Image

    from core.files import replaced

    content = io.BytesIO(base64.b64decode(address.partition(",")[2]))
    with Image.open(content, formats=["JPEG", "PNG"]) as image, replaced(file) as draft:
        image.save(draft, "PNG")


def _text(row: Mapping[str, Any]) -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    lines = [f"{row['image']}: {row['label']}, {row['confidence']:.0%}", f"  {_trust(row)}"]
    if row["nearest"]:
        near = [
            f"{each['name'] or each['image'][:12]} ({each['label']}, {each['cosine']:.0%})"
            for each in row["nearest"][:_SHOWN]
        ]
        lines.append(f"  Most similar training images: {', '.join(near)}")
    if "map" in row:
        lines.append(f"  The map is in {row['map']}")
    return "\n".join(lines)


def _trust(row: Mapping[str, Any]) -> str:
    correlation = row["rank_correlation"]
    words = "" if correlation is None else f" (rank correlation {correlation:.2f})"
    return _TRUST.get(row["verdict"], _UNCHECKED).format(words)


COMMAND = Command(
    "explain answers: where the model looked, and the most similar training images",
    ("explain run image.jpg --out maps",),
    _run,
    _add_arguments,
    order=41,
)

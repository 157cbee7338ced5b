"""`rank`: which backbone suits a folder of images, tried on them before anything is trained."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli._command import STOPPED, Command, add_data, add_labels, labels_of, separated
from core.cli._importing import require_data, stop_signals, until
from core.cli._terminal import Terminal
from core.events import Finished
from core.pretraining_analysis.ranking_rows import RankingRow, suggested
from core.settings import Settings

_ORDER = (
    "Ranked by accuracy of a classifier on frozen features, with a little weight on ImageNet "
    "accuracy. Log-loss and nearest neighbours are shown beside it. Fine-tuning may change "
    "the order."
)


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument(
        "--backbones",
        metavar="B[,B]",
        help="networks to try; default: all whose weights are on this machine",
    )
    add_labels(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return rank(
        chosen.data,
        settings,
        terminal,
        backbones=separated(chosen.backbones),
        columns=labels_of(chosen),
    )


def rank(
    data: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    backbones: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> int:
    """Import `data`, try the backbones on it, list them best first; returns the exit code.

    Without `backbones` all are tried whose weights are on this machine. `columns` are those of a
    table in `data` that hold classes, in case they are not found.
    """
    from core.backbones.catalogue import get_backbone
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store
    from core.pretraining_analysis.backbone_ranking import rank as try_on

    require_data(data)
    for name in backbones:
        get_backbone(name)  # a mistyped name is told before any image is looked at
    store = Store(settings.home)
    with stop_signals() as stop:
        events = import_images(
            data, store, settings, title=data.resolve().name, columns=columns, follow_links=True
        )
        last = terminal.drain(until(events, stop))
        if isinstance(last, Finished):
            dataset = store.load(last.result["dataset"])
            last = terminal.drain(until(try_on(dataset, store, settings, backbones), stop))
    if not isinstance(last, Finished):
        terminal.result(
            {"stopped": True},
            "Stopped. Results so far are kept; run the command again to resume.",
        )
        return STOPPED
    rows: list[Any] = [
        {name: value for name, value in row.items() if name != "folds"}
        for row in last.result["rows"]
    ]
    terminal.result(rows, _text(rows))
    return 0


def _text(rows: Sequence[RankingRow]) -> str:
    """One line a backbone, and below them which cannot be told from the first, which of these to
    take, and what made the order."""
    lines = [_line(row) for row in rows]
    tied = [row["title"] for row in rows if row.get("tied")]
    if len(tied) > 1:
        best = suggested([row for row in rows if "error" not in row])
        lines.append(
            f"{', '.join(tied)} do equally well on these images. Take {best['title']}: the "
            "fastest within one standard error of the first."
        )
    if any("error" not in row for row in rows):
        lines.append(_ORDER)
    return "\n".join(lines)


def _line(row: RankingRow) -> str:
    if "error" in row:
        return f"{row['backbone']}: not tried. {row['error']}"
    loss = row["log_loss"]
    surprise = (
        f"log-loss {loss:.2f} (standard error {row['log_loss_stderr']:.2f}), "
        if loss is not None
        else ""
    )
    return (
        f"{row['backbone']}: {100 * row['accuracy']:.1f} % correct (standard error "
        f"{100 * row['stderr']:.1f}), {surprise}neighbours {100 * row['knn']:.1f} % (standard "
        f"error {100 * row['knn_stderr']:.1f}); "
        f"{row['images_per_second']:.0f} images per second, "
        f"{row['parameters'] / 1e6:.1f} million parameters"
    )


COMMAND = Command(
    "rank pretrained networks on your images, before training",
    ("rank images", "rank images --backbones tf_efficientnet_lite0,tf_efficientnet_lite1"),
    _run,
    _add_arguments,
    order=21,
)

"""`predict`: what a model says about image files."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli._command import Command, add_run
from core.cli._predictions import rows_as_text
from core.cli._runs import require_run, result_of
from core.cli._terminal import Terminal
from core.errors import BadInput
from core.files import replace_file
from core.settings import Settings

if TYPE_CHECKING:
    from core.analysis.prediction import ImagePrediction


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument(
        "--sorted",
        type=Path,
        metavar="DIR",
        help="copy the images into DIR (new or empty): one folder per class, and “unknown” for "
        "images unlike any of them",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="write the answers to FILE.csv or FILE.xlsx, with one column per class",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return predict(
        chosen.run, chosen.images, settings, terminal, into=chosen.sorted, table=chosen.table
    )


def predict(
    run: Path,
    images: Sequence[str],
    settings: Settings,
    terminal: Terminal,
    *,
    into: Path | None = None,
    table: Path | None = None,
) -> int:
    """Say what is in image files, in folders of such and in those that a pattern means.

    Returns 1 when some could not be read, 2 when none could.

    `into` is the folder that they are sorted into, `table` the file for the answers. Raises
    BadInput, before anything is done, for one that cannot be used.
    """
    from core.analysis.prediction import predict_files, predictions_of
    from core.dataset.ingest.kinds import files_of
    from core.export.sorted_images import require_empty

    require_run(run)
    if into:
        require_empty(into)
    if table:
        _require_table(table)
    names = files_of(images)
    files = [Path(name) for name in names]
    rows = predictions_of(result_of(predict_files(run, files, settings, names=names), terminal))
    if table:
        _write_table(table, rows)
    if into and any("error" not in row for row in rows):
        _sort(into, files, rows, settings, terminal)
    terminal.result(rows, rows_as_text(rows))
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 2 if failed == len(rows) else 1


def _require_table(file: Path) -> None:
    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise BadInput(f"The table can be CSV or Excel: end “{file.name}” in .csv or .xlsx.")
    if not file.absolute().parent.is_dir():
        raise BadInput(
            f"There is no folder “{file.absolute().parent}” for the table. Create it first."
        )
    if file.is_dir():
        raise BadInput(f"“{file}” is a folder. Name a file for the table.")


def _write_table(file: Path, rows: Sequence["ImagePrediction"]) -> None:
    """With the byte order mark, by which spreadsheets read CSV as UTF-8."""
    from core.analysis.prediction_table import predictions_csv, predictions_xlsx

    if file.suffix.lower() == ".xlsx":
        replace_file(file, predictions_xlsx(rows))
    else:
        replace_file(file, ("\ufeff" + predictions_csv(rows)).encode("utf-8", "replace"))


def _sort(
    into: Path,
    files: Sequence[Path],
    rows: Sequence["ImagePrediction"],
    settings: Settings,
    terminal: Terminal,
) -> None:
    from core.export.sorted_images import SortedImage, sort_into_folder

    images = [
        SortedImage(row["image"], file, None if row.get("ood") else row["label"])
        for row, file in zip(rows, files, strict=True)
        if "error" not in row
    ]
    result_of(sort_into_folder(images, into, settings), terminal)


COMMAND = Command(
    "classify images",
    (
        'predict run image.jpg folder "more/*.png"',
        "predict run folder --sorted sorted --table answers.xlsx",
    ),
    _run,
    _add_arguments,
    order=40,
)

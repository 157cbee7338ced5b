"""The answers of a predict job, under the names that the images were brought with."""

from pathlib import Path
from typing import Any

from core.analysis.prediction_table import predictions_csv, predictions_xlsx
from core.errors import NotFound
from core.jobs.answers import Answered, answers_of, corrections, thumbnail_file
from core.web.paths import address


def job_predictions(folder: Path) -> list[dict[str, Any]]:
    """One row an image as core.analysis.prediction.predict_files tells it, with a "preview".

    `image` is the name as brought; `preview` the address of the image, or empty. Raises NotFound
    when what was written down cannot be read.
    """
    return [{**each.row, "preview": preview(folder, each)} for each in answers_of(folder)]


def preview(folder: Path, answered: Answered) -> str:
    """The address of a small image: of the thumbnail, or of the upload where there is none."""
    if thumbnail_file(folder, answered.number).is_file():
        return address("answer", folder.name, answered.number)
    file = answered.file
    if file is None or file.parent.parent.name != "uploads":
        return ""
    return address("upload", file.parent.name, file.name)


def job_table(folder: Path, *, as_xlsx: bool = False) -> bytes:
    """The predictions of a job as CSV, or as an Excel workbook. Raises NotFound when they cannot
    be read, BadInput where Excel has not so many columns."""
    rows = [each.row for each in answers_of(folder)]
    corrected = corrections(folder)
    try:
        if as_xlsx:
            return predictions_xlsx(rows, corrected)
        # The byte order mark makes spreadsheets read the file as UTF-8.
        return ("\ufeff" + predictions_csv(rows, corrected)).encode("utf-8", "replace")
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise NotFound("These answers can no longer be read. Predict the images again.") from (
            error
        )

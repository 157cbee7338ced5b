"""What tables and annotation files say about images, without any image being decoded."""

import csv
import io
from collections.abc import Sequence

from core.dataset.ingest.annotations import Annotations, annotations
from core.dataset.ingest.table_files import table_file
from core.settings import Settings


def told(
    files: dict[str, bytes],
    images: Sequence[str],
    columns: Sequence[str] = (),
    one_hot: bool | None = None,
) -> Annotations:
    """What files by these names say about images of these paths."""
    limits = Settings()
    read = [table_file(name, content, limits) for name, content in files.items()]
    return annotations([t for each in read for t in each.tables], images, columns, one_hot)


def classes(found: Annotations, images: Sequence[str]) -> dict[str, str | None]:
    """The first label of each image that a table names."""
    return {images[place]: row.labels[0] for place, row in sorted(found.rows.items()) if row.labels}


def text(rows: Sequence[Sequence[object]], separator: str = ",", encoding: str = "utf-8") -> bytes:
    """A table as text."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode(encoding)


def sentences(found: Annotations) -> str:
    """All notes as one text."""
    return "\n".join(note.sentence for note in found.notes)

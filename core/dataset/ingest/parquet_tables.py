"""Parquet into rows, and the images that may stand inside, as Hugging Face keeps data sets.

An image in a Parquet file gets a path of its own, which its row names, so that from there on it is
a file beside a table like any other.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from core.dataset.ingest.entries import too_large_table
from core.dataset.ingest.kinds import HEAD, kind_of
from core.dataset.ingest.table import TAG
from core.errors import UnreadableTable
from core.settings import MiB, Settings

_SHARD = re.compile(r"(.+?)-(\d+)-of-\d+.*")
"""`train-00000-of-00002`: the name of a split and the number of a part of it."""
_MOST_AT_ONCE = 32 * MiB
"""Bytes of images that are given on together, unless one alone has more."""

File = str | BinaryIO


def rows(name: str, file: File, settings: Settings) -> Iterator[Sequence[object]]:
    """A header, and the columns of text, numbers, dates and lists of these, row by row; for a
    column of images the paths that `images` gives them."""
    from pyarrow import parquet  # only for such files

    schema = parquet.read_schema(file)
    embedded = _image_column(schema, file)
    simple = [each.name for each in schema if _is_simple(each.type)]
    texts = [each for each in simple if _is_text(schema.field(each).type)]
    words = _class_names(schema.metadata or {})
    # Text stays one copy of each word and numbers of words: a short file can hold millions.
    with parquet.ParquetFile(file, read_dictionary=texts) as opened:
        if _bytes_of(opened, simple) > settings.max_table_bytes:
            raise UnreadableTable(too_large_table(settings))
        yield [*simple, *([embedded] if embedded else [])]
        number = 0
        for batch in opened.iter_batches(batch_size=1000, columns=simple):
            cells = [_values(batch.column(each), words.get(each)) for each in simple]
            if embedded:
                numbers = range(number, number + batch.num_rows)
                cells.append([path_of(name, each) for each in numbers])
            number += batch.num_rows
            yield from zip(*cells, strict=True)
        if not simple and embedded:
            yield from ((path_of(name, each),) for each in range(opened.metadata.num_rows))


def images(
    file: File, start: int, settings: Settings
) -> tuple[list[tuple[int, int]], bytes, int | None]:
    """Images from row `start` on: row and bytes of each, all bytes, and the row to go on with.

    A size of -1 stands for an image over Settings.max_file_bytes. None at the end.
    """
    from pyarrow import parquet

    column = _image_column(parquet.read_schema(file), file)
    if column is None:
        return [], b"", None
    found: list[tuple[int, int]] = []
    chunks: list[bytes] = []
    size = 0
    with parquet.ParquetFile(file) as opened:
        for row, content in _contents(opened, column, start):
            fits = len(content) <= settings.max_file_bytes
            found.append((row, len(content) if fits else -1))
            if fits:
                chunks.append(content)
                size += len(content)
            if size > _MOST_AT_ONCE:
                return found, b"".join(chunks), row + 1
    return found, b"".join(chunks), None


def path_of(name: str, row: int) -> str:
    """The path of the image in a row of the Parquet file `name`: its split is the folder."""
    path = PurePosixPath(name)
    stem = path.name.partition(".")[0]
    shard = _SHARD.fullmatch(stem)
    folder, start = (shard[1], f"{shard[2]}-") if shard else (stem, "")
    return str(path.parent / folder / f"{start}{row:06}.jpg")


def _contents(opened: Any, column: str, start: int) -> Iterator[tuple[int, bytes]]:
    first = 0
    for group in range(opened.num_row_groups):
        rows_here = opened.metadata.row_group(group).num_rows
        if first + rows_here > start:
            row = first
            for batch in opened.iter_batches(16, row_groups=[group], columns=[column]):
                for value in batch.column(0):
                    if row >= start and (content := _bytes_in(value.as_py())):
                        yield row, content
                    row += 1
        first += rows_here


def _bytes_in(value: Any) -> bytes:
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else b""


def _image_column(schema: Any, file: File) -> str | None:
    """The first column whose first value is an image."""
    from pyarrow import parquet, types

    kinds = types.is_binary, types.is_large_binary
    for each in schema:
        inner = each.type
        if types.is_struct(inner) and inner.get_field_index("bytes") >= 0:
            inner = inner.field("bytes").type
        if not any(is_kind(inner) for is_kind in kinds):
            continue
        with parquet.ParquetFile(file) as opened:
            first = next((content for _, content in _contents(opened, each.name, 0)), b"")
        if kind_of(first[:HEAD]):
            return str(each.name)
    return None


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Names for the numbers in columns, as the library `datasets` notes them in the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            str(column): [str(word) for word in names]
            for column, about in features.items()
            if isinstance(names := (about.get("feature") or about).get("names"), list)
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def _values(column: Any, words: list[str] | None) -> list[object]:
    from pyarrow import types

    if types.is_dictionary(column.type):
        known = column.dictionary.to_pylist()
        return [None if place is None else known[place] for place in column.indices.to_pylist()]
    return [_value(each, words) for each in column.to_pylist()]


def _value(value: Any, words: list[str] | None) -> object:
    if isinstance(value, list):
        return TAG.join(sorted({str(_value(each, words)) for each in value if each is not None}))
    if words and isinstance(value, int):
        return words[value] if 0 <= value < len(words) else None  # -1 is no label
    return int(value) if isinstance(value, bool) else value


def _bytes_of(opened: Any, columns: Sequence[str]) -> int:
    """How much some columns take unpacked, as the file says."""
    wanted = set(columns)
    groups = [opened.metadata.row_group(n) for n in range(opened.metadata.num_row_groups)]
    chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
    return sum(
        chunk.total_uncompressed_size
        for chunk in chunks
        if chunk.path_in_schema.partition(".")[0] in wanted
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_simple(kind: Any) -> bool:
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind):
        return not types.is_nested(kind.value_type) and _is_simple(kind.value_type)
    bytes_of_any_length = types.is_binary, types.is_large_binary, types.is_fixed_size_binary
    return not (types.is_nested(kind) or any(each(kind) for each in bytes_of_any_length))

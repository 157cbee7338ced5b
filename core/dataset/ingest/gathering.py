"""Annotation files that say one thing each, brought together: one for each image, and the names
of the classes that they and tables give only numbers for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os.path import commonpath
from pathlib import PurePosixPath

from core.dataset.ingest.table import TAG, Table


@dataclass(frozen=True, slots=True)
class ClassNames:
    """Lists of classes by number that were brought."""

    tables: tuple[Table, ...]
    used: set[str] = field(default_factory=set)
    """Names of those that gave names."""

    def of(self, table: Table) -> Table | None:
        """The list that lies nearest to `table`: in its folder, above it, or the only one."""
        folder = _folder(table.name)
        around = [each for each in self.tables if folder.is_relative_to(_folder(each.name))]
        if around:
            return max(around, key=lambda each: len(_folder(each.name).parts))
        return self.tables[0] if len({each.rows for each in self.tables}) == 1 else None


def gathered(tables: Sequence[Table]) -> tuple[list[Table], ClassNames]:
    """Tables that speak of several images each, and the lists of classes."""
    names = ClassNames(tuple(each for each in tables if each.kind == "names"))
    whole = [each for each in tables if each.kind == "table"]
    single: dict[str, list[Table]] = defaultdict(list)
    for each in tables:
        if each.kind in ("labels", "boxes"):
            alone = each.kind == "boxes" or len(each.rows) == 1
            single[each.form if alone else each.name].append(each)
    return [*whole, *(_together(each, names) for each in single.values())], names


def _together(tables: Sequence[Table], names: ClassNames) -> Table:
    """One table of files of one form; their path is the folder that holds them all."""
    first = tables[0]
    rows = [row for table in tables for row in _rows(table, names)]
    width = max(2, *map(len, rows))
    even = tuple((*row, *("",) * (width - len(row))) for row in rows)
    if len(tables) == 1:
        return replace(first, rows=even, kind="labels")
    paths = [table.name for table in tables]
    folder = commonpath(paths) if not any(path.startswith("/") for path in paths) else ""
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    name = f"{folder}/*{PurePosixPath(first.name).suffix}".lstrip("/")
    return replace(first, name=name, rows=even, notes=notes, kind="labels", files=tuple(paths))


def _rows(table: Table, names: ClassNames) -> list[tuple[str, ...]]:
    if table.kind != "boxes":
        return list(table.rows)
    known = {row[0]: row[1] for row in found.rows} if (found := names.of(table)) else {}
    if found:
        names.used.add(found.name)
    words = sorted({known.get(number, number) for _, number in (row[:2] for row in table.rows)})
    path = PurePosixPath(table.rows[0][0])
    beside = ["images" if part.lower() == "labels" else part for part in path.parts]
    return [("/".join(beside), TAG.join(words), str(path))]


def named(
    table: Table, words: Sequence[str], names: ClassNames
) -> tuple[dict[str, str], str, bool]:
    """Names for the numbers or codes that `words` are, whence, and whether counted from 1.

    Nothing where some word is neither, or has no name.
    """
    found = names.of(table)
    if found is None or not words:
        return {}, "", False
    coded = {row[0]: row[1] for row in found.rows if not row[0].isdecimal()}
    if coded.keys() >= set(words):
        names.used.add(found.name)
        return {word: coded[word] for word in words}, found.name, False
    whole = {word: word.partition(".")[0] for word in words}
    if not all(each.isdecimal() for each in whole.values()):
        return {}, "", False
    known = {str(int(row[0])): row[1] for row in found.rows if row[0].isdecimal()}
    numbers = {word: int(each) for word, each in whole.items()}
    is_from_one = min(numbers.values()) == 1 and max(numbers.values()) == len(known)
    is_from_one = is_from_one and "0" in known
    by = {word: known.get(str(number - is_from_one)) for word, number in numbers.items()}
    if not all(by.values()):
        return {}, "", False
    names.used.add(found.name)
    return {word: name for word, name in by.items() if name}, found.name, is_from_one


def _folder(name: str) -> PurePosixPath:
    return PurePosixPath(name).parent

"""Which column of a table is what: file names, classes, a split, or one column for each class.

Names of columns in several languages speak first, then how often their words come again. What is
in doubt is chosen too, and said.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.dataset.classes import clean_class, part_of, shortened
from core.dataset.ingest.cell_paths import Cells
from core.dataset.ingest.entries import is_image_name
from core.dataset.ingest.file_names import normal
from core.dataset.ingest.table import Table

Choice = Callable[[str], bool]

_FILES = re.compile(
    r"(file|image|img|picture|photo|path|id|name|datei|bild|fichier|archivo|imagen|файл|文件|图片"
    r"|文件名|檔案|圖片|ファイル|画像|파일|이미지)([_ ]?(name|path|id|url))?s?"
)
_WORDS = (
    "label|class|classe|clase|klasse|category|categorie|kategorie|categoría|categoria|catégorie"
    "|target|species|espèce|especie|art|breed|rasse|raza|dx|diagnosis|diagnose|diagnóstico"
    "|diagnostic|choice|tag|annotation|ground[_ ]?truth|gt|truth|étiquette|etiqueta|etichetta"
    "|класс|метка|категория|标签|标注|类别|分类|類別|標籤|分類|種類|クラス|ラベル|カテゴリ|라벨"
    "|클래스|분류|레이블|finding[_ ]labels"
)
_CLASSES = re.compile(rf"(({_WORDS})e?s?([_ ]?(name|id))?)|(label|class)[_ ].+|.+[_ ]({_WORDS})")
_ABOUT_CLASSES = re.compile(
    r".*[_ ](source|by|date|time|type|confidence|confirm\w*|conf|score|count|author|note|quality"
    r"|version|status|path|file|url|weight|group|set|url|method|prob\w*)"
)
_NUMBERS = re.compile(r".*[_ ]id")
_LIKELY = re.compile(
    r"(type|kind|grade|disease|condition|finding|variety|cultivar|defect|material|emotion|taxon"
    r"|expression|outcome|result|answer|(common|scientific|latin)[_ ]name|genus|plant|animal|object"
    r"|severity|stage|style|value)s?"
)
_SPLITS = re.compile(r"(data[_ ]?)?(split|part|partition|set|subset|usage|phase)(s|[_ ]name)?")
_NO_CLASSES = re.compile(
    r"(image[_ ])?(width|height|size|bytes|index|date|time|year|month|day|url|fold|license|licence)"
    r"|row|x|y|w|h|(x|y)(min|max)|.*[_ ](id|at|date|time|by)|.*(comment|remark|note|description)s?"
    r"|unnamed: \d+"
)
_UNLIKELY = re.compile(
    r"(.*[_ ])?(doctor|physician|radiologist|annotator|rater|reader|reviewer|author|user|observer"
    r"|photographer|label+er|expert|worker|owner|operator|examiner|inspector|email|name|person"
    r"|camera|device|scanner|model|site|hospital|clinic|cent(er|re)|location|locali[sz]ation"
    r"|laterality|city|state|country|region|lat|lon|sex|gender|age|race|ethnicity|patient|source"
    r"|dataset|version|quality|confidence|score|weight|batch|session|format|view|weather|id"
    r"|source|by|type|status)([_ ]?(id|no|number|name))?s?"
)
_DECIMAL = re.compile(r"[-+]?\d+[.,]\d+(e[-+]?\d+)?", re.IGNORECASE)
_WHOLE = re.compile(r"\d+\.0+")
_MISSING = ("", "nan", "null", "n/a", "na", "#n/a", "<na>")
_MOST_CLASSES = 1000
_FEW = 5
"""So many words need not come again: a table may be short."""
_MOST_NUMBERS = 20
"""A column of more different numbers measures something."""
_ONES = ("1", "1.0", "true", "yes", "x", "✓", "✔")
_ZEROS = ("0", "0.0", "-1", "-1.0", "false", "no", *_MISSING)
_MOSTLY = 0.95
ONE_HOT = "class"
"""What the column is called that many columns of 0 and 1 become."""


@dataclass(slots=True)
class Columns:
    """A table whose columns are understood."""

    table: Table
    header: tuple[str, ...]
    rows: list[tuple[int, tuple[str, ...]]]
    """The place of the image, and the cells, of each row that names one."""
    file: int
    split: int | None
    has_header: bool = True
    labels: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    """Columns that might hold the classes as well."""
    one_hot: list[int] = field(default_factory=list)
    """Columns that are classes, each with 1 where an image is of it. Then `labels` is empty."""
    could_be_one_hot: bool = False
    sure: bool = False
    """Whether the columns were chosen, or are called like classes."""

    @property
    def tasks(self) -> list[str]:
        """Names of the columns with classes."""
        return [ONE_HOT] if self.one_hot else [self.header[n] for n in self.labels]

    @property
    def holding(self) -> list[int]:
        """All columns but that of the file names, in order."""
        return [place for place in range(len(self.header)) if place != self.file]


def file_column(table: Table, cells: Cells, folder: str) -> int | None:
    """The column that names most images, if they are most of its cells or of the images."""
    best, column = (0, 0, False), None
    for place in range(len(table.rows[0]) if table.rows else 0):
        column_cells = [row[place] for row in table.rows]
        found = {cell: cells.find(cell, folder) for cell in set(column_cells)}
        hits = [found[cell] for cell in column_cells]
        named = len({hit[0] for hit in hits if len(hit) == 1})
        meant = len({each for hit in hits for each in hit})
        called = any(_FILES.fullmatch(normal(row[place])) for row in table.rows[:5]) or any(
            is_image_name(row[place]) for row in table.rows[:5]
        )
        many = 2 * sum(map(bool, hits)) >= min(len(cells.names.images), len(table.rows) - 1)
        if (named, meant, called) > best and (many or called):
            best, column = (named, meant, called), place
    return column if any(best[:2]) else None


def header_row(table: Table, file: int, first: int) -> int | None:
    """Which row holds the names of the columns; `first` is the first that names an image.

    Above it there may be titles, below it rows of images that were not brought.
    """
    if table.kind == "labels":
        return None
    above = [
        n for n in range(first) if table.rows[n][file] and not is_image_name(table.rows[n][file])
    ]
    called = [
        n
        for n in above
        if any(_CLASSES.fullmatch(normal(cell)) for cell in table.rows[n])
        or _FILES.fullmatch(normal(table.rows[n][file]))
    ]
    full = [n for n in above if sum(map(bool, table.rows[n])) > 1]
    return next(iter(called or full or above), None)


def header_of(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: text like class names, none empty, none twice."""
    header: list[str] = []
    for place, name in enumerate(names, 1):
        clean = shortened(clean_class(name)) if name else f"column {place}"
        taken, number = clean, 1
        while taken in header:
            number += 1
            taken = f"{clean} ({number})"
        header.append(taken)
    return tuple(header)


def split_column(header: Sequence[str], rows: Sequence[tuple[int, tuple[str, ...]]]) -> int | None:
    """The column that says which part of a split each image belongs to."""
    for place, name in enumerate(header):
        if _SPLITS.fullmatch(normal(name)) and any(part_of(cells[place]) for _, cells in rows):
            return place
    return None


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is nothing to say."""
    return cell.casefold() in _MISSING


def is_one(cell: str) -> bool:
    """Whether a cell says yes."""
    return cell.casefold() in _ONES


def choose(columns: Columns, wanted: Sequence[str], one_hot: bool | None) -> None:
    """Say which columns hold classes; `wanted` are names that somebody chose."""
    if wanted:
        names = [normal(each) for each in wanted]
        columns.labels = [n for n in columns.holding if normal(columns.header[n]) in names]
        columns.sure = True
        return
    if columns.table.kind == "labels":
        columns.labels, columns.sure = [1], True
        return
    free = [n for n in columns.holding if n != columns.split]
    values = {n: [cells[n] for _, cells in columns.rows if not is_missing(cells[n])] for n in free}
    if columns.table.is_plain_text and not columns.has_header:
        # A list of which images show one thing, as Pascal VOC has it for each, says -1 for no.
        free = [n for n in free if "-1" not in values[n]]
    called = _called(columns.header, {n: values[n] for n in free})
    if one_hot is not False:
        _choose_one_hot(columns, free, called, forced=one_hot is True)
        if columns.one_hot:
            return
    repeated = [n for n in free if _is_repeated(columns.header[n], values[n])]
    likely = [n for n in repeated if _LIKELY.fullmatch(normal(columns.header[n]))]
    usual = [n for n in repeated if not _is_unlikely(columns.header[n], values[n])]
    alone = [n for n in free if len(free) == 1 and _is_of_few_words(values[n])]
    columns.sure = bool(called)
    columns.labels = _told_apart(called or likely or usual or repeated or alone, columns)
    columns.others = [n for n in usual or repeated if n not in columns.labels]
    if called:
        columns.others = []


def _called(header: Sequence[str], values: dict[int, list[str]]) -> list[int]:
    """Columns that are called like classes; numbers of annotations (`annotation_id`) are none."""
    called = [n for n, words in values.items() if words and _is_called(header[n])]
    numbers = {n for n in called if _NUMBERS.fullmatch(normal(header[n]))}
    return [n for n in called if n not in numbers or len(set(values[n])) < len(values[n])]


def _is_called(name: str) -> bool:
    name = normal(name)
    return bool(_CLASSES.fullmatch(name)) and not _ABOUT_CLASSES.fullmatch(name)


def _is_repeated(name: str, values: Sequence[str]) -> bool:
    words = set(values)
    return (
        1 < len(words) <= min((len(values) + 1) / 2, _MOST_CLASSES)
        and not _NO_CLASSES.fullmatch(normal(name))
        and not (all(map(_DECIMAL.fullmatch, words)) and not all(map(_WHOLE.fullmatch, words)))
    )


def _is_of_few_words(values: Sequence[str]) -> bool:
    """Whether a column that stands alone beside the file names may hold classes."""
    return 0 < len(set(values)) <= min(max(_FEW, len(values) // 2), _MOST_CLASSES)


def _is_unlikely(name: str, values: Sequence[str]) -> bool:
    words = set(values)
    measured = len(words) > _MOST_NUMBERS and all(word.isdecimal() for word in words)
    return measured or bool(_UNLIKELY.fullmatch(normal(name)))


def _choose_one_hot(
    columns: Columns, free: Sequence[int], called: Sequence[int], *, forced: bool
) -> None:
    """Columns with 1 for the images of a class and 0 for the others, if they are classes."""
    bits = [n for n in free if all(_is_bit(cells[n]) for _, cells in columns.rows)]
    bits = [n for n in bits if forced or not _NO_CLASSES.fullmatch(normal(columns.header[n]))]
    if len(bits) < 2 or not columns.rows or set(called) - set(bits):
        return
    ones = {n: [is_one(cells[n]) for _, cells in columns.rows] for n in bits}
    sums = [sum(column) for column in zip(*ones.values(), strict=True)]
    if (exact := _share_of_ones(sums)) < 1 and len(bits) > 2:
        for n in bits:  # one that is none of the classes, such as “is_validated”
            rest = [total - one for total, one in zip(sums, ones[n], strict=True)]
            if _share_of_ones(rest) == 1:
                bits, exact = [each for each in bits if each != n], 1.0
                break
    surely = exact >= _MOSTLY
    if forced or surely or (exact >= 0.5 and len(bits) > 2 and not called):
        columns.one_hot, columns.sure = bits, forced or surely
    else:
        columns.could_be_one_hot = len(bits) > 2 and any(sums)


def _share_of_ones(sums: Sequence[int]) -> float:
    return sums.count(1) / len(sums)


def _is_bit(cell: str) -> bool:
    cell = cell.casefold()
    return cell in _ONES or cell in _ZEROS


def _told_apart(columns: Sequence[int], read: Columns) -> list[int]:
    """Without columns that say the same as another: numbers that stand for its words
    (`class_id`, `class`), or the same in another language."""

    def pattern(column: int) -> tuple[int, ...]:
        first: dict[str, int] = {}
        return tuple(first.setdefault(cells[column], len(first)) for _, cells in read.rows)

    codes = {n for n in columns if all(cells[n].isdigit() for _, cells in read.rows)}
    words: dict[tuple[int, ...], int] = {}
    twice = []
    for n in columns:
        if n not in codes and words.setdefault(pattern(n), n) != n:
            # Of a few rows any two columns may say the same.
            twice += [n] if len(read.rows) > 2 * len(set(pattern(n))) > 4 else []
    return [n for n in columns if n not in twice and (n not in codes or pattern(n) not in words)]

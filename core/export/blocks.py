"""A document as data: what a report shows, in order, for whatever lays it out (HTML, PDF).

Text stays as it is in here; each layout escapes it in its own way.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Style = Literal["plain", "strong", "soft", "code"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; a line break where it has one."""

    text: str
    style: Style = "plain"


Text = tuple[Span, ...]


def text(*pieces: str | Span) -> Text:
    """Pieces as one text, strings in the plain style; empty ones are left out."""
    spans = (Span(piece) if isinstance(piece, str) else piece for piece in pieces)
    return tuple(span for span in spans if span.text)


def plain(found: Text) -> str:
    """The words, without their styles."""
    return "".join(span.text for span in found)


@dataclass(frozen=True, slots=True)
class Heading:
    """Of level 1, the title, to 4."""

    level: int
    text: Text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """The lead is the one sentence to remember; a note is small and soft."""

    text: Text
    role: Literal["body", "lead", "note"] = "body"


@dataclass(frozen=True, slots=True)
class ListItem:
    """With those below it."""

    text: Text
    items: "tuple[ListItem, ...]" = ()


@dataclass(frozen=True, slots=True)
class BulletList:
    """Items one below the other."""

    items: tuple[ListItem, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be copied."""

    text: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table."""

    text: Text
    is_number: bool = False
    is_heading: bool = False
    is_diagonal: bool = False
    """Of a matrix: what was predicted rightly."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells below a row of headings; a matrix has names down and across."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_matrix: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A JPEG as a data address, with a caption."""

    address: str
    alt: str
    caption: Text


@dataclass(frozen=True, slots=True)
class Images:
    """Images beside each other."""

    images: tuple[Image, ...]


@dataclass(frozen=True, slots=True)
class Diagram:
    """SVG of our own, its colours as var(--accent), var(--line), var(--soft)."""

    svg: str


Block = Heading | Paragraph | BulletList | Code | Table | Images | Diagram


def paragraph(*pieces: str | Span) -> Paragraph:
    """A paragraph of these pieces."""
    return Paragraph(text(*pieces))


def bullets(items: Iterable[str]) -> BulletList:
    """A list of plain items."""
    return BulletList(tuple(ListItem(text(item)) for item in items))


def table(head: Iterable[Cell | str], rows: Iterable[Iterable[Cell | str]]) -> Table:
    """A table whose plain strings are cells of text."""
    return Table(tuple(map(_cell, head)), tuple(tuple(map(_cell, row)) for row in rows))


def number(content: str) -> Cell:
    """A cell with a number."""
    return Cell(text(content), is_number=True)


def _cell(content: Cell | str) -> Cell:
    return Cell(text(content)) if isinstance(content, str) else content


def texts_of(block: Block | ListItem) -> Iterator[str]:
    """All words in a block, piece by piece."""
    match block:
        case Heading(_, text) | Paragraph(text, _):
            yield plain(text)
        case BulletList(items):
            for item in items:
                yield from texts_of(item)
        case ListItem(text, items):
            yield plain(text)
            for item in items:
                yield from texts_of(item)
        case Code(code):
            yield code
        case Table(head, rows):
            yield from (plain(cell.text) for row in (head, *rows) for cell in row)
        case Images(images):
            yield from (plain(image.caption) for image in images)

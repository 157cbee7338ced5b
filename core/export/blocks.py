"""The report's page taken apart into blocks, for whatever lays it out anew."""

from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

_BLOCKS = {"h1", "h2", "h3", "h4", "p", "li", "pre", "figcaption", "th", "td"}
Words = list[tuple[str, bool]]
"""Pieces of text, and whether each is bold."""


@dataclass(slots=True)
class Text:
    """A heading (h1 to h4), a paragraph (p), an item of a list (li) or code (pre)."""

    kind: str
    words: Words = field(default_factory=list)
    depth: int = 0
    """Of lists within lists, from 1; 0 outside."""
    classes: frozenset[str] = frozenset()

    @property
    def plain(self) -> str:
        """The words, without saying which are bold."""
        return "".join(piece for piece, _ in self.words)


@dataclass(slots=True)
class Table:
    """Rows of cells; `head` of them are headings."""

    rows: list[list[Text]] = field(default_factory=list)
    head: int = 0
    is_matrix: bool = False


@dataclass(slots=True)
class Pictures:
    """Pictures beside each other: their addresses and captions."""

    figures: list[tuple[str, Text]] = field(default_factory=list)


@dataclass(slots=True)
class Drawing:
    """SVG."""

    svg: str


Block = Text | Table | Pictures | Drawing


def blocks(page: str) -> list[Block]:
    """What the page shows, in order. It knows the few tags that reports are written with."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.blocks


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._text: Text | None = None
        self._table: Table | None = None
        self._svg: list[str] | None = None
        self._depth, self._bold, self._image = 0, False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        classes = frozenset(known.get("class", "").split())
        if tag == "svg" or self._svg is not None:
            self._drawn(tag, known)
        elif tag in _BLOCKS:
            self._begin(tag, classes)
        elif tag == "br" and self._text:
            self._text.words.append(("\n", False))
        elif tag == "b":
            self._bold = True
        elif tag == "ul":
            self._depth += 1
        elif tag == "table":
            self._table = Table(is_matrix="matrix" in classes)
            self.blocks.append(self._table)
        elif tag == "tr" and self._table:
            self._table.rows.append([])
        elif tag == "div" and "pictures" in classes:
            self.blocks.append(Pictures())
        elif tag == "img":
            self._image = known.get("src", "")

    def _begin(self, tag: str, classes: frozenset[str]) -> None:
        self._text = text = Text(tag, depth=self._depth, classes=classes)
        if tag in ("td", "th") and self._table:
            self._table.rows[-1].append(text)
        elif tag == "figcaption" and isinstance(shown := self.blocks[-1], Pictures):
            shown.figures.append((self._image, text))
        else:
            self.blocks.append(text)

    def _drawn(self, tag: str, attributes: dict[str, str]) -> None:
        self._svg = self._svg or []
        said = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
        # The parser writes names small; this one alone needs its capital.
        self._svg.append(f"<{tag}{said.replace(' viewbox=', ' viewBox=')}>")

    def handle_endtag(self, tag: str) -> None:
        if self._svg is not None:
            self._svg.append(f"</{tag}>")
            if tag == "svg":
                self.blocks.append(Drawing("".join(self._svg)))
                self._svg = None
        elif tag == "b":
            self._bold = False
        elif tag == "ul":
            self._depth -= 1
            self._text = None
        elif tag == "thead" and self._table:
            self._table.head = len(self._table.rows)
        elif tag == "table":
            self._table = None
        elif tag in _BLOCKS:
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._svg is not None:
            self._svg.append(escape(data))
        elif self._text:
            self._text.words.append((data, self._bold))

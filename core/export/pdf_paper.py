"""Blocks laid out on paper, for a PDF (fpdf2)."""

import base64
import binascii
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import font_source_sans_pro
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace
from PIL import Image

from core.export.blocks import (
    Block,
    BulletList,
    Cell,
    Code,
    Diagram,
    Heading,
    Images,
    ListItem,
    Paragraph,
    Table,
    Text,
    plain,
)
from core.export.fonts import MISSING, in_words, letters_of, machine_fonts
from core.export.right_to_left import as_seen

_FAMILY = "source-sans"
_MARGIN, _WIDTH = 18, 174
"""Millimetres on A4."""
_LINE, _CAPTION = 5.2, 3.6
"""Heights of a line of text and of a caption."""
_HEADINGS = {1: 24, 2: 17, 3: 13, 4: 11}
_PARAGRAPHS = {"lead": 14, "body": 10.5, "note": 9}
_CODE = 8.5
"""Points."""
_INK, _SOFT, _ACCENT, _RULE, _DIAGONAL = "#1d2620", "#5a645c", "#24694b", "#dcd8ca", "#d3e1da"
_IN_DIAGRAMS = {"accent": _ACCENT, "line": _RULE, "soft": _SOFT}
_ACROSS = 6
"""Images in a row."""
_GAP = 4
_HEAD_OF_MATRIX, _SIDE_OF_MATRIX = 14, 24
"""Letters of a class name."""
_JPEG = "data:image/jpeg;base64,"


class Paper(FPDF):
    """A4 pages with the title and the page's number below."""

    def __init__(self, title: str, letters: set[str]) -> None:
        super().__init__(format="A4")
        files = Path(font_source_sans_pro.__file__).parent / "files"
        for style, name in (("", "Regular"), ("B", "Semibold")):
            self.add_font(_FAMILY, style, files / f"SourceSansPro-{name}.ttf")
        self.unseen = dict[str, int]()
        """The number of each word that was needed and could not be drawn."""
        self.lacking = letters - letters_of(files / "SourceSansPro-Regular.ttf")
        self._borrow_fonts()
        self._foot = self._shown(title)
        self.set_title(title)
        self.set_lang("en")
        self.set_creator("Graft")
        self.set_margins(_MARGIN, _MARGIN)
        self.set_draw_color(_RULE)
        self.set_line_width(0.2)
        self.set_auto_page_break(True, margin=22)
        self.add_page()

    def _borrow_fonts(self) -> None:
        borrowed = []
        for number, file in enumerate(machine_fonts() if self.lacking else ()):
            if not self.lacking & (theirs := letters_of(file)):
                continue
            try:
                self.add_font(f"borrowed-{number}", fname=file)
            except Exception:  # noqa: BLE001  # whatever is odd about a font, others may do
                continue
            borrowed.append(f"borrowed-{number}")
            self.lacking -= theirs
            if not self.lacking:
                break
        self.set_fallback_fonts(borrowed, exact_match=False)

    def footer(self) -> None:
        """Title left, number right."""
        self.set_xy(_MARGIN, -14)
        self._font(8.5, _SOFT)
        self.cell(_WIDTH - 30, 5, self._foot[:100])
        self.cell(30, 5, f"{self.page_no()} of {{nb}}", align=Align.R)

    def lay(self, block: Block) -> None:
        """Put a block below what is there."""
        match block:
            case Heading(level, text):
                self._heading(level, plain(text))
            case Paragraph():
                self._paragraph(block)
            case BulletList(items):
                self._list(items)
            case Code(code):
                self._code(code)
            case Table():
                self._table(block)
            case Images():
                self._images(block)
            case Diagram():
                self._diagram(block)

    def _font(self, size: float, colour: str = _INK, style: str = "") -> None:
        self.set_font(_FAMILY, style, size)
        self.set_text_color(colour)

    def _shown(self, text: str) -> str:
        shown = ""
        for is_missing, run in groupby(map(self._drawn, as_seen(text)), key=lambda each: each[0]):
            word = "".join(letter for _, letter in run)
            number = self.unseen.setdefault(word, len(self.unseen) + 1) if is_missing else 0
            shown += f"{MISSING}{number}" if is_missing else word
        return shown

    def _drawn(self, letter: str) -> tuple[bool, str]:
        """Whether nothing can stand for the letter, and it or what stands for it."""
        if letter not in self.lacking:
            return False, letter
        plain_letters = unicodedata.normalize("NFKC", letter)  # the form it has by itself
        if plain_letters != letter and not self.lacking.intersection(plain_letters):
            return False, plain_letters
        words = in_words(letter)
        return words is None, letter if words is None else words

    def _room(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _heading(self, level: int, text: str) -> None:
        size = _HEADINGS[level]
        self._room(size * 0.6 + 24)  # with some of what it stands above
        self.ln(0 if level == 1 else size * 0.28)
        self._font(size, _ACCENT if level == 2 else _INK, "B")
        words = self._shown(text)
        self.start_section(text[:80], level=level - 1, strict=False)
        self._lines(size * 0.42, words)
        self.ln(size * 0.1)

    def _lines(self, height: float, text: str, **around: Any) -> None:
        """Text from margin to margin."""
        self.multi_cell(
            0, height, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT, **around
        )

    def _paragraph(self, block: Paragraph) -> None:
        size = _PARAGRAPHS[block.role]
        line = _LINE * size / _PARAGRAPHS["body"]
        self._room(line)
        colour, style = _SOFT if block.role == "note" else _INK, "B" * (block.role == "lead")
        self._write(block.text, size, line, colour, style)
        self.ln(2)

    def _list(self, items: Sequence[ListItem], depth: int = 1) -> None:
        size, indent = _PARAGRAPHS["body"], 5 * depth
        for item in items:
            self.set_left_margin(_MARGIN + indent)
            self._room(_LINE)
            self._font(size, _ACCENT)
            self.set_x(_MARGIN + indent - 4)
            self.cell(4, _LINE, "•")
            self._write(item.text, size, _LINE)
            self.ln(0.6)
            self._list(item.items, depth + 1)
        self.set_left_margin(_MARGIN)
        self.set_x(_MARGIN)

    def _write(
        self, text: Text, size: float, line: float, colour: str = _INK, style: str = ""
    ) -> None:
        """Text that runs on from piece to piece, and a new line."""
        for span in text:
            own = _SOFT if span.style == "soft" else colour
            self._font(size, own, "B" if span.style == "strong" else style)
            self.write(line, self._shown(span.text))
        self.ln(line)

    def _code(self, code: str) -> None:
        line = _LINE * _CODE / _PARAGRAPHS["body"]
        self._room(line)
        self._font(_CODE, _SOFT)
        self._lines(line, self._shown(code).strip(), border="L", padding=(0, 0, 0, 3))
        self.ln(2)

    def _table(self, table: Table) -> None:
        all_rows = [*([table.head] if table.head else ()), *table.rows]
        if not all_rows:
            return
        columns = max(len(row) for row in all_rows)
        self._font(7.5 if table.is_matrix else 9.5)
        words = [self._cells(row, row is table.head, table.is_matrix) for row in all_rows]
        self._room(16)
        with self.table(
            col_widths=_widths(words, columns, table.is_matrix),
            text_align=Align.L, line_height=4 if table.is_matrix else 4.8, width=_WIDTH,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            num_heading_rows=int(bool(table.head)),
            first_row_as_headings=bool(table.head), padding=(0.7, 1.4, 0.7, 0.4), align=Align.L,
            headings_style=FontFace(emphasis="BOLD", color=_SOFT),
        ) as laid:  # fmt: skip
            for cells, row in zip(words, all_rows, strict=True):
                line = laid.row()
                for text, cell in zip(cells, row, strict=True):
                    right = cell.is_number or (table.is_matrix and cell is not row[0])
                    style = FontFace(fill_color=_DIAGONAL) if cell.is_diagonal else None
                    line.cell(text, align=Align.R if right else Align.L, style=style)
        self.ln(3)

    def _cells(self, row: Sequence[Cell], is_head: bool, is_matrix: bool) -> list[str]:
        words = [" ".join(plain(cell.text).split()) for cell in row]
        longest = _HEAD_OF_MATRIX if is_head else _SIDE_OF_MATRIX
        if is_matrix:
            words = [w if len(w) <= longest else w[: longest - 1] + "…" for w in words]
        return [self._shown(word) for word in words]

    def _images(self, images: Images) -> None:
        side = (_WIDTH - _GAP * (_ACROSS - 1)) / _ACROSS
        usable = [(data, each) for each in images.images if (data := _jpeg(each.address))]
        for first in range(0, len(usable), _ACROSS):
            row = usable[first : first + _ACROSS]
            self._font(8)
            captions = [self._shown(plain(each.caption)).strip() for _, each in row]
            below = max(self._height(side, caption) for caption in captions)
            self._room(side + below + 2)
            top = self.get_y()
            for column, ((data, each), caption) in enumerate(zip(row, captions, strict=True)):
                left = _MARGIN + column * (side + _GAP)
                self.image(
                    BytesIO(data), left, top, side, side, keep_aspect_ratio=True,
                    alt_text=" ".join(plain(each.caption).split()),
                )  # fmt: skip
                self.set_xy(left, top + side + 1)
                self.multi_cell(side, _CAPTION, caption, align=Align.L)
            self.set_xy(_MARGIN, top + side + below + 4)

    def _height(self, width: float, text: str) -> float:
        """Of a text in lines of captions."""
        height = self.multi_cell(width, _CAPTION, text, dry_run=True, output="HEIGHT")
        return cast(float, height)

    def _diagram(self, diagram: Diagram) -> None:
        svg = diagram.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        for name, colour in _IN_DIAGRAMS.items():
            svg = svg.replace(f"var(--{name})", colour)
        svg = svg.replace("<text ", f'<text font-family="{_FAMILY}" font-size="11" fill="{_SOFT}" ')
        self._room(78)
        self._font(8)
        self.image(BytesIO(svg.encode()), _MARGIN, self.get_y(), 76, 76)
        self.ln(78)


def _jpeg(address: str) -> bytes:
    """The image in a data address; empty for anything else."""
    try:
        data = base64.b64decode(address.removeprefix(_JPEG)) if address.startswith(_JPEG) else b""
        Image.open(BytesIO(data), formats=["JPEG"]).verify()
    except (OSError, binascii.Error):
        return b""
    return data


def _widths(words: list[list[str]], columns: int, is_matrix: bool) -> list[float]:
    """Of a table's columns, each as a share: after the longest text in it; a matrix has equal ones
    beside the names."""
    if is_matrix:
        return [2.5, *[1.0] * (columns - 1)]
    cells = [[line[k] for line in words if k < len(line)] for k in range(columns)]
    return [float(min(max(6, *map(len, column), 0), 40)) for column in cells]

"""The report's page as a PDF: the same words, tables and pictures, laid out for paper (fpdf2)."""

import base64
import binascii
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import font_source_sans_pro
from fontTools.ttLib import TTFont
from fontTools.ttLib.ttCollection import TTCollection
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace
from PIL import Image

from core.export.blocks import Block, Drawing, Pictures, Table, Text, blocks
from core.files import replace_file

_FAMILY = "source-sans"
_MARGIN, _WIDTH = 18, 174
"""Millimetres on A4."""
_LINE, _CAPTION = 5.2, 3.6
"""Heights of a line of text and of a caption."""
_SIZES = {"h1": 24, "h2": 17, "h3": 13, "h4": 11, "p": 10.5, "li": 10.5, "pre": 8.5}
_INK, _SOFT, _LEAF, _RULE, _HIT = "#1d2620", "#5a645c", "#24694b", "#dcd8ca", "#d3e1da"
_IN_DRAWINGS = {"leaf": _LEAF, "line": _RULE, "soft": _SOFT}
_ACROSS = 6
"""Pictures in a row."""
_GAP = 4
_HEAD_OF_MATRIX, _SIDE_OF_MATRIX = 14, 24
"""Letters of a class name."""
_JPEG = "data:image/jpeg;base64,"
_FONTS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}
_MISSING = "?"
"""Stands for a letter that no font here has."""


def write_pdf(page: str, file: Path, title: str) -> None:
    """Lay out the page (HTML, as `write_document` makes it) and write it to `file`.

    Letters that the bundled font lacks are taken from the machine's own fonts; where those lack
    them too, a sentence at the end says so.
    """
    found = blocks(page)
    letters = {letter for block in found for letter in _letters(block)} - {"\n"}
    pdf = _Paper(title, letters)
    for block in found:
        pdf.lay(block)
    if pdf.lacking:
        words = "A ? stands for a letter that no font on this computer has; the report as a web "
        pdf.lay(Text("p", [(f"{words}page shows it.", False)], classes=frozenset({"soft"})))
    replace_file(file, bytes(pdf.output()))


def _letters(block: Block) -> Iterator[str]:
    match block:
        case Text():
            yield from block.plain
        case Table():
            for row in block.rows:
                for cell in row:
                    yield from cell.plain
        case Pictures():
            for _, caption in block.figures:
                yield from caption.plain


class _Paper(FPDF):
    """A4 pages with the title and the page's number below."""

    def __init__(self, title: str, letters: set[str]) -> None:
        super().__init__(format="A4")
        files = Path(font_source_sans_pro.__file__).parent / "files"
        for style, name in (("", "Regular"), ("B", "Semibold")):
            self.add_font(_FAMILY, style, files / f"SourceSansPro-{name}.ttf")
        self.lacking = letters - _letters_of(files / "SourceSansPro-Regular.ttf")
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
        for number, file in enumerate(_fonts_of_this_machine() if self.lacking else ()):
            if not self.lacking & (theirs := _letters_of(file)):
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
        if isinstance(block, Table):
            self._table(block)
        elif isinstance(block, Pictures):
            self._pictures(block)
        elif isinstance(block, Drawing):
            self._drawing(block)
        elif block.kind in ("h1", "h2", "h3", "h4"):
            self._heading(block)
        else:
            self._paragraph(block)

    def _font(self, size: float, colour: str = _INK, style: str = "") -> None:
        self.set_font(_FAMILY, style, size)
        self.set_text_color(colour)

    def _shown(self, text: str) -> str:
        return "".join(_MISSING if letter in self.lacking else letter for letter in text)

    def _room(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _heading(self, text: Text) -> None:
        size = _SIZES[text.kind]
        self._room(size * 0.6 + 24)  # with some of what it stands above
        self.ln(0 if text.kind == "h1" else size * 0.28)
        self._font(size, _LEAF if text.kind == "h2" else _INK, "B")
        words = self._shown(text.plain)
        self.start_section(words[:80], level=int(text.kind[1]) - 1, strict=False)
        self._lines(size * 0.42, words)
        self.ln(size * 0.1)

    def _lines(self, height: float, text: str, **around: Any) -> None:
        """Text from margin to margin."""
        self.multi_cell(
            0, height, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT, **around
        )

    def _paragraph(self, text: Text) -> None:
        indent = 5 * text.depth
        self.set_left_margin(_MARGIN + indent)
        size = 14 if "lead" in text.classes else 9 if "small" in text.classes else _SIZES[text.kind]
        colour = _SOFT if "soft" in text.classes else _INK
        line = _LINE * size / _SIZES["p"]
        self._room(line)
        if text.kind == "pre":
            self._font(size, _SOFT)
            self._lines(line, self._shown(text.plain).strip(), border="L", padding=(0, 0, 0, 3))
        else:
            self.set_x(_MARGIN + indent)
            if text.kind == "li":
                self._font(size, _LEAF)
                self.set_x(_MARGIN + indent - 4)
                self.cell(4, line, "•")
            for piece, bold in text.words:
                self._font(size, colour, "B" if bold or "lead" in text.classes else "")
                self.write(line, self._shown(piece))
            self.ln(line)
        self.set_left_margin(_MARGIN)
        self.ln(0.6 if text.kind == "li" else 2)

    def _table(self, table: Table) -> None:
        if not table.rows:
            return
        columns = max(len(row) for row in table.rows)
        self._font(7.5 if table.is_matrix else 9.5)
        words = [self._cells(row, number < table.head, table.is_matrix)
                 for number, row in enumerate(table.rows)]  # fmt: skip
        self._room(16)
        with self.table(
            col_widths=_widths(words, columns, table.is_matrix),
            text_align=Align.L, line_height=4 if table.is_matrix else 4.8, width=_WIDTH,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES, num_heading_rows=table.head,
            first_row_as_headings=table.head > 0, padding=(0.7, 1.4, 0.7, 0.4), align=Align.L,
            headings_style=FontFace(emphasis="BOLD", color=_SOFT),
        ) as laid:  # fmt: skip
            for cells, row in zip(words, table.rows, strict=True):
                line = laid.row()
                for text, cell in zip(cells, row, strict=True):
                    right = "n" in cell.classes or (table.is_matrix and cell is not row[0])
                    hit = FontFace(fill_color=_HIT) if "hit" in cell.classes else None
                    line.cell(text, align=Align.R if right else Align.L, style=hit)
        self.ln(3)

    def _cells(self, row: list[Text], is_head: bool, is_matrix: bool) -> list[str]:
        words = [" ".join(self._shown(cell.plain).split()) for cell in row]
        if not is_matrix:
            return words
        longest = _HEAD_OF_MATRIX if is_head else _SIDE_OF_MATRIX
        return [word if len(word) <= longest else word[: longest - 1] + "…" for word in words]

    def _pictures(self, pictures: Pictures) -> None:
        side = (_WIDTH - _GAP * (_ACROSS - 1)) / _ACROSS
        shown = [(data, text) for address, text in pictures.figures if (data := _jpeg(address))]
        for first in range(0, len(shown), _ACROSS):
            row = shown[first : first + _ACROSS]
            self._font(8)
            captions = [self._shown(text.plain).strip() for _, text in row]
            below = max(self._height(side, said) for said in captions)
            self._room(side + below + 2)
            top = self.get_y()
            for place, ((data, text), said) in enumerate(zip(row, captions, strict=True)):
                left = _MARGIN + place * (side + _GAP)
                self.image(
                    BytesIO(data), left, top, side, side, keep_aspect_ratio=True,
                    alt_text=" ".join(text.plain.split()),
                )  # fmt: skip
                self.set_xy(left, top + side + 1)
                self.multi_cell(side, _CAPTION, said, align=Align.L)
            self.set_xy(_MARGIN, top + side + below + 4)

    def _height(self, width: float, text: str) -> float:
        """Of a text in lines of captions."""
        height = self.multi_cell(width, _CAPTION, text, dry_run=True, output="HEIGHT")
        return cast(float, height)

    def _drawing(self, drawing: Drawing) -> None:
        svg = drawing.svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        for name, colour in _IN_DRAWINGS.items():
            svg = svg.replace(f"var(--{name})", colour)
        svg = svg.replace("<text ", f'<text font-family="{_FAMILY}" font-size="11" fill="{_SOFT}" ')
        self._room(78)
        self._font(8)
        self.image(BytesIO(svg.encode()), _MARGIN, self.get_y(), 76, 76)
        self.ln(78)


def _jpeg(address: str) -> bytes:
    """The picture in a data address; empty for anything else."""
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


def _fonts_of_this_machine() -> list[Path]:
    """Those that cover most first: the fallback fonts of many scripts are the largest files."""
    folders = [Path(each).expanduser() for each in _FONTS.get(sys.platform, ())]
    files = [
        file
        for folder in folders
        for file in folder.rglob("*")
        if file.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]
    return sorted(files, key=lambda file: (-file.stat().st_size, file.name))


def _letters_of(file: Path) -> set[str]:
    """Those a font can draw as outlines; none of a font that cannot be read."""
    try:
        font = TTCollection(file).fonts[0] if file.suffix.lower() == ".ttc" else TTFont(file)
        drawn = "glyf" in font or "CFF " in font
        return {chr(code) for code in font.getBestCmap() or ()} if drawn else set()
    except Exception:  # noqa: BLE001  # a broken font is passed over
        return set()

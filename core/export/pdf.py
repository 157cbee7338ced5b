"""A document as a PDF: as many pages as it takes, or one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.export.blocks import Block, paragraph, texts_of
from core.export.fonts import remedy
from core.export.pdf_paper import Paper
from core.export.right_to_left import as_seen
from core.files import replace_file


def write_pdf(blocks: Sequence[Block], file: Path, title: str) -> None:
    """Lay out the blocks and write them to `file`.

    Letters that the bundled font lacks are taken from the machine's own fonts; where those lack
    them too, a sentence at the end says which and what to do.
    """
    replace_file(file, bytes(_laid_out(blocks, title).output()))


def write_one_page(versions: Iterable[Sequence[Block]], file: Path, title: str) -> None:
    """Write the first of the versions that fits on one page, or the last, each shorter than the
    one before."""
    for blocks in versions:
        pdf = _laid_out(blocks, title, spell_out=False)
        if pdf.page_no() == 1:
            break
    replace_file(file, bytes(pdf.output()))


def _laid_out(blocks: Sequence[Block], title: str, *, spell_out: bool = True) -> Paper:
    texts = {text for block in blocks for text in texts_of(block)} | {title}
    letters = {letter for text in texts for letter in text + as_seen(text)} - {"\n"}
    pdf = Paper(title, letters)
    for block in blocks:
        pdf.lay(block)
    if words := remedy(pdf.unseen, spell_out=spell_out):
        pdf.lay(paragraph(words))
    return pdf

"""Names in every script stand in the report: drawn, named, or said to lack a font."""

from pathlib import Path

import pypdfium2
import pytest

from core.export.blocks import Cell, Heading, Paragraph, Table, text
from core.export.fonts import letters_of, machine_fonts
from core.export.pdf import write_pdf
from core.export.right_to_left import as_seen, joined


def words_in(file: Path) -> str:
    document = pypdfium2.PdfDocument(file)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def written(tmp_path: Path, *names: str) -> str:
    table = Table(
        (Cell(text("Class")), Cell(text("Right"))),
        tuple((Cell(text(name)), Cell(text("9"))) for name in names),
    )
    blocks = [Heading(1, text("Report")), Paragraph(text(", ".join(names))), table]
    write_pdf(blocks, tmp_path / "report.pdf", names[0])
    return words_in(tmp_path / "report.pdf")


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("كلب", "\ufedb\ufee0\ufe90"),  # initial, medial, final
        ("سلام", "\ufeb3\ufefc\ufee1"),  # lam and alef are one sign; meem stands by itself
        ("دار", "\ufea9\ufe8d\ufead"),  # letters that join nothing after them
        ("كَلب", "\ufedb\u064e\ufee0\ufe90"),  # a mark in between parts nothing
        ("cat 12", "cat 12"),
    ],
)
def test_arabic_letters_join(word: str, forms: str) -> None:
    assert joined(word) == forms


def test_pieces_of_a_line_stand_as_they_are_seen() -> None:
    assert as_seen("שלום") == "םולש"
    assert as_seen("class שלום is (דג) 12") == "class םולש is (גד) 12"
    assert as_seen("one\nשתיים\n") == "one\nםייתש\n"
    assert as_seen("猫 กวาง 🐦") == "猫 กวาง 🐦"


def test_arabic_is_shaped_in_a_pdf(tmp_path: Path) -> None:
    if not any("\ufedb" in letters_of(file) for file in machine_fonts()):
        pytest.skip("no font of this machine has Arabic letters")
    words = written(tmp_path, "كلب", "cat")
    assert as_seen("كلب") in words or "كلب" in words  # a reader may turn it back
    assert "?" not in words


def test_an_emoji_is_drawn_or_named(tmp_path: Path) -> None:
    words = written(tmp_path, "\U0001f426 bird", "\U0001f469\u200d\U0001f680 crew")
    drawn = any("\U0001f426" in letters_of(file) for file in machine_fonts())
    assert ("\U0001f426" if drawn else "[bird] bird") in words
    assert "?" not in words


@pytest.mark.parametrize(
    ("name", "script"), [("猫", "Chinese or Japanese"), ("กวาง", "Thai"), ("개", "Hangul")]
)
def test_what_no_font_can_draw_is_said_with_the_remedy(
    tmp_path: Path, name: str, script: str
) -> None:
    words = " ".join(written(tmp_path, name, "cat").split())
    if any(set(name) <= letters_of(file) for file in machine_fonts()):
        assert name in words
        assert "stands for a word" not in words
    else:
        assert script in words
        assert f"?1 is U+{ord(name[0]):04X}" in words
        assert "Install a font" in words
        assert "web page" in words


def test_names_that_cannot_be_drawn_stay_apart(tmp_path: Path) -> None:
    names = ["\U00012000", "\U00012001\U00012002", "cat"]  # cuneiform: hardly any font has it
    if any(names[0] in letters_of(file) for file in machine_fonts()):
        pytest.skip("a font of this machine has cuneiform letters")
    words = written(tmp_path, *names)
    assert "?1, ?2, cat" in words
    assert "Cuneiform" in words

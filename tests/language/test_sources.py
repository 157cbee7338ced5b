"""What is taken for a sentence on the screen, and what is not."""

from pathlib import Path

import pytest

from core.language.sources import ROOT, messages


def found_in(folder: Path, source: str, name: str = "page.py") -> list[str]:
    (folder / "pages").mkdir()
    (folder / "pages" / name).write_text(source, encoding="utf-8")
    return [message.text for message in messages(folder)]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('st.button("Stop")', ["Stop"]),
        ('st.html(f"<p>Of {n:,} {right} are right.</p>")', ["Of {n} {right} are right."]),
        ('st.html("<p>One thing.</p><p title=\'Two words\'>Three words &amp; more</p>")',
         ["Two words", "One thing.", "Three words & more"]),
        ('st.html(f"<p>Always {text.bdi(name)} is right.</p>")', ["Always", "is right."]),
        ('f"{text.count(n, \'image\')} removed"', ["{counted} removed", "{n} image", "{n} images"]),
        ('text.count(n, "class", "classes")', ["{n} class", "{n} classes"]),
        ('said = "First, " + why + " and more."', ["First, {why} and more."]),
        ('"{n} of {total} images".format(n=1, total=2)', ["{n} of {total} images"]),
        ('f"{kept.n} and {gone.n} images"', ["{n} and {n_} images"]),
    ],
)  # fmt: skip
def test_a_sentence_is_what_the_browser_shows_in_one_piece(tmp_path, source, said):
    assert found_in(tmp_path, source) == said


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring of a module."""',
        'st.button(label, key="no sentence at all")',
        '_logger.info("a line for the log")',
        'if kind == "never shown to anyone": pass',
        'st.html("<style>.a { color: red; margin: 1px }</style>")',
        're.compile("any words here")',
        'def f(x: "dict of words") -> "some type": ...',
    ],
)
def test_what_nobody_reads_is_left_out(tmp_path, source):
    assert found_in(tmp_path, source) == []


def test_components_say_things_too(tmp_path):
    source = (
        "at.textContent = `${n.toLocaleString()} images of ${of.all}`; // Not said.\n"
        'at.className = "two names"; at.addEventListener("click", () => say("Done."));'
    )
    assert found_in(tmp_path, source, "part.js") == ["{a} images of {b}"]


def test_the_source_of_the_program_is_read():
    said = {message.text: message.place for message in messages()}
    assert len(said) > 1000
    assert said["Start training"].startswith("pages/")
    assert [
        place for place in said.values() if not (ROOT / place.partition(":")[0]).is_file()
    ] == []

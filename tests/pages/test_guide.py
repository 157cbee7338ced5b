"""The guide is on every page, and every term that a page shows is explained."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import open_page

from core.projects import create_project
from pages.components.glossary import GLOSSARY, explanation
from pages.components.guide import GUIDE

PAGES = Path(__file__).resolve().parents[2] / "pages"
OPENING = '<span class="term">'


def texts(file: Path) -> Iterator[str]:
    """Every string of a module, with a blank for what is only known when it runs."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(value) for value in node.values}
            parts = (v.value if isinstance(v, ast.Constant) else "\0" for v in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield str(node.value)


def terms() -> list[str]:
    found = {
        part.partition("<")[0]
        for file in PAGES.rglob("*.py")
        for words in texts(file)
        for part in words.split(OPENING)[1:]
    }
    return sorted(term for term in found if "\0" not in term)


@pytest.mark.parametrize("term", terms())
def test_every_term_on_a_page_is_explained(term: str) -> None:
    assert explanation(term)


def test_there_are_terms_and_of_two_that_overlap_the_longer_is_explained() -> None:
    assert len(terms()) > 25
    assert explanation("(exact McNemar tests, Holm correction)").startswith("holm correction: ")
    assert "mcnemar test: " in explanation("(exact McNemar tests, Holm correction)")
    assert explanation("unlabelled") == f"unlabelled: {GLOSSARY['unlabelled']}"
    assert explanation("your images") == ""


def test_explanations_are_short() -> None:
    assert [term for term, says in GLOSSARY.items() if len(says.split()) > 20] == []
    assert [term for term in GLOSSARY if term != term.lower()] == []


def test_the_guide_is_one_short_page_on_every_page(home: Path) -> None:
    guide = GUIDE.read_text(encoding="utf-8").strip()
    assert len(guide.split()) < 400
    for place in ("Images", "Train", "Results", "Use"):
        assert f"**{place}.**" in guide
    project = create_project("Leaves").id
    for page in ("home", "images", "train", "results", "use"):
        app = open_page(page, project=project)
        assert [each.value for each in app.markdown if each.value == guide] == [guide]

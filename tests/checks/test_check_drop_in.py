"""A check is one file: dropped into a folder on the registry's path, it is there."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import run_command
from made_evidence import evidence_of
from PIL import Image
from skimage import data

import core.checks as registry
from core.checks import Check, Fix, Problem, problems_of
from core.checks._fixes import carried, fixed
from core.checks._runner import problems
from core.dataset.store import Store
from core.settings import Settings

FILE = '''
"""Images that somebody called a draft."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem


def _find(evidence: Evidence) -> Iterator[Problem]:
    for index, item in enumerate(evidence.dataset.items):
        if "draft" in item.name:
            yield Problem(
                kind="draft",
                sentence="The image is called a draft.",
                indices=(index,),
                fixes=(Fix("remove", "Remove the draft", (index,)),),
                suggestion="remove it",
            )


CHECK = Check(
    kind="draft",
    title="Drafts",
    advice="To see that one file is enough.",
    rank=15,
    find=_find,
    fixes=frozenset({"remove"}),
    relabel=True,
)
'''
SIDE = 120


@pytest.fixture
def dropped(tmp_path, monkeypatch):
    """The folder is on the registry's path while a test lasts."""
    folder = tmp_path / "checks"
    folder.mkdir()
    (folder / "draft.py").write_text(FILE)
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(folder)])
    registry.checks.cache_clear()
    yield "draft"
    registry.checks.cache_clear()


@pytest.fixture
def images(tmp_path):
    """Two classes of six pieces of a photograph, one of them called a draft."""
    folder = tmp_path / "data" / "pieces"
    for name, photograph in {"cat": data.chelsea, "cup": data.coffee}.items():
        whole = Image.fromarray(photograph())
        (folder / name).mkdir(parents=True)
        for number in range(6):
            left, top = (number % 3) * SIDE, (number // 3) * SIDE
            piece = whole.crop((left, top, left + SIDE, top + SIDE))
            piece.save(folder / name / f"{number}.png")
    (folder / "cat" / "5.png").rename(folder / "cat" / "draft.png")
    return folder


@pytest.fixture
def checked(dropped, images, tmp_path):
    """The settings of a home in which they were checked, and their dataset."""
    settings = Settings(home=tmp_path / "home")
    assert run_command(settings.home, "check", images)[0] == 0
    (file,) = (settings.home / "checks").iterdir()
    return settings, Store(settings.home).load(file.stem)


def kinds(found):
    return {each.kind for each in found}


def test_no_check_is_named_outside_its_folder():
    root = Path(registry.__file__).parents[2]
    files = [*(root / "core").rglob("*.py"), *(root / "pages").rglob("*.py")]
    naming = {
        (str(path), node.value)
        for path in files
        if path.parent != root / "core" / "checks"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in registry.checks()
    }
    assert len(files) > 100
    assert naming == set()


def test_without_the_file_there_is_no_such_check():
    assert "draft" not in registry.checks()


def test_it_appears_on_the_command_line_in_its_rank(dropped, images, tmp_path):
    code, out, err = run_command(tmp_path / "home", "check", images, "--json")
    assert code == 0, err
    assert json.loads(out)[0] == {
        "kind": "draft",
        "sentence": "The image is called a draft.",
        "images": ["cat/draft.png"],
        "suggestion": "remove it",
    }
    assert list(registry.checks())[:3] == ["unreadable", "draft", "leak"]
    _, out, _ = run_command(tmp_path / "home", "check", images)
    assert out.startswith("Drafts · draft (1)\n  To see that one file is enough.")


def test_its_fix_does_what_it_says_and_settles_it(dropped, checked):
    settings, dataset = checked
    found = problems(dataset.id, settings)
    (draft,) = [each for each in found if each.kind == dropped]
    now = fixed(dataset, draft.fixes[0])
    assert len(now.items) == len(dataset.items) - 1
    assert not any("draft" in item.name for item in now.items)
    assert dropped not in kinds(carried(found, dataset, now))
    assert dropped in kinds(carried(found, dataset, replace(dataset)))


def test_what_a_check_found_that_is_gone_is_left_out(dropped, checked, monkeypatch):
    settings, dataset = checked
    before = problems(dataset.id, settings)
    assert dropped in kinds(before)
    monkeypatch.undo()
    registry.checks.cache_clear()
    assert problems(dataset.id, settings) == [each for each in before if each.kind != dropped]


@pytest.mark.parametrize(
    "yielded",
    [
        Problem("another", "It is of another kind."),
        Problem("strict", "It offers what it may not.", (0,), fixes=(Fix("remove", "Go", (0,)),)),
    ],
)
def test_what_a_check_does_not_declare_it_may_not_yield(yielded):
    check = Check("strict", "Strict", "It declares nothing.", 1, lambda _: iter([yielded]))
    evidence = evidence_of(["a", "b"], features=np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="“strict” yields what it does not declare"):
        problems_of(check, evidence)

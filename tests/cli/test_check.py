"""`python -m core check`: what is wrong with a folder, as a list and as JSON."""

import json
from functools import partial

import pytest
from command_line import run_command
from PIL import Image
from skimage import data

from core.checks import checks

SIDE = 120


@pytest.fixture(scope="module")
def graft(tmp_path_factory):
    return partial(run_command, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Two classes of real pieces; one of them in both, another one mirrored beside itself."""
    folder = tmp_path_factory.mktemp("data") / "pieces"
    for name, photograph in {"cat": data.chelsea, "cup": data.coffee}.items():
        whole = Image.fromarray(photograph())
        (folder / name).mkdir(parents=True)
        for number in range(6):
            left, top = (number % 3) * SIDE, (number // 3) * SIDE
            piece = whole.crop((left, top, left + SIDE, top + SIDE))
            piece.save(folder / name / f"{'abcdef'[number]}.png")
    with Image.open(folder / "cat" / "b.png") as cat:
        cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "cat" / "twin.png")
    with Image.open(folder / "cat" / "e.png") as cat:
        cat.save(folder / "cup" / "stray.png")
    return folder


def test_json_is_a_list_of_problems_with_paths_as_brought_the_most_serious_kind_first(
    graft, images
):
    code, out, err = graft("check", images, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert all(set(each) == {"kind", "sentence", "images", "suggestion"} for each in found)
    ranks = [checks()[each["kind"]].rank for each in found]
    assert ranks == sorted(ranks)
    concerned = {each["kind"]: set(each["images"]) for each in found}
    assert concerned["two-labels"] == {"cat/e.png", "cup/stray.png"}
    assert concerned["near-duplicate"] == {"cat/b.png", "cat/twin.png"}
    assert all((images / name).exists() for each in found for name in each["images"])


def test_a_person_reads_headings_sentences_and_file_names(graft, images):
    code, out, _ = graft("check", images)
    assert code == 0
    assert "One image in two classes · two-labels (1)" in out
    assert "      cat/twin.png" in out
    assert "problems found" in out.splitlines()[-1]


def test_a_folder_that_is_not_there_is_said_in_words(graft, tmp_path):
    code, out, err = graft("check", tmp_path / "nowhere")
    assert (code, out) == (2, "")
    assert "There is no folder or archive" in err

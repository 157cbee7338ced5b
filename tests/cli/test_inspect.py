"""`python -m core inspect`: what is understood of a folder, and how to have it read otherwise."""

import json
from functools import partial
from pathlib import Path

import pytest
from command_line import run_command
from PIL import Image


@pytest.fixture
def graft(tmp_path):
    return partial(run_command, tmp_path / "home")


@pytest.fixture
def images(tmp_path) -> Path:
    """Two classes told by the names of files, and a text beside them."""
    folder = tmp_path / "pets"
    folder.mkdir()
    for n in range(6):
        for k, name in enumerate(("cat", "dog")):
            Image.new("RGB", (40, 40), (40 * n, 90 * k, 7)).save(folder / f"{name}.{n}.png")
    (folder / "about.txt").write_text("My pets.", encoding="utf-8")
    return folder


def test_inspect_says_classes_notes_and_the_other_way_to_read(graft, images, tmp_path):
    code, out, err = graft("inspect", images)
    assert code == 0, err
    assert "12 images in 2 classes: cat (6), dog (6)" in out
    assert "from the file names" in out
    assert "about.txt" in out
    assert not (tmp_path / "home" / "datasets").exists()


def test_json_has_the_fields_a_program_needs(graft, images):
    code, out, err = graft("inspect", images, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["classes"] == {"cat": 6, "dog": 6}
    assert found["unlabelled"] == 0
    assert found["split"] == {"train": 0, "validation": 0, "test": 0}
    assert found["columns"] == []
    assert [group["count"] for group in found["left_out"]] == [1]
    assert found["left_out"][0]["examples"] == ["about.txt"]
    assert found["notes"][0]["weight"] == 3


def test_images_that_an_import_would_leave_out_or_shorten_are_told(graft, images):
    (images / "cat.9.png").write_bytes((images / "cat.0.png").read_bytes()[:60])
    frames = [Image.new("RGB", (40, 40), (9, 9, k)) for k in range(0, 255, 60)]
    frames[0].save(images / "dog.9.webp", save_all=True, append_images=frames[1:], lossless=True)
    code, out, err = graft("inspect", images)
    assert code == 0, err
    assert "13 images in 2 classes: cat (6), dog (7)" in out
    assert "cat.9.png" in out
    assert "“dog.9.webp” (5)" in out
    assert "(Use every frame as an image: --all-frames)" in out
    code, out, err = graft("inspect", images, "--all-frames", "--json")
    assert code == 0, err
    assert json.loads(out)["classes"] == {"cat": 6, "dog": 11}


def test_a_choice_on_the_command_line_is_what_counts(graft, images):
    code, _, err = graft("inspect", images, "--classes-from", "table")
    assert code == 2
    assert "No table gives the classes" in err
    rows = [f"{path.name},{'small' if k % 2 else 'large'}" for k, path in
            enumerate(sorted(images.glob("*.png")))]  # fmt: skip
    (images / "t.csv").write_text("\n".join(["file,size class", *rows]), encoding="utf-8")
    code, out, err = graft("inspect", images, "--label-column", "size class", "--json")
    assert code == 0, err
    assert json.loads(out)["classes"] == {"large": 6, "small": 6}
    code, out, err = graft("inspect", images, "--classes-from", "file-names", "--json")
    assert json.loads(out)["classes"] == {"cat": 6, "dog": 6}


def test_check_tells_what_was_understood_before_it_looks_for_problems(graft, images):
    code, _, err = graft("check", images)
    assert code == 0, err
    assert "2 classes: cat (6), dog (6)" in err
    assert "from the file names" in err


def test_only_damaged_images_are_told_with_the_commonest_reason_first(graft, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.jpg").write_bytes(b"")
    (folder / "x.jpg").write_bytes(b"words")
    code, _, err = graft("inspect", folder)
    assert code == 2
    assert "“0.jpg”, “1.jpg”, “2.jpg” and 1 more: The file is empty" in err

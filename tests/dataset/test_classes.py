"""Classes are told by folders, whatever lies around them; their names are text and no more."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset.classes import LONGEST_CLASS, clean_class, clean_path
from core.dataset.ingest.class_folders import classes_of
from core.dataset.ingest.understanding import DOUBTFUL


def classes(*paths: str) -> list[str | None]:
    return list(classes_of(paths).classes)


@pytest.mark.parametrize("root", ["", "photos/", "photos/2024/photos/", "cat/"])
def test_folders_that_hold_everything_are_stripped(root: str) -> None:
    assert classes(f"{root}cat/1.jpg", f"{root}dog/1.jpg") == ["cat", "dog"]


def test_folders_inside_a_class_belong_to_it_and_a_note_says_so() -> None:
    told = classes_of(["x/cat/a/1.jpg", "x/cat/b/2.jpg", "x/cat/3.jpg", "x/dog/c/d/4.jpg"])
    assert told.classes == ("cat", "cat", "cat", "dog")
    assert "“cat” contains “a”, “b”" in told.notes[0].sentence


def test_the_same_folders_inside_each_class_do_not_become_classes() -> None:
    assert classes("cat/indoor/1.jpg", "dog/indoor/2.jpg") == ["cat", "dog"]
    assert classes("cat/train/1.jpg", "cat/test/2.jpg", "dog/train/3.jpg") == ["cat", "cat", "dog"]


@pytest.mark.parametrize(
    "parts", [("train", "val"), ("Train", "TEST"), ("batch1", "batch2"), ("photos", "photos (2)")]
)
def test_parts_of_a_set_are_joined_and_a_note_says_so(parts: tuple[str, str]) -> None:
    one, two = parts
    told = classes_of([f"d/{one}/cat/1.jpg", f"d/{one}/dog/2.jpg", f"d/{two}/cat/3.jpg"])
    assert told.classes == ("cat", "dog", "cat")
    assert "were read as parts of" in told.notes[0].sentence


def test_folders_of_a_ready_split_are_told_in_any_spelling() -> None:
    told = classes_of([f"d/{part}/cat/1.jpg" for part in ("Training", "dev", "TEST", "batch1")])
    assert told.parts == ("train", "val", "test", None)
    assert "This split is kept" in told.notes[0].sentence
    assert classes_of(["batch1/a/1.jpg", "batch2/a/2.jpg"]).parts == (None, None)


def test_an_unlabelled_folder_beside_others_holds_no_class() -> None:
    told = classes_of(["x/train/cat/1.jpg", "x/train/dog/2.jpg", "x/unlabelled/a/3.jpg"])
    assert told.classes == ("cat", "dog", None)
    assert told.unlabelled == (False, False, True)
    told = classes_of(["train/cat/1.jpg", "train/unlabeled/2.jpg", "test/cat/3.jpg"])
    assert (told.classes, told.unlabelled) == (("cat", None, "cat"), (False, True, False))
    assert classes_of(["unlabelled/1.jpg", "unlabelled/2.jpg"]).unlabelled == (True, True)


def test_several_roots_that_hold_different_classes_are_joined() -> None:
    assert classes("root1/a/1.jpg", "root2/b/2.jpg") == ["a", "b"]
    assert classes("root1/a/1.jpg", "root1/b/1.jpg", "root2/c/2.jpg") == ["a", "b", "c"]


def test_unlabelled_test_images_beside_class_folders_have_no_class() -> None:
    assert classes("train/cat/1.jpg", "train/dog/2.jpg", "test/3.jpg") == ["cat", "dog", None]


def test_parts_of_a_set_without_class_folders_are_no_classes_and_the_reason_says_so() -> None:
    told = classes_of(["train/1.jpg", "test/1.jpg"])
    assert told.classes == (None, None)
    assert told.parts == ("train", "test")  # for a table that tells the classes
    assert "named like parts of a split" in told.refusals[0]
    assert classes("images_part_1/1.jpg", "images_part_2/1.jpg") == [None, None]


def test_a_class_called_train_is_one_and_a_note_asks_whether_that_is_meant() -> None:
    told = classes_of(["train/1.jpg", "bus/1.jpg"])
    assert told.classes == ("train", "bus")
    assert [note.weight for note in told.notes] == [DOUBTFUL]


def test_a_single_class_folder_is_a_class() -> None:
    assert classes("cat/1.jpg", "cat/2.jpg") == ["cat", "cat"]
    assert classes("new/cat/1.jpg", "new/cat/young/2.jpg") == ["cat", "cat"]


def test_an_image_beside_the_class_folders_has_none() -> None:
    assert classes("1.jpg") == [None]
    assert classes("x/1.jpg", "x/cat/2.jpg", "x/dog/3.jpg") == [None, "cat", "dog"]
    assert classes() == []


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("  cats ", "cats"),
        ("Äpfel", "Äpfel"),
        (unicodedata.normalize("NFD", "Äpfel"), "Äpfel"),
        ("👩‍🌾 farmers", "👩‍🌾 farmers"),
        ("قطط", "قطط"),
        ("می‌خواهم", "می‌خواهم"),
        ("a\u202etxt.exe\u2066", "atxt.exe"),
        ("tab\tand\nline\x00\x1b[31m", "tab and line[31m"),
        ("\u200b\u202e", "unnamed"),
        ("", "unnamed"),
        ("\ud800lone", "lone"),
        ("<b>![x](http://example.org/x.png)</b>", "<b>![x](http://example.org/x.png)</b>"),
        ("..\\..\\x", "..\\..\\x"),
    ],
)
def test_class_names_are_cleaned_text(name: str, clean: str) -> None:
    assert clean_class(name) == clean


def test_spellings_that_look_the_same_are_one_class() -> None:
    decomposed = unicodedata.normalize("NFD", "Äpfel")
    assert classes("Äpfel/1.jpg", f"{decomposed}/2.jpg", "x/3.jpg") == ["Äpfel", "Äpfel", "x"]


def test_long_names_are_cut_with_a_note_and_stay_apart() -> None:
    one, two = "a" * 299 + "1", "a" * 299 + "2"
    told = classes_of([f"{one}/1.jpg", f"{two}/2.jpg"])
    assert len(set(told.classes)) == 2
    assert all(name and len(name) <= LONGEST_CLASS for name in told.classes)
    assert "at most 100 characters" in told.notes[0].sentence


@given(st.lists(st.text(max_size=150), min_size=1, max_size=6, unique=True))
def test_whatever_folders_are_called_their_classes_are_clean_and_short(names: list[str]) -> None:
    paths = [f"q{name.replace('/', '_')}/{n}.jpg" for n, name in enumerate(names)]
    for label in classes_of([clean_path(path) for path in paths]).classes:
        assert label
        assert len(label) <= LONGEST_CLASS
        assert clean_class(label) == label
        label.encode("utf-8")


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=12))
def test_a_root_around_everything_never_changes_the_classes(folders: list[list[str]]) -> None:
    inside = ["/".join([*folder, "1.jpg"]) for folder in folders]
    if len(set(map(tuple, folders))) <= 1:
        return  # a single folder keeps its last name
    around = classes_of([f"everything/{path}" for path in inside])
    assert around.classes in (
        classes_of(inside).classes,
        tuple("everything" for _ in inside),  # a loose file and one folder: the root is the class
    )

"""Which column holds the classes, and what its cells mean."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told import classes, sentences, text, told

from core.dataset.ingest.understanding import DOUBTFUL, NOTABLE

IMAGES = [f"{n}.jpg" for n in range(12)]
TWO = {name: ("cat", "dog")[n % 2] for n, name in enumerate(IMAGES)}
TELLING = [
    *("label", "Labels", "class", "Class Name", "category", "target", "species", "dx", "breed"),
    *("diagnosis", "choice", "klasse", "Étiquette", "标签", "类别", "ラベル", "라벨", "метка"),
]
BESIDE = {
    "id": lambda n: 1000 + n,
    "doctor": lambda n: ("Ann", "Bob", "Cy")[n % 3],
    "sex": lambda n: "fm"[n // 6],
    "age": lambda n: 30 + n % 5,
    "taken_at": lambda n: f"2024-05-{n // 2 + 1:02}",
    "comment": lambda n: ("blurry", "ok")[n // 6],
    "annotation_id": lambda n: n,
    "label_source": lambda n: ("web", "lab")[n // 6],
    "dx_type": lambda n: ("histo", "follow_up")[n // 6],
    "camera": lambda n: ("Canon", "Nikon")[n // 6],
}


def one_hot(rows: list[tuple[int, ...]], names: tuple[str, ...], zero: str, one: str) -> bytes:
    cells = [
        [name, *(one if bit else zero for bit in row)]
        for name, row in zip(IMAGES, rows, strict=True)
    ]
    return text([("image", *names), *cells])


@pytest.mark.parametrize("name", TELLING)
@given(st.permutations(sorted(BESIDE)), st.integers(0, len(BESIDE)), st.sampled_from(",;\t|"))
def test_a_column_called_like_classes_is_found_wherever_it_stands(
    name: str, beside: list[str], place: int, separator: str
) -> None:
    header = ["file", *beside[:place], name, *beside[place:]]
    rows = [
        [image, *(BESIDE[each](n) for each in beside[:place]), TWO[image],
         *(BESIDE[each](n) for each in beside[place:])]
        for n, image in enumerate(IMAGES)
    ]  # fmt: skip
    found = told({"t.csv": text([header, *rows], separator)}, IMAGES)
    assert (found.tasks, classes(found, IMAGES), found.sure) == ((name,), TWO, True)
    assert [each.name for each in found.columns if each.used] == [name]


def test_persons_and_places_are_no_classes_where_another_column_may_hold_them() -> None:
    header = ("file", "doctor", "shape", "camera")
    rows = [(i, "AB"[n % 2], ("round", "square")[n // 6], "XY"[n % 2])
            for n, i in enumerate(IMAGES)]  # fmt: skip
    found = told({"t.csv": text([header, *rows])}, IMAGES)
    assert found.tasks == ("shape",)
    assert not found.sure


def test_two_columns_that_may_hold_the_classes_are_a_doubt_with_the_other_as_a_choice() -> None:
    rows = [(i, "rb"[n % 2], ("round", "square")[n // 6]) for n, i in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "colour", "shape"), *rows])}, IMAGES)
    [doubt] = [note for note in found.notes if note.alternative]
    assert doubt.weight == DOUBTFUL
    assert doubt.alternative is not None
    assert doubt.alternative.option == "label_column=shape"
    chosen = told({"t.csv": text([("file", "colour", "shape"), *rows])}, IMAGES, ["shape"])
    assert (chosen.tasks, chosen.sure) == (("shape",), True)


# One column for each class


@pytest.mark.parametrize(
    ("zero", "one"),
    [("0", "1"), ("0.0", "1.0"), ("False", "True"), ("-1", "1"), ("", "x"), (" 0", " 1")],
)
def test_a_column_for_each_class_is_read_however_yes_is_written(zero: str, one: str) -> None:
    rows = [tuple(int(n % 3 == k) for k in range(3)) for n in range(12)]
    found = told({"t.csv": one_hot(rows, ("MEL", "NV", "BCC"), zero, one)}, IMAGES)
    assert classes(found, IMAGES) == {i: ("MEL", "NV", "BCC")[n % 3] for n, i in enumerate(IMAGES)}
    assert found.sure


def test_a_class_without_images_and_a_flag_beside_the_classes_do_not_disturb() -> None:
    rows = [(int(n % 2 == 0), int(n % 2), 0, int(n < 4)) for n in range(12)]
    found = told({"t.csv": one_hot(rows, ("cat", "dog", "bird", "is_validated"), "0", "1")}, IMAGES)
    assert set(classes(found, IMAGES).values()) == {"cat", "dog"}


def test_several_ones_in_a_row_are_several_tags_and_none_is_no_class() -> None:
    rows = [(1, 0, 0), (0, 1, 0), (0, 0, 1)] * 3 + [(1, 1, 0), (1, 0, 1), (0, 0, 0)]
    found = told({"t.csv": one_hot(rows, ("cat", "dog", "bird"), "0", "1")}, IMAGES)
    assert [bool(found.rows[n].refusal) for n in (8, 9, 10, 11)] == [False, True, True, False]
    assert "cat, dog" in found.rows[9].refusal
    assert found.rows[11].labels == (None,)
    assert "2 of 12 images have several tags" in sentences(found)
    assert any(
        note.alternative and note.alternative.option == "one_hot=false" for note in found.notes
    )


def test_questions_of_yes_and_no_stay_questions_unless_somebody_says_otherwise() -> None:
    rows = [(n % 2, int(n > 3), int(n % 3 > 0)) for n in range(12)]
    table = {"t.csv": one_hot(rows, ("smiling", "young", "outside"), "0", "1")}
    found = told(table, IMAGES)
    assert found.tasks == ("smiling", "young", "outside")
    assert any(n.alternative and n.alternative.option == "one_hot=true" and n.weight == DOUBTFUL
               for n in found.notes)  # fmt: skip
    assert told(table, IMAGES, (), True).tasks == ("class",)


def test_a_table_in_each_folder_of_a_split_is_one_reading() -> None:
    images = [f"{part}/{n}.jpg" for part in ("train", "valid", "test") for n in range(4)]
    files = {
        f"{part}/_classes.csv": text(
            [
                ("filename", " cat", " dog"),
                *((f"{n}.jpg", f" {n % 2}", f" {1 - n % 2}") for n in range(4)),
            ]
        )
        for part in ("train", "valid", "test")
    }
    found = told(files, images)
    assert set(classes(found, images).values()) == {"cat", "dog"}
    assert sentences(found).count("Each class has its own column") == 1


# Several words in a cell


@pytest.mark.parametrize(
    "both",
    ["cat,dog", "cat, dog", "cat|dog", "cat;dog", "['cat', 'dog']", '["cat", "dog"]', "{cat,dog}",
     "cat/dog", "cat+dog", "cat & dog", "cat and dog", "['cat' 'dog']"],
)  # fmt: skip
def test_several_tags_in_a_cell_never_become_a_class(both: str) -> None:
    cells = ["cat", "dog", both]
    rows = [(image, cells[n % 3]) for n, image in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "label"), *rows])}, IMAGES)
    assert set(classes(found, IMAGES).values()) == {"cat", "dog", None}
    assert sum(bool(row.refusal) for row in found.rows.values()) == 4
    note = next(note for note in found.notes if "several tags" in note.sentence)
    assert note.weight == NOTABLE


def test_words_in_changing_company_are_tags_even_if_none_stands_alone() -> None:
    cells = ["cat, dog", "dog, bird", "cat, bird"]
    rows = [(image, cells[n % 3]) for n, image in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "label"), *rows])}, IMAGES)
    assert all(row.refusal for row in found.rows.values())
    assert max(note.weight for note in found.notes) == DOUBTFUL


def test_a_name_with_a_comma_in_it_is_one_class_and_a_note_says_so() -> None:
    cells = ["Robin, European", "Robin, American", "Sparrow, Eurasian"]
    rows = [(image, cells[n % 3]) for n, image in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "label"), *rows])}, IMAGES)
    assert set(classes(found, IMAGES).values()) == set(cells)
    assert "each of these counts as one class" in sentences(found)


def test_names_with_spaces_and_slashes_are_no_tags() -> None:
    cells = ["German Shepherd", "and/or", "black & white", "rock dove", "rock", "dove"]
    rows = [(image, cells[n % 6]) for n, image in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "label"), *rows])}, IMAGES)
    assert set(classes(found, IMAGES).values()) == set(cells)


def test_one_row_for_each_box_is_one_label_for_the_image_or_several_tags() -> None:
    boxes = [("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")]
    boxes += [(i, 64, 64, TWO[i], 1, 2, n + 3, 4) for n, i in enumerate(IMAGES) for _ in "ab"]
    boxes += [("0.jpg", 64, 64, "dog", 5, 5, 9, 9)]
    found = told({"t.csv": text(boxes)}, IMAGES)
    assert "cat, dog" in found.rows[0].refusal
    assert {i: c for i, c in classes(found, IMAGES).items() if i != "0.jpg"} == {
        i: c for i, c in TWO.items() if i != "0.jpg"
    }


# Names for numbers, and forms for answers


@pytest.mark.parametrize("first", [0, 1])
def test_a_list_of_classes_gives_names_to_numbers(first: int) -> None:
    rows = [(image, n % 3 + first) for n, image in enumerate(IMAGES)]
    files = {"t.csv": text([("file", "label"), *rows]), "classes.txt": b"cat\ndog\nbird\n"}
    found = told(files, IMAGES)
    assert classes(found, IMAGES) == {
        i: ("cat", "dog", "bird")[n % 3] for n, i in enumerate(IMAGES)
    }
    assert ("counted from 1" in sentences(found)) == (first == 1)
    assert found.unused == []


def test_whole_numbers_that_pandas_made_fractions_are_whole_again() -> None:
    rows = [(image, f"{n % 3}.0") for n, image in enumerate(IMAGES)]
    found = told({"t.csv": text([("file", "label"), *rows])}, IMAGES)
    assert set(classes(found, IMAGES).values()) == {"0", "1", "2"}


def test_a_form_for_answers_beside_true_labels_is_not_used() -> None:
    form = text([("file", "label"), *((i, "cat") for i in IMAGES)])
    files = {"sample_submission.csv": form, "train.csv": text([("file", "label"), *TWO.items()])}
    found = told(files, IMAGES)
    assert classes(found, IMAGES) == TWO
    assert "looks like a form to fill in" in sentences(found)
    assert told({"sample_submission.csv": form}, IMAGES).is_template


def test_columns_of_different_names_in_two_tables_that_hold_the_same_classes_are_one() -> None:
    rows = list(TWO.items())
    files = {"train.csv": text([("file", "label"), *rows[:6]]),
             "test.csv": text([("file", "class"), *rows[6:]])}  # fmt: skip
    found = told(files, IMAGES)
    assert (found.tasks, classes(found, IMAGES)) == (("label",), TWO)
    assert [found.rows[n].part for n in (0, 11)] == ["train", "test"]


@given(st.randoms(use_true_random=False), st.sampled_from(TELLING))
def test_the_order_of_rows_changes_nothing(order: random.Random, name: str) -> None:
    rows = list(TWO.items())
    order.shuffle(rows)
    buffer = io.BytesIO(text([("file", name), *rows]))
    assert classes(told({"t.csv": buffer.getvalue()}, IMAGES), IMAGES) == TWO

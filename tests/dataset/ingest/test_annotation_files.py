"""What labelling tools and data sets write beside images, form by form."""

import json
from pathlib import Path

import pytest
from hostile_files import jpeg, write_folder, write_zip
from hypothesis import given
from hypothesis import strategies as st
from made_annotations import FORMS, IMAGES, LABELS, NAMES, PAIRS, coco, js, voc
from told import classes, sentences, text, told

from core.dataset.ingest.table_files import TEXT, table_file
from core.dataset.ingest.understanding import DOUBTFUL
from core.settings import Settings


@pytest.mark.parametrize("form", FORMS)
def test_every_usual_form_tells_the_class_of_each_image(form: str) -> None:
    found = told(FORMS[form], IMAGES)
    assert classes(found, IMAGES) == LABELS
    assert found.unused == []


def test_images_with_marks_of_several_kinds_are_left_out_and_those_without_have_no_class() -> None:
    boxes = {name: [word] for name, word in PAIRS}
    boxes |= {NAMES[0]: ["cat", "dog"], NAMES[1]: []}
    for files in (
        {"instances.json": coco(boxes)},
        {f"{name}.xml": voc(name, words) for name, words in boxes.items()},
    ):
        found = told(files, IMAGES)
        assert "cat, dog" in found.rows[0].refusal
        assert found.rows[1].labels == (None,)
        assert found.rows[2].labels == ("cat",)
        assert "1 of 8 images have several tags" in sentences(found)


def test_two_lists_called_like_parts_give_the_split() -> None:
    lists = {"train.txt": PAIRS[:6], "test.txt": PAIRS[6:]}
    files = {name: "".join(f"{n} {w}\n" for n, w in rows).encode() for name, rows in lists.items()}
    found = told(files, IMAGES)
    assert [found.rows[n].part for n in range(8)] == ["train"] * 6 + ["test"] * 2


def test_lists_of_paths_alone_give_the_split_and_lists_of_yes_and_no_give_no_classes() -> None:
    files = {"data/train.txt": "\n".join(IMAGES[:6]).encode(),
             "data/val.txt": "\n".join(IMAGES[6:]).encode(),
             "Main/cat_trainval.txt": "".join(
                 f"{n[:-4]} {1 if w == 'cat' else -1}\n" for n, w in PAIRS).encode(),
             **FORMS["Pascal VOC"]}  # fmt: skip
    found = told(files, IMAGES)
    assert (found.tasks, classes(found, IMAGES)) == (("label",), LABELS)
    assert [found.rows[n].part for n in range(8)] == ["train"] * 6 + ["val"] * 2
    assert found.unused == ["Main/cat_trainval.txt"]


def test_what_label_studio_writes_into_a_cell_is_read() -> None:
    boxes = [{"x": k, "y": 1.5, "width": 10, "rectanglelabels": ["cat"]} for k in range(60)]
    rows = [("image", "choice", "label")]
    rows += [(NAMES[0], json.dumps({"choices": ["cat", "dog"]}), ""), (NAMES[1], "dog", "")]
    found = told({"t.csv": text(rows)}, IMAGES[:2])
    assert "cat, dog" in found.rows[0].refusal
    rows = [("image", "label"), *((name, json.dumps(boxes)) for name in NAMES)]
    found = told({"t.csv": text(rows)}, IMAGES)
    assert set(classes(found, IMAGES).values()) == {"cat"}


def test_a_label_said_once_for_a_group_of_rows_is_a_doubt() -> None:
    rows = [("file", "label"), *((n, {0: "cat", 4: "dog"}.get(k, "")) for k, n in enumerate(NAMES))]
    found = told({"t.csv": text(rows)}, IMAGES)
    note = next(note for note in found.notes if "fill it in" in note.sentence)
    assert (note.weight, len(found.rows)) == (DOUBTFUL, 8)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train-00001-of-00010.tfrecord", "TFRecord"),
        ("data-00000-of-00001.arrow", "Arrow"),
        ("cifar/data_batch_1", "pickle"),
        ("x.pkl", "pickle"),
        ("train-images-idx3-ubyte", "IDX"),
        ("labels.docx", "CSV or XLSX"),
        ("labels.sav", "CSV or XLSX"),
        ("x.mat", "MATLAB"),
        ("x.sqlite3", "database"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_way_out(
    take_in, tmp_path: Path, name: str, words: str
) -> None:
    files = {"cat/1.jpg": jpeg(1), "dog/2.jpg": jpeg(2), name: b"PK\x03\x04\x00\x01\x02" * 20}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 1, "dog": 1}
    assert words in done.skipped[name]


def test_texts_about_something_else_change_nothing_and_are_named() -> None:
    files = {
        "README.txt": b"These images were taken in May, with care.\nBy Ann, and Bob.\n",
        "LICENSE.txt": b"CC BY 4.0\n",
        "notes.json": js({"camera": "x", "settings": {"iso": 100}}),
        "package.json": js({"name": "x", "files": ["a.js", "b.js"]}),
        "translations.json": js({"yes": "ja", "no": "nein"}),
        "config.yaml": b"lr: 0.1\nepochs: 3\n",
        "drawing.xml": b"<svg/>",
        "requirements.txt": b"torch\nnumpy>=2\n",
        "urls.txt": b"https://example.org/a\nhttps://example.org/b\n",
    }
    found = told(files, IMAGES)
    assert (found.tasks, found.rows, found.complaints) == ((), {}, [])
    assert sentences(found) == ""
    reasons = {name: table_file(name, raw, Settings()).reason for name, raw in files.items()}
    unread = {name for name, reason in reasons.items() if reason == TEXT}
    assert unread | set(found.unused) == set(files)


def test_a_list_for_other_images_is_a_complaint() -> None:
    found = told({"instances.json": coco({"a.jpg": ["cat"], "b.jpg": ["dog"]})}, IMAGES)
    assert (found.tasks, len(found.complaints)) == ((), 1)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("x.json", b"[" * 100_000),
        ("x.json", b'{"images": 1, "annotations": 2}'),
        (
            "x.json",
            b'{"images": [1, null, {"file_name": []}], "annotations": [[], {"image_id": {}}]}',
        ),
        ("x.json", b'[{"data": {}, "annotations": [1]}]'),
        ("x.json", b"1" * 10_000),
        (
            "x.xml",
            b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><annotation>&b;</annotation>',
        ),
        ("x.xml", b"<a>" * 20_000),
        ("x.yaml", b"a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b, *b]"),
        ("x.yaml", b"names: !!python/object/apply:os.system ['true']"),
        ("x.txt", b"\0\1\2"),
    ],
)
def test_a_hostile_annotation_file_is_left_out_in_words(name: str, raw: bytes) -> None:
    read = table_file(name, raw, Settings())
    assert read.tables == () or read.reason == ""
    assert told({name: raw}, IMAGES).tasks == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(NAMES),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["images", "annotations", "data", "filename", "imagePath", "shapes",
                         "categories", "result", "value", "regions", *NAMES, "label"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(json_values, st.sampled_from(["x.json", "x.jsonl"]))
def test_whatever_json_holds_it_is_read_or_left_out(content: object, name: str) -> None:
    found = told({name: js(content)}, IMAGES)
    assert all(len(row.labels) == len(found.tasks) for row in found.rows.values())


def test_teachable_machine_keeps_classes_in_the_names_of_images(take_in, tmp_path: Path) -> None:
    names = [f"{word}-!-{n}.jpg" for n in range(3) for word in ("Class 1", "大生鮮")]
    files = {name: jpeg(n, (12, 10)) for n, name in enumerate(names)}
    done = take_in(
        write_zip(tmp_path / "project.tm", files | {"manifest.json": js({"type": "image"})})
    )
    assert done.dataset.counts == {"Class 1": 3, "大生鮮": 3}


def test_annotation_files_in_a_folder_are_not_left_out_and_other_texts_are(
    take_in, tmp_path: Path
) -> None:
    files = {image: jpeg(n, (12, 10)) for n, image in enumerate(IMAGES)}
    files |= FORMS["YOLO with data.yaml"] | {"README.txt": b"Made in May.\n", "empty.txt": b""}
    for brought in (write_folder(tmp_path / "x", files), write_zip(tmp_path / "x.zip", files)):
        done = take_in(brought)
        assert done.dataset.counts == {"cat": 4, "dog": 4}
        assert set(done.skipped) == {"README.txt", "empty.txt"}
        assert {each.name for each in done.dataset.left_out} == {"README.txt", "empty.txt"}


def test_rows_of_words_between_spaces_are_read_as_celeba_writes_them() -> None:
    lines = [
        "8",
        "Bald Male Old",
        *(f"{n}  {-1 if k % 2 else 1} -1  1" for k, n in enumerate(NAMES)),
    ]
    found = told({"list_attr.txt": "\n".join(lines).encode()}, IMAGES, ["Bald"])
    assert set(classes(found, IMAGES).values()) == {"1", "-1"}


def test_codes_of_wordnet_are_given_their_words() -> None:
    rows = "".join(f"{n}\t{'n02121808' if w == 'cat' else 'n02084071'}\t0\t0\n" for n, w in PAIRS)
    words = b"n02121808\tcat\nn02084071\tdog\n"
    found = told({"val_annotations.txt": rows.encode(), "words.txt": words}, IMAGES)
    assert classes(found, IMAGES) == LABELS


@pytest.mark.parametrize(
    "raw",
    [
        b"\xe9" * 500_000,
        b"1 1 1 1 " + b"1" * 500_000 + b"x",
        b"1.jpg" + b" " * 500_000 + b"y",
        b'["' + b'{\\"choices\\":[' * 20_000 + b'"]',
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.json", "classes.txt"])
@pytest.mark.timeout(30)
def test_no_line_is_so_long_that_reading_it_takes_long(name: str, raw: bytes) -> None:
    assert told({name: raw}, IMAGES).tasks == ()

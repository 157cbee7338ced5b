"""Tables beside images: found, read in whatever form they come, and never believed blindly."""

from pathlib import Path

import pytest
from hostile_files import jpeg, write_folder, write_tar, write_zip
from made_tables import LABELS, SMALL, labelled, parquet, pictures, text, xlsx

from core.dataset.manifest import Dataset
from core.errors import UnusableDataset

# What forms a table may have


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.csv", text(labelled())),
        ("labels.csv", text(labelled(), ";")),
        ("labels.CSV", text(labelled(), "\t")),
        ("labels.tsv", text(labelled(), "\t")),
        ("labels.csv", b"sep=|\r\n" + text(labelled(), "|")),
        ("labels.xlsx", xlsx(list(labelled()))),
        ("labels.parquet", parquet(labelled())),
    ],
)
def test_a_table_in_any_form_tells_the_classes(take_in, tmp_path: Path, name, content) -> None:
    files = pictures() | {name: content}
    for brought in (
        write_folder(tmp_path / "x", files),
        write_zip(tmp_path / "x.zip", files),
        write_tar(tmp_path / "x.tar.gz", files, "w:gz"),
    ):
        done = take_in(brought)
        assert done.dataset.counts == {"cat": 2, "dog": 2}
        assert (done.skipped, done.dataset.left_out) == ({}, ())
        assert "“label”" in done.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_names_survive_the_encoding_of_a_table(take_in, tmp_path: Path, encoding: str) -> None:
    rows = [("Datei", "Klasse"), *((f"größe {n}.jpg", "Äpfel") for n in range(3))]
    files = pictures([f"größe {n}.jpg" for n in range(3)])
    folder = write_folder(tmp_path / "x", files | {"t.csv": text(rows, ";", encoding)})
    assert take_in(folder).dataset.counts == {"Äpfel": 3}


def test_lines_of_mixed_encodings_are_all_read_and_a_note_says_so(take_in, tmp_path: Path) -> None:
    content = text([("file", "label"), ("1.jpg", "süß")]) + text([("2.jpg", "süß")], ",", "cp1252")
    done = take_in(write_folder(tmp_path / "x", pictures(["1.jpg", "2.jpg"]) | {"t.csv": content}))
    assert done.dataset.counts == {"süß": 2}
    assert any("Western European" in note for note in done.notes)


def test_a_table_without_a_header_is_understood(take_in, tmp_path: Path) -> None:
    files = pictures() | {"t.csv": text(labelled()[1:])}
    assert take_in(write_folder(tmp_path / "x", files)).dataset.counts == {"cat": 2, "dog": 2}


@pytest.mark.parametrize(
    "called",
    [
        "pictures/{}.jpg",
        "/data/set/pictures/{}.jpg",
        "C:\\data\\{}.jpg",
        "{}.JPG",
        "{}",
        "{}.jpeg",
        "./{}.jpg",
    ],
)
def test_files_are_found_by_path_by_name_and_without_ending(
    take_in, tmp_path: Path, called: str
) -> None:
    rows = [("image", "kind"), *((called.format(n), "ab"[n % 2]) for n in range(1, 5))]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert done.dataset.counts == {"a": 2, "b": 2}


def test_a_number_in_a_sheet_names_an_image(take_in, tmp_path: Path) -> None:
    table = xlsx([("id", "label"), *((float(n), "ab"[n % 2]) for n in range(1, 5))])
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.xlsx": table}))
    assert done.dataset.counts == {"a": 2, "b": 2}


def test_a_table_beside_uploaded_archives_speaks_of_the_images_in_them(
    take_in, tmp_path: Path
) -> None:
    packed = write_zip(tmp_path / "x.zip", pictures(folder="deep")).read_bytes()
    brought = {"pictures.zip": packed, "t.csv": text(labelled())}
    assert take_in(write_folder(tmp_path / "x", brought)).dataset.counts == {"cat": 2, "dog": 2}


def test_an_image_called_like_a_table_is_an_image(take_in, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "x", {"cat/1.csv": jpeg(1), "dog/2.jpg": jpeg(2)}))
    assert done.dataset.counts == {"cat": 1, "dog": 1}


# Which columns are meant


def test_a_hugging_face_folder_with_metadata_is_understood(take_in, tmp_path: Path) -> None:
    def metadata(start: int) -> bytes:
        labels = [(f"{n:04}.jpg", "ab"[n % 2], str(100 + n)) for n in range(start, start + 4)]
        return text([("file_name", "label", "width"), *labels])

    names = [f"{n:04}.jpg" for n in range(8)]
    files = pictures(names[:4], "data/train") | {"data/train/metadata.csv": metadata(0)}
    files |= {f"data/test/{name}": jpeg(50 + n, SMALL) for n, name in enumerate(names[4:])}
    files |= {"data/test/metadata.csv": metadata(4)}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"a": 4, "b": 4}
    assert {item.part for item in done.dataset.items if "train/" in item.name} == {"train"}
    assert {item.part for item in done.dataset.items if "test/" in item.name} == {"test"}


def test_a_table_beside_its_images_means_those_and_not_others_of_the_same_name(
    take_in, tmp_path: Path
) -> None:
    names = [f"{part}/{n}.jpg" for part in "ab" for n in "12"]
    files = {name: jpeg(seed, SMALL) for seed, name in enumerate(names)}
    files |= {"a/t.csv": text([("file", "label"), ("1.jpg", "x"), ("2.jpg", "y")])}
    files |= {"b/t.csv": text([("file", "label"), ("1.jpg", "y"), ("2.jpg", "x")])}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.by_class == {"x": ["a/1.jpg", "b/2.jpg"], "y": ["a/2.jpg", "b/1.jpg"]}


def test_several_label_columns_are_several_tasks(take_in, tmp_path: Path) -> None:
    rows = [("file", "colour", "shape", "taken at")]
    rows += [(f"{n}.jpg", "rb"[n % 2], "os"[n // 3], f"2026-01-0{n}") for n in range(1, 5)]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert done.dataset.tasks == ("colour", "shape")
    assert done.dataset.items[0].labels == ("b", "o")
    assert done.dataset.counts == {"b": 2, "r": 2}
    assert done.dataset.for_task("shape").counts == {"o": 2, "s": 2}
    assert any("the first of these columns, “colour”" in note for note in done.notes)
    chosen = take_in(tmp_path / "x", columns=["Shape"]).dataset
    assert (chosen.tasks, chosen.counts) == ((), {"o": 2, "s": 2})
    assert take_in(tmp_path / "x", columns=["shape", "colour"]).dataset.tasks == ("shape", "colour")


def test_a_column_of_numbers_that_stand_for_names_is_no_task_of_its_own(
    take_in, tmp_path: Path
) -> None:
    rows = [
        ("file", "class_id", "class_name"),
        *((f, str(len(c) + (c == "dog")), c) for f, c in LABELS.items()),
    ]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert (done.dataset.tasks, done.dataset.counts) == ((), {"cat": 2, "dog": 2})


def test_fifty_label_columns_are_fifty_tasks(take_in, tmp_path: Path) -> None:
    rows = [("file", *(f"label {n}" for n in range(50)))]
    rows += [(name, *(str((k >> n % 3) % 2) for n in range(50))) for k, name in enumerate(LABELS)]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert len(done.dataset.tasks) == 50
    assert {len(item.labels) for item in done.dataset.items} == {50}
    assert Dataset.from_json(done.dataset.to_json()) == done.dataset


def test_a_column_that_is_not_there_is_told_with_those_that_are(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", pictures() | {"t.csv": text(labelled())})
    with pytest.raises(UnusableDataset, match=r"no column “colour” .* There are: “label”"):
        take_in(folder, columns=["colour"])


def test_class_folders_have_the_word_against_a_table_that_may_be_about_something_else(
    take_in, tmp_path: Path
) -> None:
    rows = [("file", "camera", "split")]
    rows += [(name, "ab"[n % 2], ("train", "test")[n // 2]) for n, name in enumerate(LABELS)]
    files = pictures(["1.jpg", "2.jpg"], "cat") | pictures(["3.jpg", "4.jpg"], "dog")
    files = {name: jpeg(n, SMALL) for n, name in enumerate(files)} | {"t.csv": text(rows)}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 2, "dog": 2}
    assert [item.part for item in done.dataset.items] == ["train", "train", "test", "test"]
    assert any("“camera”" in note for note in done.notes)
    assert take_in(tmp_path / "x", columns=["camera"]).dataset.counts == {"a": 2, "b": 2}


def test_a_table_about_nothing_here_is_passed_over_with_a_note(take_in, tmp_path: Path) -> None:
    files = {"cat/a.jpg": jpeg(1), "dog/b.jpg": jpeg(2)}
    done = take_in(write_folder(tmp_path / "x", files | {"prices.csv": b"item,price\nmilk,1\n"}))
    assert done.dataset.counts == {"cat": 1, "dog": 1}
    assert done.notes == ["“prices.csv” was not used: no column contains image names."]
    assert done.skipped == {}


# What is wrong with a table


def test_rows_that_name_no_image_are_listed_with_the_likeliest_one(take_in, tmp_path: Path) -> None:
    rows = [*labelled(), ("img_0005.jpg", "cat"), *((f"gone{n}.png", "dog") for n in range(20))]
    files = pictures([*LABELS, "img-0005.jpg"]) | {"t.csv": text(rows)}
    done = take_in(write_folder(tmp_path / "x", files))
    note = next(note for note in done.notes if "name images that are not there" in note)
    assert "“img_0005.jpg” (perhaps “pictures/img-0005.jpg”)" in note
    assert "11 more" in note
    assert done.dataset.counts == {"cat": 2, "dog": 2}
    assert "No row of the table" in done.skipped["pictures/img-0005.jpg"]
    assert [each.name for each in done.dataset.left_out] == ["pictures/img-0005.jpg"]


def test_a_table_of_other_images_is_told_unless_folders_tell_the_classes(
    take_in, tmp_path: Path
) -> None:
    table = {"t.csv": text([("file", "label"), ("cat_l.jpg", "cat"), ("zzz.jpg", "dog")])}
    with pytest.raises(UnusableDataset, match=r"“cat_l.jpg” \(perhaps “x/cat_1.jpg”\)"):
        take_in(write_folder(tmp_path / "x", {"x/cat_1.jpg": jpeg(1)} | table))
    files = {"cat/1.jpg": jpeg(1), "dog/2.jpg": jpeg(2)}
    done = take_in(write_folder(tmp_path / "y", files | table))
    assert done.dataset.counts == {"cat": 1, "dog": 1}
    assert "name images that are not there" in done.notes[0]


def test_a_name_that_may_mean_two_images_means_none(take_in, tmp_path: Path) -> None:
    files = {"p/a/1.jpg": jpeg(1), "p/b/1.jpg": jpeg(2), "p/b/2.jpg": jpeg(3), "p/b/3.jpg": jpeg(4)}
    rows = [("file", "label"), ("1.jpg", "x"), ("2.jpg", "x"), ("b/3.jpg", "y")]
    done = take_in(write_folder(tmp_path / "x", files | {"p/t.csv": text(rows)}))
    assert done.by_class == {"x": ["p/b/2.jpg"], "y": ["p/b/3.jpg"]}
    assert any("“1.jpg” could mean several images" in note for note in done.notes)


def test_a_duplicate_row_counts_once_and_a_contradiction_is_told(take_in, tmp_path: Path) -> None:
    rows = [*labelled(), ("1.jpg", "cat"), ("pictures/2.jpg", "cow")]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert done.dataset.counts == {"cat": 2, "dog": 2}
    assert any("“pictures/2.jpg” (dog and cow)" in note for note in done.notes)
    assert not any("1.jpg" in note for note in done.notes)


def test_an_image_whose_label_is_missing_is_kept_without_a_class(take_in, tmp_path: Path) -> None:
    rows = labelled(**{"2.jpg": "", "3.jpg": "NaN"})
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert done.dataset.counts == {"cat": 1, "dog": 1}
    assert [item.name for item in done.dataset.items if item.role == "unlabelled"] == [
        "pictures/2.jpg",
        "pictures/3.jpg",
    ]
    assert any("gives 2 images no class" in note for note in done.notes)


def test_a_label_missing_in_one_column_leaves_those_in_the_others(take_in, tmp_path: Path) -> None:
    rows = [
        ("file", "label a", "label b"),
        ("1.jpg", "", "x"),
        ("2.jpg", "k", ""),
        ("3.jpg", "k", "y"),
    ]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert done.dataset.counts == {"k": 2}
    assert done.dataset.for_task("label b").counts == {"x": 1, "y": 1}


def test_a_split_column_is_kept_and_its_unknown_values_are_named(take_in, tmp_path: Path) -> None:
    parts = ["Training", "dev", "test", "extra"]
    rows = [("file", "split", "label")]
    rows += [(n, part, c) for (n, c), part in zip(LABELS.items(), parts, strict=True)]
    done = take_in(write_folder(tmp_path / "x", pictures() | {"t.csv": text(rows)}))
    assert [item.part for item in done.dataset.items] == ["train", "val", "test", None]
    assert any("“extra” is not part of a split" in note for note in done.notes)

"""What tells the classes, for data sets as they are found: each test stands for a family."""

from pathlib import Path

import pytest
from brought import images, inspect, said, table
from hostile_files import jpeg, write_folder, write_zip

from core.dataset.ingest.understanding import (
    DOUBTFUL,
    Alternative,
    LeftOutGroup,
    ReadAs,
    Understanding,
    grouped,
)
from core.dataset.manifest import LeftOut
from core.errors import BadInput, UnusableDataset
from core.settings import Settings


def test_a_template_for_a_contest_never_tells_the_classes(read) -> None:
    test = images("test", n=8)
    rows = [(name.removeprefix("test/"), "dog") for name in test]
    files = images("train/cat", "train/dog") | test
    done = read(files | {"sample_submission.csv": table(("id", "species"), *rows)})
    assert done.classes == {"cat": 6, "dog": 6}
    assert done.unlabelled == 8
    assert Alternative("classes=table", "Use the table instead") in [
        note.alternative for note in done.notes
    ]


def test_a_template_with_made_up_values_does_not_either(read) -> None:
    test = images("test", n=8)
    rows = [(name.removeprefix("test/"), "cat" if k % 2 else "dog") for k, name in enumerate(test)]
    files = images("train/cat", "train/dog") | test
    done = read(files | {"sampleSubmission.csv": table(("id", "label"), *rows)})
    assert (done.classes, done.unlabelled) == ({"cat": 6, "dog": 6}, 8)


def test_a_table_of_the_classes_of_a_test_folder_completes_the_folders(read) -> None:
    test = images("test", n=8, name="t{}.jpg")
    rows = [(name.removeprefix("test/"), "cat" if k % 2 else "dog") for k, name in enumerate(test)]
    files = images("train/cat", "train/dog") | test
    done = read(files | {"test_labels.csv": table(("file", "label"), *rows)})
    assert done.classes == {"cat": 10, "dog": 10}
    assert done.split["test"] == 8
    assert done.is_doubtful


def test_a_table_of_notes_on_few_images_does_not_throw_out_the_others(read) -> None:
    rows = [("file", "label", "comment"), ("cat/1.jpg", "cat", "dark"), ("dog/2.jpg", "dog", "ok")]
    done = read(images("cat", "dog", n=20) | {"notes.csv": table(*rows)})
    assert done.classes == {"cat": 20, "dog": 20}
    assert "only 2 of the 40" in said(done)


def test_a_table_that_contradicts_the_folders_is_used_and_asked_about(read) -> None:
    files = images("site_a", "site_b")
    rows = [(name, "healthy" if k % 2 else "ill") for k, name in enumerate(files)]
    files["labels.csv"] = table(("file", "label"), *rows)
    done = read(files)
    assert done.classes == {"healthy": 6, "ill": 6}
    assert done.is_doubtful
    assert read(files, read_as=ReadAs("folders")).classes == {"site_a": 6, "site_b": 6}


def test_a_table_that_gives_the_folders_better_names_is_used_for_all(read) -> None:
    files = images("n01", "n02")
    rows = [(name, "tench" if "n01" in name else "shark") for name in files]
    done = read(files | {"labels.csv": table(("file", "class"), *rows[:-2])})
    assert done.classes == {"tench": 6, "shark": 6}
    assert not done.is_doubtful


def test_parts_of_one_set_beside_a_table_are_no_classes(read) -> None:
    files = images("HAM_images_part_1", n=6, name="ISIC_1{}.jpg") | images(
        "HAM_images_part_2", n=6, name="ISIC_2{}.jpg"
    )
    rows = [(Path(name).stem, "mel" if k % 2 else "nv") for k, name in enumerate(files)]
    done = read(files | {"meta.csv": table(("image_id", "label"), *rows)})
    assert done.classes == {"mel": 6, "nv": 6}
    with pytest.raises(UnusableDataset, match="named like parts of a split"):
        read(files)


def test_a_test_folder_of_loose_images_beside_classes_has_no_class(read) -> None:
    done = read(images("cat", "dog") | images("test", n=4))
    assert (done.classes, done.unlabelled) == ({"cat": 6, "dog": 6}, 4)
    assert "without a class" in said(done)


def test_nested_parts_with_a_shared_word_and_one_to_predict(read) -> None:
    files = images("seg_train/seg_train/sea", "seg_train/seg_train/forest")
    files |= images("seg_test/seg_test/sea", "seg_test/seg_test/forest", n=3)
    files |= images("seg_pred/seg_pred", n=5)
    done = read(files)
    assert done.classes == {"forest": 9, "sea": 9}
    assert done.split == {"train": 12, "val": 0, "test": 6}
    assert done.unlabelled == 5


def test_what_lies_beside_a_split_is_left_out_and_named(read) -> None:
    files = images("train/cat", "train/dog") | images("val/cat", "val/dog", n=2)
    files |= {"cover.jpg": jpeg(900), "docs/figure.png": jpeg(901)}
    done = read(files)
    assert done.classes == {"cat": 8, "dog": 8}
    assert done.split == {"train": 12, "val": 4, "test": 0}
    assert {name for group in done.left_out for name in group.examples} == {
        "cover.jpg",
        "docs/figure.png",
    }


def test_a_folder_called_like_a_part_and_more_belongs_to_that_part(read) -> None:
    files = images("Training/Apple", "Training/Pear", "Test/Apple", "Test/Pear")
    files |= images("train_augmented/Apple", "test-multiple_fruits", n=9)
    done = read(files)
    assert done.classes == {"Apple": 21, "Pear": 12}
    assert done.split == {"train": 21, "val": 0, "test": 12}
    assert done.unlabelled == 9


def test_a_split_of_images_and_masks_tells_no_classes(read) -> None:
    with pytest.raises(UnusableDataset, match="parts of a split"):
        read(images("train/images", "val/images") | images("train/masks", "val/masks", n=3))


def test_an_empty_part_is_said(read) -> None:
    done = read(images("train/cat", "train/dog"), empty=("val/cat", "val/dog"))
    assert done.classes == {"cat": 6, "dog": 6}
    assert "no images in: “val”" in said(done)


def test_many_images_beside_a_split_are_asked_about(read) -> None:
    done = read(images("train/cat", "train/dog", "val/cat", "val/dog", "more"))
    assert done.classes == {"cat": 12, "dog": 12}
    assert done.is_doubtful
    assert "“more”" in said(done)


def test_a_second_copy_of_everything_counts_once(read, take_in, tmp_path: Path) -> None:
    files = images("train/cat", "train/dog") | images("test/cat", "test/dog", n=3)
    twice = files | {f"chest/{name}": content for name, content in files.items()}
    done = read({f"chest/{name}": content for name, content in twice.items()})
    assert done.classes == {"cat": 9, "dog": 9}
    assert done.split == {"train": 12, "val": 0, "test": 6}
    assert "again" in said(done)
    assert take_in(tmp_path / "brought").dataset.counts == done.classes


def test_variants_of_the_same_images_are_kept_in_one_group(take_in, tmp_path: Path) -> None:
    files = images("set/color/scab", "set/grayscale/scab", "set/color/rust", "set/grayscale/rust")
    files |= images("set/segmented/scab", "set/segmented/rust", name="{}_final_masked.jpg")
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"rust": 18, "scab": 18}
    groups = [item.group for item in done.dataset.items]
    assert {groups.count(group) for group in groups} == {3}
    assert any("variants" in note for note in done.notes)


def test_masks_beside_the_images_of_each_class_are_left_out(read) -> None:
    done = read(images("COVID/images", "COVID/masks", "Normal/images", "Normal/masks"))
    assert done.classes == {"COVID": 6, "Normal": 6}
    assert "masks" in done.left_out[0].reason
    assert not done.is_doubtful


def test_classes_called_mask_and_no_mask_are_classes(read) -> None:
    assert read(images("mask", "no_mask")).classes == {"mask": 6, "no_mask": 6}


def test_folders_of_folders_are_asked_about_and_can_be_read_either_way(read) -> None:
    files = images("animals/cat", "animals/dog", "vehicles/car", "vehicles/bus")
    done = read(files)
    assert done.classes == {"animals": 12, "vehicles": 12}
    assert done.is_doubtful
    inner = read(files, read_as=ReadAs("inner-folders"))
    assert inner.classes == {"bus": 6, "car": 6, "cat": 6, "dog": 6}
    assert not inner.is_doubtful


def test_persons_inside_each_class_are_no_question(read) -> None:
    done = read(images("cat/001", "cat/002", "dog/003", "dog/004"))
    assert done.classes == {"cat": 12, "dog": 12}
    assert not done.is_doubtful


def test_a_split_inside_each_class_is_kept(read) -> None:
    done = read(images("cat/Train", "dog/Train") | images("cat/Test", "dog/Test", n=2))
    assert done.classes == {"cat": 8, "dog": 8}
    assert done.split == {"train": 12, "val": 0, "test": 4}


def test_spellings_of_a_class_in_another_part_are_one_class(read) -> None:
    done = read(images("train/Cat", "train/Dog", "test/cat", "test/DOG"))
    assert done.classes == {"Cat": 12, "Dog": 12}


def test_classes_that_only_the_test_part_holds_are_asked_about(read) -> None:
    done = read(images("train/cat", "train/dog", "test/cat", "test/dog", "test/cow"))
    assert done.is_doubtful
    assert "“cow”" in said(done)


def test_empty_class_folders_are_named(read, tmp_path: Path, settings: Settings) -> None:
    done = read(images("cat", "dog"), empty=("bird", "cat/nothing"))
    assert done.classes == {"cat": 6, "dog": 6}
    assert done.is_doubtful
    assert "“bird” holds no images" in said(done)
    assert "nothing" not in said(done)


def test_a_class_folder_of_films_and_archives_is_named(read) -> None:
    others = {f"bird/{n}.mp4": b"\0\0\0\x18ftypmp42" for n in range(3)} | {"docs/a.pdf": b"%PDF-1"}
    done = read(images("cat", "dog") | others | {"cow/cow.zip": b"PK\x03\x04"})
    assert done.classes == {"cat": 6, "dog": 6}
    assert "“bird”, “cow” hold no images" in said(done)
    assert done.is_doubtful


def test_class_folders_that_are_called_alike_are_asked_about(read) -> None:
    done = read(images("Golden Retriever", "golden_retriever", "pug"))
    assert len(done.classes) == 3
    assert done.is_doubtful


def test_an_empty_class_folder_in_a_zip_is_named(tmp_path: Path, settings: Settings) -> None:
    archive = write_zip(tmp_path / "x.zip", {**images("cat", "dog"), "bird/": b""})
    assert "“bird” holds no images" in said(inspect(archive, settings))


def test_names_of_archives_with_dots_are_class_names(tmp_path: Path, settings: Settings) -> None:
    folder = write_folder(tmp_path / "x", {})
    folder.mkdir(exist_ok=True)
    for name in ("St. Bernard", "Dr. Pepper v1.2"):
        write_zip(folder / f"{name}.zip", images("", n=5, name=name[:2] + "{}.jpg"))
    assert inspect(folder, settings).classes == {"Dr. Pepper v1.2": 5, "St. Bernard": 5}


def test_archives_called_like_parts_are_a_split(tmp_path: Path, settings: Settings) -> None:
    folder = write_folder(tmp_path / "x", {})
    folder.mkdir(exist_ok=True)
    write_zip(folder / "train.zip", images("cat", "dog"))
    write_zip(folder / "test.zip", images("y/cat", "y/dog", n=2))
    done = inspect(folder, settings)
    assert done.classes == {"cat": 8, "dog": 8}
    assert done.split == {"train": 12, "val": 0, "test": 4}


def test_a_table_is_asked_for_that_is_not_there(read) -> None:
    with pytest.raises(UnusableDataset, match="No table gives the classes"):
        read(images("cat", "dog"), read_as=ReadAs("table"))


def test_choices_are_read_as_alternatives_spell_them() -> None:
    read_as = ReadAs().with_option("classes=folders")
    assert read_as == ReadAs("folders")
    assert ReadAs.from_dict({"classes": "folders"}) == read_as
    assert ReadAs().with_option("label_column=dx") == ReadAs("table", "dx")
    assert ReadAs.from_dict({"one_hot": True}) == ReadAs("table", one_hot=True)
    for wrong in ("classes=stars", "colour=red", "label_column=", ""):
        with pytest.raises(BadInput):
            ReadAs().with_option(wrong)


def test_an_understanding_survives_json(read) -> None:
    files = images("train/cat", "train/dog", "test/cat", "test/dog") | {"cover.jpg": jpeg(77)}
    done = read(files)
    assert Understanding.from_dict(done.to_dict()) == done
    assert done.to_dict()["split"] == {"train": 12, "validation": 0, "test": 12}


def test_what_was_left_out_is_grouped_by_reason_with_examples() -> None:
    left_out = [LeftOut(f"{n}.jpg", f"It has {n + 1:,} × {n} pixels, too many.") for n in range(5)]
    left_out.append(LeftOut("a.txt", "This is text."))
    left_out.append(LeftOut("b.jpg", "It is an exact copy of “c.jpg”.", copy_of="c.jpg"))
    groups = grouped(left_out)
    assert groups[0] == LeftOutGroup(left_out[0].reason, 5, ("0.jpg", "1.jpg", "2.jpg"))
    assert [group.count for group in groups] == [5, 1, 1]


def test_inspecting_and_importing_understand_the_same(read, take_in, tmp_path: Path) -> None:
    files = images("train/cat", "train/dog", "test/cat", "test/dog") | images("unlabeled", n=3)
    files |= {"train/cat/copy.jpg": files["train/cat/0.jpg"], "readme.txt": b"words"}
    before = read(files)
    done = take_in(tmp_path / "brought")
    assert done.dataset.counts == before.classes
    assert done.notes == [note.sentence for note in before.notes]
    assert sum(item.role == "unlabelled" for item in done.dataset.items) == before.unlabelled
    assert before.left_out[0].count == 1
    assert not [note for note in before.notes if note.weight >= DOUBTFUL]

"""Images with a part or a role: of a ready split, without a class, of another kind."""

from pathlib import Path

from hostile_files import class_files, jpeg, write_folder


def test_a_ready_split_is_kept_with_its_twins_on_both_sides(take_in, tmp_path: Path) -> None:
    files = {f"{part}/{name}": jpeg(n, (20, 20)) for part, n in (("train", 1), ("valid", 2))
             for name in ("cat/1.jpg",)}  # fmt: skip
    files |= {"train/dog/1.jpg": jpeg(3), "test/cat/1.jpg": files["train/cat/1.jpg"]}
    done = take_in(write_folder(tmp_path / "x", files))
    assert {item.name: item.part for item in done.dataset.items} == {
        "test/cat/1.jpg": "test",
        "train/cat/1.jpg": "train",
        "train/dog/1.jpg": "train",
        "valid/cat/1.jpg": "val",
    }
    assert "This split is kept" in done.notes[0]
    assert done.dataset.counts == {"cat": 3, "dog": 1}


def test_images_without_a_class_need_no_folders(take_in, tmp_path: Path) -> None:
    done = take_in(
        write_folder(tmp_path / "x", {"1.jpg": jpeg(1), "cat/2.jpg": jpeg(2), "t.csv": b"a,b"}),
        role="unlabelled",
    )
    assert [(i.label, i.role) for i in done.dataset.items] == [(None, "unlabelled")] * 2
    assert (done.dataset.labelled, done.dataset.counts, done.skipped) == ((), {}, {})


def test_a_folder_of_unlabelled_images_beside_class_folders_is_one(take_in, tmp_path: Path) -> None:
    files = class_files() | {"Unlabeled/1.jpg": jpeg(1), "Unlabeled/deep/2.jpg": jpeg(2)}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert sum(item.role == "unlabelled" for item in done.dataset.items) == 2
    assert "without a class" in done.notes[0]


def test_source_images_keep_their_labels_and_are_never_counted(take_in, tmp_path: Path) -> None:
    old = take_in(write_folder(tmp_path / "x", class_files()))
    drawn = write_folder(tmp_path / "y", class_files(2))  # the same images, in another role
    new = take_in(drawn, add_to=old.dataset, role="source").dataset
    assert new.counts == {"cat": 5, "dog": 5}
    assert [i.label for i in new.items if i.role == "source"] == ["cat", "cat", "dog", "dog"]


def test_what_is_left_out_is_remembered_over_versions(take_in, tmp_path: Path) -> None:
    copy = class_files()["cat/cat3.jpg"]
    files = class_files() | {"cat/copy.jpg": copy, "cat/zero.jpg": b"", "lost.jpg": jpeg(9)}
    old = take_in(write_folder(tmp_path / "x", files)).dataset
    assert [(each.name, each.copy_of) for each in old.left_out] == [
        ("cat/copy.jpg", "cat/cat3.jpg"),
        ("cat/zero.jpg", None),
        ("lost.jpg", None),
    ]
    more = write_folder(tmp_path / "y", {"cat/zero.jpg": jpeg(7), "dog/x.jpg": b"x"})
    new = take_in(more, add_to=old).dataset
    assert [each.name for each in new.left_out] == ["cat/copy.jpg", "lost.jpg", "dog/x.jpg"]
    assert "text" in new.left_out[-1].reason

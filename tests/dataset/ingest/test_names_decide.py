"""Where nothing else tells the classes, the names of the files may."""

import pytest
from brought import images

from core.dataset.ingest.understanding import (
    ReadAs,
)
from core.errors import UnusableDataset


def test_classes_are_told_by_the_names_of_files_where_nothing_else_does(read) -> None:
    files = images("", name="cat.{}.jpg") | images("", name="sea_dog ({}).jpg", n=7)
    done = read(files)
    assert done.classes == {"cat": 6, "sea_dog": 7}
    assert done.is_doubtful


@pytest.mark.parametrize(
    "names",
    [
        ("cat_20240101_1200{}.jpg", "dog_20240102_1300{}.jpg"),
        (
            "cat-3f2504e0-4f89-11d3-9a0c-0305e82c330{}.jpg",
            "dog-3f2504e04f8911d39a0c0305e82c330{}.jpg",
        ),
        ("set_cat_{}.jpg", "set_dog_{}.jpg"),
        ("00{}_cat.jpg", "10{}-dog.jpg"),
        (
            "cat_1{}_jpg.rf.0123456789abcdef0123456789abcdef.jpg",
            "dog_{}_png.rf.0123456789abcdef.jpg",
        ),
    ],
)
def test_names_of_every_usual_form_tell_classes(read, names: tuple[str, str]) -> None:
    one, two = names
    assert read(images("", name=one) | images("", name=two)).classes == {"cat": 6, "dog": 6}


def test_names_tell_the_classes_of_the_part_to_learn_from(read) -> None:
    files = images("train", name="cat.{}.jpg") | images("train", name="dog.{}.jpg", n=7)
    done = read(files | images("test1", n=5))
    assert (done.classes, done.unlabelled) == ({"cat": 6, "dog": 7}, 5)


@pytest.mark.parametrize("name", ["IMG_{}.jpg", "class_{}.jpg", "DSC{}.jpg", "{}.jpg", "p{}.jpg"])
def test_names_that_every_camera_gives_tell_no_class(read, name: str) -> None:
    with pytest.raises(UnusableDataset, match=r"No image could be used.*3 more: It is (not )?in"):
        read(images("", name=name))


def test_names_are_used_where_somebody_says_so(read) -> None:
    files = images("all", name="cat{}.jpg") | images("all", name="dog{}.jpg")
    assert read(files, read_as=ReadAs("file-names")).classes == {"cat": 6, "dog": 6}
    with pytest.raises(UnusableDataset, match="not named like a class"):
        read(files, read_as=ReadAs("folders"))
    with pytest.raises(UnusableDataset, match="file names"):
        read(images("all"), read_as=ReadAs("file-names"))

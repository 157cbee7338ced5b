"""Links are followed where they stay inside, or where they are a person's own."""

import tarfile
import zipfile
from pathlib import Path

import pytest
from hostile_files import class_files, jpeg, write_folder, write_zip

from core.recipe import Recipe
from core.settings import Settings

PETS = {"cat": 5, "dog": 5}


def cache_of_links(root: Path) -> Path:
    """A folder of links into blobs beside it, as the Hugging Face hub keeps its downloads."""
    snapshot = root / "hub" / "snapshots" / "abc"
    for number, (name, content) in enumerate(class_files().items()):
        blob = write_folder(root / "hub" / "blobs", {f"{number:04x}": content}) / f"{number:04x}"
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path("../../../blobs") / blob.name)
    return snapshot


def test_a_persons_own_links_are_followed_wherever_they_lead(take_in, tmp_path: Path) -> None:
    done = take_in(cache_of_links(tmp_path), follow_links=True)
    assert done.dataset.counts == PETS
    assert done.skipped == {}


def test_on_a_server_links_end_inside_what_was_opened(take_in, tmp_path: Path) -> None:
    snapshot = cache_of_links(tmp_path)
    opened = take_in(snapshot, limits={"import_roots": (tmp_path / "hub",)})
    assert opened.dataset.counts == PETS
    (snapshot / "cat" / "mine.jpg").write_bytes(jpeg(7))
    shut = take_in(snapshot)
    assert shut.dataset.counts == {"cat": 1}
    assert all("link to a place outside" in reason for reason in shut.skipped.values())


def test_links_inside_a_folder_are_images_and_folders(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", class_files() | {"more/1.jpg": jpeg(60)})
    (folder / "cat" / "again").symlink_to(folder / "more")
    (folder / "dog" / "one.jpg").symlink_to("../more/1.jpg")
    (folder / "dog" / "up").symlink_to("..")
    (folder / "dog" / "gone.jpg").symlink_to("nowhere.jpg")
    done = take_in(folder)
    assert done.dataset.counts == {"cat": 6, "dog": 6, "more": 1}
    assert done.skipped.keys() == {"dog/gone.jpg"}
    assert "not there" in done.skipped["dog/gone.jpg"]


def test_links_that_lead_round_and_round_come_to_an_end(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", class_files())
    for label in ("cat", "dog"):
        (folder / label / "a").symlink_to(folder / "cat")
        (folder / label / "b").symlink_to(folder / "dog")
        (folder / label / "c").symlink_to(folder / label / "c")
    done = take_in(folder, limits={"max_entries": 200})
    assert done.dataset.counts.keys() == PETS.keys()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_inside_a_tar_are_the_files_they_lead_to(take_in, tmp_path: Path, mode: str) -> None:
    links = (
        ("dog/hard.jpg", tarfile.LNKTYPE, "more/1.jpg"),
        ("cat/soft.jpg", tarfile.SYMTYPE, "../more/1.jpg"),
        ("cat/chain.jpg", tarfile.SYMTYPE, "later.jpg"),
        ("cat/later.jpg", tarfile.SYMTYPE, "../more/2.jpg"),
        ("dog/again", tarfile.SYMTYPE, "../more"),
    )
    with tarfile.open(tmp_path / "x.dat", mode) as archive:
        for name, kind, goal in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, goal
            archive.addfile(member)
        files = class_files() | {"more/1.jpg": jpeg(60), "more/2.jpg": jpeg(61)}
        for name, content in files.items():
            path = write_folder(tmp_path / "files", {name: content}) / name
            archive.add(path, name)
    done = take_in(tmp_path / "x.dat")
    assert {name for name in done.by_class["cat"] if "cat/cat" not in name} == {
        "cat/soft.jpg",
        "cat/chain.jpg",
    }
    assert {"dog/again/2.jpg"} < set(done.by_class["dog"])
    assert all("exact copy" in reason for reason in done.skipped.values())


def test_links_inside_a_zip_are_the_files_they_lead_to(take_in, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", class_files() | {"more/1.jpg": jpeg(60)})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("cat/soft.jpg")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "../more/1.jpg")
    done = take_in(path)
    assert done.dataset.counts == {"cat": 6, "dog": 5, "more": 1}


def test_a_run_and_the_home_folder_in_the_data_are_passed_over(
    take_in, settings: Settings, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, {f"{name}": content for name, content in class_files().items()})
    before = take_in(folder).dataset.id
    recipe = Recipe(dataset="0" * 16, backbone="b", strategy="s").to_json().encode()
    write_folder(tmp_path / "run", {"recipe.json": recipe, "a/1.png": jpeg(3)})
    assert settings.home.is_dir()
    assert settings.home.is_relative_to(folder)
    assert take_in(folder).dataset.id == before

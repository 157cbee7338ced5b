"""A version goes out as class folders and comes back as the same images and classes."""

import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hostile_files import class_files, encoded, jpeg, photo, write_folder
from PIL import Image

from core.dataset.export import export_folders
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotFound
from core.events import Finished, Progress

HOSTILE = (
    "../../etc/passwd",
    "/absolute",
    "C:\\windows\\x",
    "..",
    ".",
    "",
    "CON",
    "nul.txt",
    "a/b",
    "a_b",
    ".hidden",
    "__MACOSX",
    "tr\u202eick",
    "new\nline",
    "x" * 400,
    "dot.",
    "ends ",
    "<b>bold</b>",
    "猫",
)


def exported(dataset: Dataset, store: Store, file: Path) -> zipfile.ZipFile:
    *_, last = export_folders(dataset, store, file)
    assert isinstance(last, Finished)
    assert last.result == {"file": file.name, "images": len(dataset.items)}
    return zipfile.ZipFile(file)


def pairs(dataset: Dataset) -> Counter[tuple[str, str | None]]:
    return Counter((item.image, item.label) for item in dataset.items)


def test_what_goes_out_comes_back(take_in, store: Store, tmp_path: Path) -> None:
    files = class_files() | {
        "cat/large.jpg": jpeg(50, (1500, 1000)),
        "cat/drawn.png": encoded(photo(51, (640, 480)).convert("P"), "PNG"),
        "dog/clear.png": encoded(Image.new("RGBA", (640, 480), (9, 9, 9, 99)), "PNG"),
        "dog/other.webp": encoded(photo(52, (700, 500)), "WEBP"),
        "dog/inner/dog0.jpg": jpeg(53),
    }
    before = take_in(write_folder(tmp_path / "pets", files)).dataset
    with exported(before, store, tmp_path / "pets.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"cat", "dog", "dataset.json"}
        assert "cat/large.jpg" in archive.namelist()
    after = take_in(tmp_path / "pets.zip").dataset
    assert pairs(after) == pairs(before)


def test_channels_go_out_as_files_that_hold_them(take_in, store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    files = {f"cat/{n}.png": encoded(photo(n).convert("L"), "PNG") for n in range(2)}
    for n in range(2, 5):
        deep = rng.integers(0, 65536, (40, 30), dtype=np.uint16)
        files[f"dog/{n}.png"] = encoded(Image.fromarray(deep), "PNG")
    before = take_in(write_folder(tmp_path / "x", files), keep=True).dataset
    five = Item(store.take(_five()), "five", "five/1.tif")
    whole = Dataset("x", (*before.items, five))
    exported(whole, store, tmp_path / "x.zip").close()
    after = take_in(tmp_path / "x.zip", keep=True).dataset
    assert pairs(after) == pairs(whole)


def _five():
    from tifffile import imwrite

    from core.dataset.ingest.decode import decode_for_storage
    from core.settings import Settings

    buffer = io.BytesIO()
    values = np.random.default_rng(1).integers(0, 65536, (20, 30, 5), dtype=np.uint16)
    imwrite(buffer, values, photometric="minisblack", planarconfig="contig")
    buffer.seek(0)
    return decode_for_storage(buffer, Settings(home=Path("unused")), keep=True)


def test_hostile_names_never_lead_outward(store: Store, tmp_path: Path) -> None:
    image = store.add(photo(), lossless=False)
    items = [Item(image, label, name) for label in HOSTILE for name in HOSTILE]
    with exported(Dataset("x", tuple(items)), store, tmp_path / "x.zip") as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert len({name.casefold() for name in names}) == len(items) + 1
    assert {path.name for path in tmp_path.iterdir()} == {"home", "x.zip", "out"}
    assert sum(path.is_file() for path in (tmp_path / "out").rglob("*")) == len(names)
    for name in names[:-1]:
        folder, inside = name.split("/")
        for level in (folder, inside):
            assert level.strip(". ") not in ("", "CON", "nul.txt")
            assert not set(level) & set('\\:*?"<>|\n\u202e')
            assert not level.startswith(".")


def test_parts_and_roles_are_levels_of_folders(store: Store, tmp_path: Path) -> None:
    image = store.add(photo(), lossless=True)
    items = (
        Item(image, "cat", "1.jpg", part="train"),
        Item(image, "cat", "1.jpg", part="test"),
        Item(image, "dog", "deep/1.jpg", part="test"),
        Item(image, "unlabelled", "2.jpg", part="train"),
        Item(image, None, "3.jpg", role="unlabelled"),
        Item(image, "cat", "4.jpg", role="source"),
    )
    with exported(Dataset("x", items), store, tmp_path / "x.zip") as archive:
        assert archive.namelist() == [
            "train/cat/1.png",
            "test/cat/1.png",
            "test/dog/1.png",
            "train/unlabelled (2)/2.png",
            "unlabelled/3.png",
            "source/cat/4.png",
            "dataset.json",
        ]


def test_the_list_inside_says_where_it_comes_from(store: Store, tmp_path: Path) -> None:
    image = store.add(photo(), lossless=True)
    item = Item(image, "cat: wild", "a/1.jpg", group="burst")
    made = Dataset("x", (item,), source="a zoo", licence="CC0", parent="0" * 16, change="1 moved")
    with exported(made, store, tmp_path / "x.zip") as archive:
        about = json.loads(archive.read("dataset.json"))
    assert (about["source"], about["licence"]) == ("a zoo", "CC0")
    assert about["history"] == (
        f"This is version {made.id}, made from version {'0' * 16}: 1 moved."
    )
    assert about["images"] == [
        {
            "file": "cat_ wild/1.png",
            "class": "cat: wild",
            "name": "a/1.jpg",
            "sha256": image,
            "group": "burst",
        }
    ]


def test_an_export_that_is_broken_off_leaves_nothing(store: Store, tmp_path: Path) -> None:
    image = store.add(photo(), lossless=True)
    missing = Dataset("x", (Item(image, "a", "1.png"), Item("f" * 64, "a", "2.png")))
    with pytest.raises(NotFound):
        list(export_folders(missing, store, tmp_path / "x.zip"))
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_same_version_gives_the_same_file(store: Store, tmp_path: Path) -> None:
    made = Dataset("x", (Item(store.add(photo(), lossless=True), "a", "1.png"),))
    exported(made, store, tmp_path / "1.zip").close()
    exported(made, store, tmp_path / "2.zip").close()
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_progress_is_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.dataset.export._SECONDS_BETWEEN_NEWS", 0)
    image = store.add(photo(), lossless=True)
    made = Dataset("x", tuple(Item(image, "a", f"{n}.png") for n in range(3)))
    told = [e for e in export_folders(made, store, tmp_path / "x.zip") if isinstance(e, Progress)]
    assert [(each.done, each.total) for each in told] == [(1, 3), (2, 3), (3, 3)]

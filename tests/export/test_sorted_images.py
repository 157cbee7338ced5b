"""Where images go when they are sorted, whatever they and their classes are called."""

import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from core.events import Finished, Skipped
from core.export.sorted_images import SortedImage, places, sort_into_zip
from core.settings import Settings

HOSTILE = [
    *("../../etc/passwd", "C:\\x\\a.jpg", "CON.png", "a/..", ".hidden", "a.JPG", "A.jpg"),
    *("x" * 300 + ".jpg", "🐈" * 120),
]
NAMES = st.text(max_size=200) | st.sampled_from(HOSTILE)


def image(name: str, label: str | None, path: Path = Path("/nowhere")) -> SortedImage:
    return SortedImage(name, path, label)


def test_files_keep_their_names_and_clashes_are_numbered() -> None:
    asked = [("a/1.jpg", "cat"), ("b/1.JPG", "cat"), ("1.jpg", "dog"), ("z.png", None)]
    asked += [("1.jpg", "cat"), ("u.png", "unknown"), ("1.jpg", "Cat")]
    assert places([image(name, label) for name, label in asked]) == [
        *("cat (2)/1.jpg", "cat (2)/1 (2).JPG", "dog/1.jpg", "unknown/z.png"),
        *("cat (2)/1 (3).jpg", "unknown (2)/u.png", "Cat/1.jpg"),
    ]


def test_a_name_that_is_too_long_is_cut_and_keeps_its_ending() -> None:
    (place,) = places([image("x" * 300 + ".jpg", None)])
    assert place == f"unknown/{'x' * 120}.jpg"


@given(st.lists(st.tuples(NAMES, st.none() | NAMES), max_size=20))
def test_no_name_leads_anywhere_but_into_its_own_folder(
    asked: list[tuple[str, str | None]],
) -> None:
    found = places([image(name, label) for name, label in asked])
    assert len({place.casefold() for place in found}) == len(found)
    for place in found:
        parts = PurePosixPath(place).parts
        assert len(parts) == 2
        assert not {"..", ".", ""} & set(parts)
        assert not set('\\:*?"<>|') & set(place)
        assert not {unicodedata.category(letter) for letter in place} & {"Cc", "Cs"}
        assert max(len(part.encode("utf-8")) for part in parts) <= 255


def test_what_is_gone_is_named_and_the_rest_is_packed(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"bytes")
    images = [image("a.jpg", "cat", tmp_path / "here"), image("b.jpg", "cat", tmp_path / "gone")]
    file = tmp_path / "sorted.zip"
    settings = Settings(home=tmp_path, min_free_bytes=0)
    events = list(sort_into_zip(images, file, settings))
    assert [event.name for event in events if isinstance(event, Skipped)] == ["b.jpg"]
    assert isinstance(events[-1], Finished)
    assert events[-1].result == {"file": "sorted.zip", "images": 1}
    with zipfile.ZipFile(file) as archive:
        assert archive.read("cat/a.jpg") == b"bytes"
        assert archive.namelist() == ["cat/a.jpg"]
    file.unlink()
    with pytest.raises(NotFound, match="Predict them again"):
        list(sort_into_zip(images[1:], file, settings))
    assert [path.name for path in tmp_path.iterdir()] == ["here"]

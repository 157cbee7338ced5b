"""From folders, uploads and loose files to a dataset; each file is taken or named with a reason."""

import os
from pathlib import Path

import hypothesis
import pytest
from hostile_files import class_files, encoded, huge_png, jpeg, photo, write_folder, write_zip
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from PIL import Image

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import is_junk
from core.dataset.ingest.importing import import_images
from core.dataset.store import Store
from core.errors import GraftError, OutOfSpace, RefusedArchive, UnusableDataset
from core.events import Finished, Progress, from_line, to_line
from core.settings import Settings


def test_a_folder_of_class_folders_becomes_a_dataset(take_in, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "pets", class_files()), title="Pets")
    assert done.dataset.title == "Pets"
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert done.by_class["cat"][0] == "cat/cat0.jpg"
    assert done.skipped == {}
    assert done.result == {"dataset": done.dataset.id, "images": 10, "added": 10, "skipped": 0}
    done.dataset.require_trainable()


def test_every_image_is_stored_with_its_thumbnail(take_in, store: Store, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "pets", class_files()))
    for item in done.dataset.items:
        assert store.open(item.image).size == (64, 48)
        assert store.thumbnail(item.image).stat().st_size > 0


def test_junk_is_passed_over_in_silence(take_in, tmp_path: Path) -> None:
    files = {f"deep/deeper/{name}": content for name, content in class_files().items()}
    files |= {
        "__MACOSX/deep/._cat0.jpg": b"x",
        "deep/.DS_Store": b"x",
        "deep/deeper/cat/Thumbs.db": b"x",
        "deep/deeper/cat/.hidden.jpg": jpeg(),
        "deep/deeper/.thumbnails/1.jpg": jpeg(),
        "deep/desktop.ini": b"x",
    }
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert (done.skipped, done.notes) == ({}, [])


def test_each_file_left_out_is_named_with_its_reason(take_in, tmp_path: Path) -> None:
    files = class_files() | {
        "README.txt": b"about these images",
        "cat/notes.txt": b"hello",
        "cat/zero.jpg": b"",
        "cat/words.jpg": b"I am no image",
        "cat/cut.jpg": jpeg()[:500],
        "cat/huge.png": huge_png(20_000, 20_000),
        "dog/more.zip": b"PK\x03\x04",
        "loose.jpg": jpeg(7),
        "dog/REALLY.JPG": encoded(photo(8), "PNG"),
    }
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 5, "dog": 6}
    words = {
        "README.txt": "text",
        "cat/notes.txt": "text",
        "cat/zero.jpg": "empty",
        "cat/words.jpg": "text",
        "cat/cut.jpg": "ends too early",
        "cat/huge.png": "20,000 × 20,000",
        "dog/more.zip": "rchives inside an archive",
        "loose.jpg": "not in a class folder",
    }
    assert done.skipped.keys() == words.keys()
    for name, word in words.items():
        assert word in done.skipped[name]
        assert done.skipped[name].endswith(".")
    assert done.result["skipped"] == len(words)


def test_the_same_files_give_the_same_dataset(take_in, tmp_path: Path) -> None:
    files = class_files(8)
    one = take_in(write_folder(tmp_path / "one", files))
    two = take_in(write_folder(tmp_path / "two", dict(reversed(files.items()))))
    packed = take_in(write_zip(tmp_path / "x.zip", dict(reversed(files.items()))))
    assert one.dataset.id == two.dataset.id == packed.dataset.id


def test_a_copy_in_the_same_class_is_kept_once(take_in, tmp_path: Path) -> None:
    files = class_files() | {"cat/copy.jpg": class_files()["cat/cat3.jpg"]}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert "exact copy of “cat/cat3.jpg”" in done.skipped["cat/copy.jpg"]


def test_a_copy_in_another_class_is_kept_and_named(take_in, tmp_path: Path) -> None:
    files = class_files() | {"dog/odd.jpg": class_files()["cat/cat3.jpg"]}
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"cat": 5, "dog": 6}
    assert "“cat/cat3.jpg” (cat) and “dog/odd.jpg” (dog)" in done.notes[0]


def test_loose_files_go_into_the_named_class(take_in, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "x", {"1.jpg": jpeg(1)}), into_class=" 🐈 cats ")
    assert done.dataset.counts == {"🐈 cats": 1}
    one_file = tmp_path / "x" / "1.jpg"
    assert take_in(one_file, into_class="cats").dataset.counts == {"cats": 1}


def test_loose_files_without_a_class_are_told_what_to_do(take_in, tmp_path: Path) -> None:
    with pytest.raises(UnusableDataset, match=r"“1\.jpg”: It is not in a class folder"):
        take_in(write_folder(tmp_path / "x", {"1.jpg": jpeg(1)}))


def test_more_images_make_a_new_version_that_holds_the_old_ones(take_in, tmp_path: Path) -> None:
    old = take_in(write_folder(tmp_path / "x", class_files()), origin="a zoo", licence="CC0")
    more = {"cat/cat0.jpg": class_files()["cat/cat0.jpg"], "cow/1.jpg": jpeg(9)}
    new = take_in(write_folder(tmp_path / "y", more), add_to=old.dataset)
    assert new.dataset.parent == old.dataset.id
    assert new.dataset.counts == {"cat": 5, "cow": 1, "dog": 5}
    assert (new.dataset.source, new.dataset.licence) == ("a zoo", "CC0")
    assert "exact copy" in new.skipped["cat/cat0.jpg"]
    assert new.result["added"] == 1
    assert set(old.dataset.items) < set(new.dataset.items)


def test_links_out_of_a_folder_and_special_files_are_left_out(take_in, tmp_path: Path) -> None:
    secret = write_folder(tmp_path / "secret", {"s/1.jpg": jpeg(50)})
    folder = write_folder(tmp_path / "x", class_files())
    (folder / "cat" / "link.jpg").symlink_to(secret / "s" / "1.jpg")
    (folder / "linked").symlink_to(secret)
    os.mkfifo(folder / "cat" / "pipe.jpg")
    done = take_in(folder)
    assert done.dataset.counts == {"cat": 5, "dog": 5}
    assert "link" in done.skipped["cat/link.jpg"]
    assert "link" in done.skipped["linked"]
    assert "special" in done.skipped["cat/pipe.jpg"]


def test_names_that_are_no_utf8_are_shown_as_well_as_they_can(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", class_files())
    os.rename(os.fsencode(folder / "cat"), os.fsencode(folder) + b"/k\xe4tzchen")
    done = take_in(folder)
    assert done.dataset.counts == {"dog": 5, "k\ufffdtzchen": 5}


def test_class_names_are_text_and_never_paths(take_in, tmp_path: Path) -> None:
    names = ["🐈‍⬛", "قطط", "![x](data:x)", "<script>alert(1)<", "x" * 300, "..x", "%2e%2e"]
    inside = {f"{name}/{n}.jpg": jpeg(n) for n, name in enumerate(names)}
    done = take_in(write_zip(tmp_path / "x.zip", inside))
    assert len(done.dataset.classes) == len(names)
    assert set(names[:4]) < set(done.dataset.classes)
    assert {path.name for path in tmp_path.iterdir()} == {"x.zip", "home"}


def test_no_image_at_all_gives_the_commonest_reason(take_in, tmp_path: Path) -> None:
    with pytest.raises(UnusableDataset, match=r"“cat/a\.jpg”, “cat/b\.jpg”: .*empty"):
        take_in(write_folder(tmp_path / "x", {"cat/a.jpg": b"", "cat/b.jpg": b""}))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UnusableDataset, match="There is no image"):
        take_in(tmp_path / "nothing")


def test_what_is_neither_folder_nor_archive_is_refused_in_words(take_in, tmp_path: Path) -> None:
    with pytest.raises(RefusedArchive, match="no file or folder"):
        take_in(tmp_path / "missing")
    (tmp_path / "x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + b"x" * 100)
    with pytest.raises(RefusedArchive, match="7z archive, which cannot be opened"):
        take_in(tmp_path / "x.7z")
    (tmp_path / "x.doc").write_bytes(b"\xd0\xcf\x11\xe0" * 9)
    with pytest.raises(UnusableDataset, match=r"“x\.doc”"):
        take_in(tmp_path / "x.doc")


def test_limits_on_files_and_images_are_kept(take_in, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "x", class_files())
    with pytest.raises(RefusedArchive, match="more than 9 files"):
        take_in(folder, limits={"max_entries": 9})
    with pytest.raises(RefusedArchive, match="more than 9 images"):
        take_in(folder, limits={"max_images": 9})
    assert take_in(folder, limits={"max_images": 10, "max_entries": 10}).result["images"] == 10
    assert (
        "larger than"
        in take_in(
            write_folder(folder, {"cat/large.jpg": jpeg(3, (800, 600))}),
            limits={"max_file_bytes": 8000},
        ).skipped["cat/large.jpg"]
    )


def test_progress_counts_up_to_the_end_and_not_too_often(take_in, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "x", class_files(50)))
    counts = [(event.done, event.total) for event in done.progress]
    assert counts[0] == (0, 100)
    assert counts[-1] == (100, 100)
    assert counts == sorted(counts)
    assert len(counts) < 20


def test_every_event_survives_its_line_of_json(take_in, tmp_path: Path) -> None:
    files = class_files() | {"cat/\ud800\x1b[31m.jpg".encode("utf-8", "replace").decode(): b"x"}
    for event in take_in(write_folder(tmp_path / "x", files)).events:
        assert from_line(to_line(event)) == event


def test_a_full_disk_ends_the_import_in_words(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder = write_folder(tmp_path / "x", class_files())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace):
        list(import_images(folder, store, settings, title="t"))
    assert not list((tmp_path / "home").rglob("*.json"))


def test_an_import_can_be_left_at_any_time(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "x", class_files(20) | {"cat/0.jpg": b"", "dog/0.jpg": b""})
    events = import_images(folder, store, settings, title="t")
    assert isinstance(next(events), Progress)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert not list((tmp_path / "home").rglob("*.json"))
    assert not list((tmp_path / "home").rglob(".draft*"))


def test_large_images_are_stored_small(take_in, store: Store, tmp_path: Path) -> None:
    done = take_in(write_folder(tmp_path / "x", {"cat/1.jpg": jpeg(1, (3000, 2000))}))
    assert store.open(done.dataset.items[0].image).size == (1024, 683)


def test_cmyk_and_sixteen_bit_images_are_taken_like_any_other(take_in, tmp_path: Path) -> None:
    cmyk = encoded(photo(1).convert("CMYK"), "JPEG")
    deep = encoded(Image.new("I;16", (40, 40), 40000), "PNG")
    done = take_in(write_folder(tmp_path / "x", {"cat/1.JPEG": cmyk, "dog/2.PNG": deep}))
    assert done.dataset.counts == {"cat": 1, "dog": 1}


def test_images_of_several_tasks_and_of_one_come_together(take_in, tmp_path: Path) -> None:
    table = b"file,label colour,label shape\n1.jpg,red,round\n2.jpg,blue,square\n"
    tasks = write_folder(tmp_path / "t", {"1.jpg": jpeg(1), "2.jpg": jpeg(2), "t.csv": table})
    folders = write_folder(tmp_path / "f", {"red/3.jpg": jpeg(3), "blue/4.jpg": jpeg(4)})
    for first, second in ((tasks, folders), (folders, tasks)):
        old = take_in(first)
        new = take_in(second, add_to=old.dataset).dataset
        assert new.tasks == ("label colour", "label shape")
        assert new.counts == {"blue": 2, "red": 2}
        assert new.for_task("label shape").counts == {"round": 1, "square": 1}


awkward = st.text(min_size=1, max_size=30).map(lambda name: name.replace("/", "_"))


@hypothesis.settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(st.tuples(awkward, awkward), st.booleans(), min_size=1, max_size=5))
def test_whatever_files_are_called_each_is_an_item_or_left_out_in_words(
    tmp_path: Path, called: dict[tuple[str, str], bool]
) -> None:
    names = {f"p/{folder}/{name}.jpg": good for (folder, name), good in called.items()}
    files = {n: jpeg(k, (9, 9)) if good else b"x" for k, (n, good) in enumerate(names.items())}
    writable = {name: content for name, content in files.items() if "\0" not in name}
    visible = [name for name in writable if not is_junk(clean_path(name.replace("\\", "/")))]
    store = Store(tmp_path / "home")
    try:
        source = write_zip(tmp_path / "x.zip", writable)
    except (UnicodeError, ValueError):
        return  # not even an archive can hold such a name
    try:
        *_, last = import_images(source, store, Settings(home=tmp_path / "home"), title="t")
    except GraftError as error:
        assert str(error)  # noqa: PT017
        return
    assert isinstance(last, Finished)
    dataset = store.load(last.result["dataset"])
    assert len(dataset.items) + len(dataset.left_out) == len(visible)
    assert all(each.reason.endswith(".") for each in dataset.left_out)

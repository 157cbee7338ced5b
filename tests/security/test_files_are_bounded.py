"""Small files that ask for gigabytes or minutes cost neither, and no import: real imports, in a
process of their own whose memory and that of its helpers the system has counted."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "dataset"))

import bombs  # noqa: E402
from bombs import MB  # noqa: E402
from hostile_files import class_files, encoded, jpeg, photo, write_folder, write_zip  # noqa: E402

from core.dataset.ingest.decode import decode_for_storage, decode_here  # noqa: E402
from core.dataset.ingest.importing import import_images  # noqa: E402
from core.dataset.store import Store  # noqa: E402
from core.errors import GraftError, UnreadableImage  # noqa: E402
from core.sandbox.bounded import (  # noqa: E402
    Patience,
    TookTooLong,
    TookTooMuch,
    close_helpers,
    run_bounded,
)
from core.settings import MiB, Settings  # noqa: E402

MOST_MEMORY = 1000 * MB
GOOD = {"cat": 5, "dog": 5}

Make = Callable[[], bytes]

LEFT_OUT: dict[str, tuple[Make, str]] = {
    "wide.webp": (bombs.wide_webp, "not enough memory"),
    "wide.heic": (bombs.wide_heic, "HEIF"),
    "scans.jpg": (lambda: bombs.jpeg_of_many_scans(70_000, (1000, 1000)), "70,009 scans"),
    "padded.jpg": (lambda: bombs.padded_jpeg(20 * MB), "more than 3 seconds"),
    "profile.png": (lambda: bombs.png_with(21, bombs.packed_text(b"iCCP", 60 * MB)), "PNG"),
    "lines.bmp": (lambda: bombs.bmp_of_lines(60, 40, 30 * MB), "more than 3 seconds"),
    "tiles.tif": (
        lambda: bombs.tiff_of(
            60, 40, (259, 3, 1, 5), (322, 4, 1, 30_000), (323, 4, 1, 30_000),
            (324, 4, 1, 300), (325, 4, 1, 2400), rest=bytes(5000),
        ),
        "TIFF",
    ),
    "strips.tif": (
        lambda: bombs.tiff_of(
            60, 40, (273, 4, 900 * MB, 300), (279, 4, 900 * MB, 300), (278, 4, 1, 1),
            rest=bytes(5000),
        ),
        "TIFF",
    ),
}  # fmt: skip
TAKEN: dict[str, Make] = {
    "wide.png": lambda: bombs.wide_png(10_000, "P"),
    "deep.png": lambda: bombs.wide_png(7_000, "I;16"),
    "tags.jpg": lambda: bombs.jpeg_with_exif(bombs.exif_bomb()),
    "tags.png": lambda: bombs.png_with(22, (b"eXIf", bombs.exif_bomb(60_000, 4 * MB))),
    "tags.webp": lambda: encoded(photo(9, (60, 40)), "WEBP", exif=bombs.exif_bomb(60_000, 4 * MB)),
    "tags.tif": lambda: bombs.tiff_of(
        60, 40, *[(n, 7, 4 * MB, 8) for n in range(30_000, 32_000)], rest=bytes(4 * MB)
    ),
    "texts.png": lambda: bombs.png_with(23, *[bombs.packed_text(b"zTXt", MB)] * 60),
    "late.png": lambda: bombs.png_with(24, *[bombs.packed_text(b"iTXt", MB)] * 60, at_end=True),
    "comment.gif": lambda: bombs.gif_with_comment(20 * MB),
    "frames.webp": lambda: bombs.animation("WEBP", 1000),
    "frames.avif": lambda: bombs.animation("AVIF", 100),
}
TABLES: dict[str, tuple[Make, str]] = {
    "empty.xlsx": (lambda: bombs.empty_cells(12 * MB), "It is empty"),
    "false.parquet": (bombs.false_parquet, "larger than 64 MB"),
    "cell.csv": (lambda: b"file,label\n1.jpg," + b"x" * 60 * MB, "as CSV"),
    "columns.csv": (lambda: b"file" + b"," * 60 * MB + b"x", "as CSV"),
    "nulls.tsv": (lambda: b"file\tlabel\n\0\0\0" * 200_000, "as CSV"),
}


def imported(
    source: Path, tmp_path: Path, *, seconds: int = 30, entries: int = 50_000
) -> dict[str, Any]:
    """What came of an import of a folder or archive, with the memory that it took."""
    place = {"PYTHONPATH": str(HERE.parents[1])}
    place |= {"GRAFT_MAX_READING_SECONDS": str(seconds), "GRAFT_MAX_ENTRIES": str(entries)}
    done = subprocess.run(
        [sys.executable, str(HERE / "import_measured.py"), str(source), str(tmp_path / "home")],
        env=os.environ | place,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_images_that_ask_for_gigabytes_or_minutes_cost_neither(tmp_path: Path) -> None:
    files = class_files() | {f"cat/{name}": make() for name, (make, _) in LEFT_OUT.items()}
    told = imported(write_folder(tmp_path / "x", files), tmp_path, seconds=3)
    skipped = told["skipped"]
    assert told["counts"] == GOOD
    assert skipped.keys() == {f"cat/{name}" for name in LEFT_OUT}
    for name, (_, words) in LEFT_OUT.items():
        assert words in skipped[f"cat/{name}"]
        assert skipped[f"cat/{name}"].endswith(".")
    assert max(told["peaks"]) < MOST_MEMORY


def test_images_that_are_only_odd_or_large_are_taken_within_the_same_bounds(tmp_path: Path) -> None:
    files = class_files() | {f"dog/{name}": make() for name, make in TAKEN.items()}
    told = imported(write_zip(tmp_path / "x.zip", files), tmp_path)
    assert told["skipped"] == {}
    assert told["counts"] == {"cat": 5, "dog": 5 + len(TAKEN)}
    assert max(told["peaks"]) < MOST_MEMORY


def test_tables_that_ask_for_gigabytes_or_minutes_cost_neither(tmp_path: Path) -> None:
    files = class_files() | {name: make() for name, (make, _) in TABLES.items()}
    files["styles.xlsx"] = bombs.many_styles(12 * MB)  # how cells look is never read
    told = imported(write_zip(tmp_path / "x.zip", files), tmp_path, seconds=3)
    assert told["counts"] == GOOD
    assert told["skipped"].keys() == TABLES.keys()
    for name, (_, words) in TABLES.items():
        assert words in told["skipped"][name]
    assert max(told["peaks"]) < MOST_MEMORY


def test_a_table_of_a_million_words_is_read(tmp_path: Path) -> None:
    rows = (b",".join(b"%x" % (20 * row + n) for n in range(20)) for row in range(50_000))
    files = class_files() | {"words.csv": b"\n".join(rows)}
    told = imported(write_folder(tmp_path / "x", files), tmp_path)
    assert (told["counts"], told["skipped"]) == (GOOD, {})
    assert max(told["peaks"]) < MOST_MEMORY / 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: bombs.tar_of_folders(path, 100_000), "more than 5,000 files"),
        (lambda path: bombs.sparse_tar(path, 500_000), "unreasonably long"),
        (lambda path: bombs.deep_xz(path, 300 * MiB), "128 MB of memory"),
    ],
    ids=["folders", "gaps", "xz"],
)
def test_archives_that_unpack_to_endless_lists_are_refused(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    told = imported(make(tmp_path / "x.tgz"), tmp_path, entries=5000)
    assert words in told["refused"]
    assert max(told["peaks"]) < 200 * MB


def test_folders_too_deep_to_open_leave_the_others_be(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "x", class_files())
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(source)
        for _ in range(30):  # deeper than a path may be long
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("1.jpg").write_bytes(jpeg(1))
    finally:
        os.chdir(before)
        os.close(before)
    deep = write_zip(tmp_path / "deep.zip", class_files() | {"d/" * 20_000 + "1.jpg": jpeg(1)})
    told = imported(source, tmp_path)
    assert told["counts"] == GOOD
    assert [reason[:23] for reason in told["skipped"].values()] == ["It is too many folders "]
    assert sum(imported(deep, tmp_path)["counts"].values()) == 11


def test_an_index_of_an_upload_that_is_nonsense_is_passed_over(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "x", {str(n): jpeg(n, (64, 48)) for n in range(2)})
    lines = [b'{"n": 0, "name": "cat/1.jpg"}', b"[" * 60_000, b'{"n": 1e999, "name": ""}', b"\xff"]
    lines += [b'{"n": 1, "name": "dog/1.jpg"}']
    (source / "index.jsonl").write_bytes(b"\n".join(lines))
    assert imported(source, tmp_path)["counts"] == {"cat": 1, "dog": 1}


def test_after_many_slow_files_no_more_are_tried(tmp_path: Path) -> None:
    limits, slow = Settings(home=tmp_path, max_reading_seconds=0.3), tmp_path / "x.bmp"
    slow.write_bytes(bombs.bmp_of_lines(60, 40, 30 * MB))
    patience, reasons = Patience(0.4), []
    for _ in range(4):
        with pytest.raises(UnreadableImage) as caught:
            decode_for_storage(slow, limits, patience=patience)
        reasons.append(str(caught.value))
    assert "more than 0.3 seconds" in reasons[0]
    assert "was skipped" in reasons[-1]


def test_what_only_the_clock_ends_wears_out_patience_too() -> None:
    sys.path.append(str(HERE))  # which helpers inherit
    close_helpers()
    patience = Patience(0.05)
    bounds = {"memory": 300 * MiB, "seconds": 0.2, "longest": 10}
    with pytest.raises(TookTooLong):
        run_bounded("sandbox_tasks:doze", {}, **bounds, patience=patience)
    assert patience.is_over
    close_helpers()


def test_what_took_too_much_is_over_and_the_next_one_is_served() -> None:
    def asked(task: str, **args: Any) -> Any:
        return run_bounded(
            f"sandbox_tasks:{task}", args, b"abc", memory=300 * MiB, seconds=1, longest=10
        )

    sys.path.append(str(HERE))  # which helpers inherit
    close_helpers()
    with pytest.raises(TookTooLong):
        asked("spin")
    told, body = asked("echo", word="ü")
    assert (told["word"], body) == ("ü", b"abc")
    with pytest.raises(TookTooMuch):
        asked("grow")
    for task in ("crash", "chatter", "lie"):
        with pytest.raises(Exception, match=r"^$") as caught:
            asked(task)
        assert type(caught.value).__name__ == "Ended"
    helper = asked("about")[0]
    assert asked("about")[0]["pid"] == helper["pid"]  # which is kept as long as it does well
    assert not [name for name in helper["names"] if name.startswith("GRAFT")]
    close_helpers()
    assert not psutil.pid_exists(helper["pid"])


def test_an_image_is_the_same_wherever_it_is_decoded(tmp_path: Path) -> None:
    limits = Settings(home=tmp_path)
    for kind in ("WEBP", "AVIF", "GIF", "BMP", "TIFF"):
        path = tmp_path / f"x.{kind}"
        path.write_bytes(encoded(photo(3), kind))
        apart = decode_for_storage(path, limits)
        with path.open("rb") as file:
            here = decode_here(file, limits)
        assert apart.image.tobytes() == here.image.tobytes()
        assert (apart.facts, apart.lossless) == (here.facts, here.lossless)


def test_a_helper_takes_no_module_from_the_folder_that_the_program_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, {"core/__init__.py": b"", "x.webp": encoded(photo(1), "WEBP")})
    monkeypatch.chdir(tmp_path)
    close_helpers()
    assert decode_for_storage(Path("x.webp"), Settings(home=tmp_path)).image.size == (320, 240)


def test_where_no_helper_can_start_the_file_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_folder(tmp_path / "x", {"cat/1.webp": encoded(photo(1), "WEBP")})
    for program in ("false", "no such program"):
        close_helpers()
        monkeypatch.setattr(sys, "executable", program)
        with pytest.raises(GraftError, match="could not be started"):
            list(import_images(source, Store(tmp_path), Settings(home=tmp_path), title="Test"))


def test_ordinary_photographs_and_tables_need_no_helper(tmp_path: Path) -> None:
    files = {f"cat/{n}.jpg": jpeg(n, (640, 480)) for n in range(3)}
    files |= {"dog/1.jpg": encoded(photo(9, (4000, 3000)), "JPEG", quality=90)}
    files |= {"dog/2.jpg": encoded(photo(8, (900, 600)), "JPEG", progressive=True)}
    files |= {"dog/3.png": encoded(photo(7, (1500, 1000)), "PNG")}
    rows = ["file,label", *(f"{name},{name[:3]}" for name in files)]
    source = write_folder(tmp_path / "x", files | {"t.csv": "\n".join(rows).encode()})
    close_helpers()
    before = psutil.Process().children()
    list(import_images(source, Store(tmp_path), Settings(home=tmp_path), title="Test"))
    assert psutil.Process().children() == before


def test_nothing_but_the_decoder_opens_files_from_outside() -> None:
    """All others open what the store wrote, and say of which kinds that is."""
    import ast

    core = HERE.parents[1] / "core"
    elsewhere = ("export/predict.py", "web/previews/make.py")  # programs of their own
    free = [
        f"{path.relative_to(core)}:{node.lineno}"
        for path in core.rglob("*.py")
        if not path.as_posix().endswith(elsewhere)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Image.open"
        and not any(word.arg == "formats" for word in node.keywords)
    ]
    assert free == []

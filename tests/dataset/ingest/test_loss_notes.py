"""What a stored copy cannot hold of an image is said, and never taken for a copy of another."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hostile_files import encoded, photo, write_folder
from PIL import Image, PngImagePlugin, TiffImagePlugin

from core.checks._runner import check
from core.dataset.ingest.decode import decode, decode_for_storage
from core.dataset.ingest.understanding import ReadAs
from core.dataset.store import Store
from core.errors import UnreadableImage
from core.events import Found
from core.settings import Settings

LIMITS = Settings(home=Path("unused"))


def faint(seed: int, size: int = 64) -> bytes:
    """A 12-bit image in 16 bits whose texture is fainter than one step of 8 bits."""
    rng = np.random.default_rng(seed)
    return encoded(Image.fromarray(rng.integers(2060, 2180, (size, size), np.uint16)), "PNG")


def tiff(values: np.ndarray, **tags: str) -> bytes:
    """A TIFF of these values, with GDAL's value for missing data where it is given."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if nodata := tags.get("nodata"):
        info[42113] = nodata
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF", tiffinfo=info)
    return buffer.getvalue()


def grey(content: bytes) -> np.ndarray:
    return np.asarray(decode(io.BytesIO(content), LIMITS))[..., 0].astype(int)


def test_faint_images_are_no_copies_of_one_another(
    take_in, store: Store, settings: Settings, tmp_path: Path
) -> None:
    files = {
        f"{label}/{n}.png": faint(10 * k + n) for k, label in enumerate("ab") for n in range(6)
    }
    done = take_in(write_folder(tmp_path / "x", files))
    assert done.dataset.counts == {"a": 6, "b": 6}
    assert len({item.image for item in done.dataset.items}) < 12
    (note,) = done.notes
    assert "12 images hold finer greys" in note
    assert "--keep-channels" in note
    found = [
        e.problem["kind"] for e in check(done.dataset, store, settings) if isinstance(e, Found)
    ]
    doubts = {"exact-duplicate", "two-labels", "near-duplicate", "leak", "wrong-label"}
    assert not doubts & set(found)


def test_equal_faint_files_are_copies(take_in, tmp_path: Path) -> None:
    files = {f"a/{n}.png": faint(n) for n in range(3)} | {"a/again.png": faint(0)}
    done = take_in(write_folder(tmp_path / "x", files))
    assert "exact copy" in done.skipped["a/again.png"]


def test_kept_as_they_are_nothing_is_lost_and_nothing_said(take_in, tmp_path: Path) -> None:
    files = {
        f"{label}/{n}.png": faint(10 * k + n) for k, label in enumerate("ab") for n in range(3)
    }
    done = take_in(write_folder(tmp_path / "x", files), keep=True)
    assert done.notes == []
    assert len({item.image for item in done.dataset.items}) == 6


def test_an_ordinary_image_of_16_bits_is_not_faint() -> None:
    deep = np.asarray(photo(1).convert("L")).astype(np.uint16) * 257
    facts = decode_for_storage(io.BytesIO(encoded(Image.fromarray(deep), "PNG")), LIMITS).facts
    assert facts.levels == 0


@pytest.mark.parametrize("missing", [-9999.0, np.nan, np.inf, -np.inf, -3.4028235e38])
def test_missing_values_do_not_set_the_scale(missing: float) -> None:
    relief = np.linspace(400, 3000, 64 * 64, dtype=np.float32).reshape(64, 64)
    holed = relief.copy()
    holed[:8, :8] = missing
    whole, rest = grey(tiff(relief)), grey(tiff(holed))
    assert whole.min() == 0
    assert whole.max() == 255
    assert np.abs(rest - whole)[8:, 8:].max() <= 2
    assert rest[:8, :8].max() == 0


def test_the_files_own_value_for_missing_data_counts() -> None:
    relief = np.linspace(0, 180, 64 * 64, dtype=np.float32).reshape(64, 64)
    holed = relief.copy()
    holed[:8, :8] = -1
    assert np.abs(grey(tiff(holed, nodata="-1")) - grey(tiff(relief)))[8:, 8:].max() == 0
    assert grey(tiff(holed, nodata="none at all")).max() == 255


def test_stretched_values_are_said_once(take_in, tmp_path: Path) -> None:
    relief = np.linspace(400, 3000, 64 * 64, dtype=np.float32).reshape(64, 64)
    flat = relief / 3000
    files = {"a/1.tif": tiff(relief), "a/2.tif": tiff(relief + 1), "b/1.tif": tiff(flat)}
    (note,) = take_in(write_folder(tmp_path / "x", files)).notes
    assert "2 images hold values without a defined white" in note
    assert "a/1.tif" in note


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_frames_are_counted_and_said(take_in, tmp_path: Path, kind: str) -> None:
    frames = [photo(n, (64, 48)) for n in range(4)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert decode_for_storage(io.BytesIO(content), LIMITS).facts.frames == 4
    done = take_in(
        write_folder(tmp_path / "x", {"a/stack.x": content, "b/1.x": encoded(frames[1], kind)})
    )
    (note,) = done.notes
    assert "1 image holds several frames" in note
    assert "“a/stack.x” (4)" in note


def test_a_png_with_megabytes_of_text_is_an_image() -> None:
    for zipped in (False, True):
        text = PngImagePlugin.PngInfo()
        text.add_itxt("workflow", "{'node': 1}" * 300_000, zip=zipped)
        image = decode(io.BytesIO(encoded(photo(1), "PNG", pnginfo=text)), LIMITS)
        assert image.size == (320, 240)


def test_text_without_end_in_a_png_is_refused_in_words() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("bomb", "x" * 80_000_000, zip=True)
    with pytest.raises(UnreadableImage, match="text besides the image"):
        decode(io.BytesIO(encoded(photo(1), "PNG", pnginfo=text)), LIMITS)


@pytest.mark.parametrize(
    "content",
    [
        b"P2 2 2 255 0 50 100 255",
        b"P5\n# a comment\n2 2\n255\n\x00\x32\x64\xff",
        b"P5\n2 2\n4095\n" + np.array([0, 803, 1606, 4095], ">u2").tobytes(),
    ],
)
def test_portable_greys_are_read(content: bytes) -> None:
    assert np.abs(grey(content).ravel() - [0, 50, 100, 255]).max() <= 1


def test_jpeg_2000_is_read() -> None:
    for options in ({}, {"no_jp2": True}):
        content = encoded(photo(2), "JPEG2000", **options)
        assert decode(io.BytesIO(content), LIMITS).size == (320, 240)


@pytest.mark.parametrize("is_dng", [True, False])
def test_the_preview_in_a_camera_raw_file_is_not_taken_for_the_image(is_dng: bool) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    if is_dng:
        info[50706] = b"\x01\x04\x00\x00"
    else:
        info[254], info[330] = 1, 8
        info.tagtype[330] = 4
    content = io.BytesIO()
    photo(3, (64, 48)).save(content, "TIFF", tiffinfo=info)
    content.seek(0)
    with pytest.raises(UnreadableImage, match="camera raw"):
        decode(content, LIMITS)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_every_frame_is_an_image_where_somebody_asks_for_it(
    take_in, tmp_path: Path, kind: str
) -> None:
    frames = [photo(n, (64, 48)) for n in range(4)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    folder = write_folder(tmp_path / "x", {"a/stack.x": content, "b/1.x": encoded(frames[1], kind)})
    done = take_in(folder, read_as=ReadAs(all_frames=True))
    assert done.by_class["a"] == [f"a/stack.x ({n})" for n in range(1, 5)]
    assert {item.group for item in done.dataset.items} == {"a/stack.x", None}
    assert len({item.image for item in done.dataset.items if item.label == "a"}) == 4
    assert not any("frames" in note for note in done.notes)


def test_smaller_copies_of_a_page_are_no_frames() -> None:
    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as tiff:
        tiff.write(np.asarray(photo(1)), photometric="rgb")
        tiff.write(np.asarray(photo(1, (80, 60))), photometric="rgb", subfiletype=1)
        tiff.write(np.asarray(photo(2)), photometric="rgb")
    pages.seek(0)
    assert decode_for_storage(pages, LIMITS).facts.frames == 2
    pages.seek(0)
    second = decode_for_storage(pages, LIMITS, frame=1).image
    assert np.abs(np.asarray(second, int) - np.asarray(photo(2), int)).max() == 0


@pytest.mark.parametrize("count", [4, 5])
def test_further_channels_are_said_to_be_unused(take_in, tmp_path: Path, count: int) -> None:
    values = np.stack([np.asarray(photo(k).convert("L")) for k in range(count)], -1)
    content = io.BytesIO()
    extra = ["unspecified"] * (count - 3)
    form = {"photometric": "rgb", "planarconfig": "contig", "extrasamples": extra}
    tifffile.imwrite(content, values, **form)
    folder = write_folder(tmp_path / "x", {"a/1.tif": content.getvalue()})
    (note,) = take_in(folder).notes
    assert "more channels than red, green and blue" in note
    assert "--keep-channels" in note
    assert take_in(folder, keep=True).notes == []

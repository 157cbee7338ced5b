"""Grey, 16-bit and N-channel images are kept as they are when somebody asks for it."""

import io
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import encoded, jpeg, photo, write_folder
from PIL import Image
from tifffile import imwrite

from core.dataset.channels import from_bytes, to_bytes
from core.dataset.ingest.decode import Decoded, decode_for_storage
from core.dataset.store import Store
from core.errors import NotFound, UnreadableImage
from core.settings import Settings

LIMITS = Settings(home=Path("unused"))


def kept(content: bytes, **limits: int) -> Decoded:
    return decode_for_storage(io.BytesIO(content), LIMITS.model_copy(update=limits), keep=True)


def array_of(content: bytes, **limits: int) -> np.ndarray:
    array = kept(content, **limits).array
    assert array is not None
    return array


def values(channels: int, dtype: Any = np.uint16, size: tuple[int, int] = (30, 40)) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top + 1, (*size, channels), dtype=dtype)


def tiff(array: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    chosen = {"photometric": "minisblack", "planarconfig": "contig"} | options
    if chosen["planarconfig"] == "separate":
        array = np.moveaxis(array, -1, 0)
    imwrite(buffer, array, **chosen)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_grey_stays_grey(kind: str) -> None:
    decoded = kept(encoded(photo().convert("L"), kind))
    if kind == "WEBP":  # it knows no grey
        assert decoded.array is None
        return
    assert decoded.array is not None
    assert (decoded.array.shape, decoded.array.dtype) == ((240, 320, 1), np.uint8)
    assert decoded.facts.mode == "L"
    assert np.abs(decoded.array[..., 0].astype(int) - np.asarray(photo().convert("L"))).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(kind: str) -> None:
    deep = values(1)[..., 0]
    decoded = kept(encoded(Image.fromarray(deep), kind))
    assert decoded.array is not None
    assert np.array_equal(decoded.array[..., 0], deep)
    assert decoded.facts.mode == "I;16"


@pytest.mark.parametrize("channels", [2, 3, 4, 5, 7, 32])
@pytest.mark.parametrize("plan", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_all_channels_of_a_tiff_are_kept(channels: int, plan: str, compression: Any) -> None:
    deep = values(channels)
    decoded = kept(tiff(deep, planarconfig=plan, compression=compression))
    assert decoded.array is not None
    assert np.array_equal(decoded.array, deep)
    assert decoded.facts.mode == f"{channels} channels uint16"
    assert (decoded.facts.width, decoded.facts.height) == (40, 30)
    assert decoded.image.mode == "RGB"


def test_tiles_and_differences_are_undone() -> None:
    deep = values(6, np.uint8, (100, 120))
    content = tiff(deep, tile=(32, 32), compression="zlib", predictor=True)
    assert np.array_equal(array_of(content), deep)


def test_deep_colours_of_a_tiff_are_kept() -> None:
    deep = values(3)
    assert np.array_equal(array_of(tiff(deep, photometric="rgb")), deep)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_channels_stand_upright_as_a_photograph_would(orientation: int) -> None:
    plain = np.zeros((8, 12, 5), np.uint8)
    plain[:3, :3] = 255
    plain[:2, 6:8] = 90
    tagged = tiff(plain, extratags=[(274, "H", 1, orientation, True)])
    exif = Image.Exif()
    exif[0x0112] = orientation
    as_photograph = encoded(Image.fromarray(plain[..., 0]), "PNG", exif=exif)
    assert np.array_equal(array_of(tagged)[..., 0], array_of(as_photograph)[..., 0])


def test_ordinary_images_stay_ordinary() -> None:
    for kind in ("PNG", "JPEG", "TIFF"):
        assert kept(encoded(photo(), kind)).array is None
    assert kept(encoded(photo().convert("RGBA"), "TIFF")).array is None
    assert kept(encoded(photo().convert("CMYK"), "TIFF")).array is None
    assert kept(jpeg()).plain is not None


def test_without_asking_everything_becomes_rgb() -> None:
    decoded = decode_for_storage(io.BytesIO(encoded(photo().convert("L"), "PNG")), LIMITS)
    assert decoded.array is None


@pytest.mark.parametrize("plan", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_many_channels_networks_get_the_same_three_kept_or_not(plan: str, dtype: Any) -> None:
    content = tiff(values(5, dtype), planarconfig=plan)
    plain = decode_for_storage(io.BytesIO(content), LIMITS)
    assert plain.array is None
    assert plain.image.tobytes() == kept(content).image.tobytes()


def test_large_ones_are_shrunk_by_the_mean_of_each_area() -> None:
    deep = values(5, np.uint16, (200, 100))
    small = array_of(tiff(deep), stored_side=100)
    assert (small.shape, small.dtype) == ((100, 50, 5), np.uint16)
    means = deep.reshape(100, 2, 50, 2, 5).mean((1, 3))
    assert np.abs(small - means).max() <= 1


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (tiff(values(33)), "33 channels"),
        (tiff(values(5).astype(np.float32)), "float32"),
        (tiff(values(5).astype(np.int16)), "int16"),
        (tiff(values(5))[:3000], "TIFF"),
        (tiff(values(5), compression="zlib")[:-3000], "TIFF"),
    ],
)
def test_what_cannot_be_kept_gives_a_reason(content: bytes, word: str) -> None:
    with pytest.raises(UnreadableImage, match=word):
        kept(content)


def test_channels_count_against_the_limit_of_pixels() -> None:
    content = tiff(values(5))
    assert array_of(content, max_pixels=30 * 40 * 5).shape == (30, 40, 5)
    with pytest.raises(UnreadableImage, match="5 channels"):
        kept(content, max_pixels=30 * 40 * 5 - 1)


def test_a_part_that_unpacks_to_more_than_it_says_is_refused() -> None:
    honest = tiff(np.zeros((64, 64, 5), np.uint8), compression="zlib", rowsperstrip=64)
    bomb = tiff(np.zeros((4096, 64, 5), np.uint8), compression="zlib", rowsperstrip=4096)
    assert array_of(honest).shape == (64, 64, 5)
    lying = bytearray(bomb)
    for tag in (257, 278):  # its height, and that of a strip
        head = re.escape(struct.pack("<H", tag))
        entry = re.search(head + rb"[\x03\x04]\x00\x01\x00\x00\x00", bomb)
        assert entry
        lying[entry.end() : entry.end() + 2] = struct.pack("<H", 64)
    with pytest.raises(UnreadableImage, match="more than it declares"):
        kept(bytes(lying))


def test_flipped_bits_end_in_an_image_or_a_reason() -> None:
    content = tiff(values(5), compression="zlib")
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged) if rng.random() < 0.3 else 400, 4):
            damaged[place] = rng.integers(0, 256)
        with suppress(UnreadableImage):
            assert kept(bytes(damaged), max_pixels=1_000_000).image.mode == "RGB"


def test_the_store_gives_all_channels_and_rgb_for_networks(store: Store) -> None:
    deep = values(5)
    digest = store.take(kept(tiff(deep)))
    assert store.path(digest).suffix == ".npy"
    assert np.array_equal(store.array(digest), deep)
    assert np.array_equal(np.asarray(store.open(digest)), deep[..., :3] // 257)
    grey = store.take(kept(encoded(photo().convert("L"), "PNG")))
    assert np.array_equal(np.asarray(store.open(grey))[..., 2], store.array(grey)[..., 0])
    plain = store.add(photo(), lossless=True)
    assert np.array_equal(store.array(plain), np.asarray(photo()))


def test_a_thumbnail_shows_what_little_range_there_is(store: Store) -> None:
    dim = (values(1, np.uint16, (600, 800)) // 100 + 1000).astype(np.uint16)
    digest = store.take(kept(encoded(Image.fromarray(dim[..., 0]), "TIFF")))
    store.thumbnail(digest).unlink()
    with Image.open(store.thumbnail(digest)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) <= 256
        assert np.asarray(thumbnail).mean() > 90
    assert np.asarray(store.open(digest)).max() < 10


def test_an_array_file_is_never_believed(store: Store) -> None:
    digest = store.take(kept(tiff(values(5))))
    for content in (b"", b"\x93NUMPY", to_bytes(values(5).astype(np.float64))):
        store.path(digest).write_bytes(content)
        with pytest.raises(NotFound):
            store.array(digest)
    objects = io.BytesIO()
    np.save(objects, np.array([[[{"a": 1}]]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="pickle"):
        from_bytes(objects.getvalue())


def test_an_import_can_keep_them(take_in, store: Store, tmp_path: Path) -> None:
    files = {f"cat/{n}.tif": tiff(values(5) + np.uint16(n)) for n in range(3)}
    files |= {f"dog/{n}.jpg": jpeg(n) for n in range(3)}
    source = write_folder(tmp_path / "x", files)
    done = take_in(source, keep=True)
    assert done.skipped == {}
    modes = {item.facts.mode for item in done.dataset.items if item.facts}
    assert modes == {"5 channels uint16", "RGB"}
    assert store.array(done.dataset.items[0].image).shape == (30, 40, 5)

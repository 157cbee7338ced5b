"""Small files are stored with the very pixels they came with, and with nothing else in them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import encoded, jpeg, photo, png_chunk
from PIL import Image, ImageCms

from core.dataset.ingest.decode import Decoded, decode_for_storage
from core.dataset.ingest.strip_metadata import plain_jpeg, plain_png
from core.dataset.store import Store
from core.settings import Settings

LIMITS = Settings(home=Path("unused"))


def taken(content: bytes, **limits: int) -> Decoded:
    return decode_for_storage(io.BytesIO(content), LIMITS.model_copy(update=limits))


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGB"))


def exif_of(**tags: Any) -> Image.Exif:
    exif = Image.Exif()
    for number, value in tags.items():
        exif[int(number[1:])] = value
    return exif


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": 0, "quality": 98},
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_blocks": 2},
        {"keep_rgb": True},
        {"comment": b"secret \xff\xd9 inside"},
        {"exif": exif_of(_271="secret camera")},
    ],
)
def test_a_jpeg_keeps_its_pixels_and_loses_the_rest(mode: str, options: dict[str, Any]) -> None:
    content = encoded(photo().convert(mode), "JPEG", **options)
    plain = taken(content + b"secret after the end").plain
    assert plain is not None
    assert np.array_equal(pixels(plain), pixels(content))
    assert b"secret" not in plain
    assert len(plain) <= len(content)
    assert plain_jpeg(plain) == plain


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_png_keeps_its_pixels_and_loses_the_rest(mode: str) -> None:
    content = encoded(photo().convert(mode), "PNG")
    end = content[-12:]
    content = content[:-12] + png_chunk(b"tEXt", b"a\0secret") + end + b"secret after the end"
    plain = taken(content).plain
    assert plain is not None
    assert np.array_equal(pixels(plain), pixels(content))
    assert b"secret" not in plain
    assert plain_png(plain) == plain


def test_what_this_program_wrote_is_plain_already(store: Store) -> None:
    for lossless in (False, True):
        written = store.path(store.add(photo(), lossless=lossless)).read_bytes()
        assert taken(written).plain == written


def test_the_store_keeps_the_bytes(store: Store) -> None:
    decoded = taken(jpeg())
    assert store.path(store.take(decoded)).read_bytes() == decoded.plain
    drawn = taken(encoded(photo(), "PNG"))
    assert store.path(store.take(drawn)).suffix == ".png"


def adobe(content: bytes) -> bytes:
    """The same JPEG with a marker that says that its three channels are RGB already."""
    return content[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + content[20:]


def test_colours_that_a_marker_decides_stay(store: Store) -> None:
    content = adobe(jpeg())
    plain = taken(content).plain
    assert plain is not None
    assert np.array_equal(pixels(plain), pixels(content))
    assert not np.array_equal(pixels(content), pixels(jpeg()))


def test_what_must_be_changed_is_encoded_anew() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = profile.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    changing = (
        jpeg(0, (1500, 1000)),
        encoded(photo(), "JPEG", exif=exif_of(_274=6)),
        encoded(photo(), "JPEG", icc_profile=other),
        encoded(photo().convert("CMYK"), "JPEG"),
        encoded(photo().convert("RGBA"), "PNG"),
        encoded(photo().convert("P"), "PNG", transparency=3),
        encoded(photo(), "PNG", exif=exif_of(_274=6)),
        encoded(photo(), "PNG", icc_profile=other),
        encoded(photo(), "PNG", save_all=True, append_images=[photo(1)]),
        encoded(photo(), "WEBP"),
    )
    for content in changing:
        assert taken(content).plain is None
    assert taken(encoded(photo(), "JPEG", icc_profile=profile)).plain is not None


def test_a_file_of_too_many_bytes_is_encoded_anew() -> None:
    whole = encoded(Image.new("L", (8, 8)), "PNG")
    header = whole[:33]
    stuffed = zlib.compress(bytes(72) + b"x", 0)
    big = header + png_chunk(b"IDAT", stuffed) + png_chunk(b"IDAT", b"\0" * 100_000) + whole[-12:]
    assert plain_png(big) is not None
    assert taken(big).plain is None


def test_what_is_damaged_is_not_kept() -> None:
    content = jpeg()
    assert plain_jpeg(content[:-2]) is None
    assert plain_jpeg(content[:400]) is None
    assert plain_jpeg(b"\xff\xd8\xff\xd9") is None
    assert plain_jpeg(b"\xff\xd8\xff\xdb\x00\x00") is None
    drawn = encoded(photo(), "PNG")
    assert plain_png(drawn[:-5]) is None
    broken = bytearray(drawn)
    broken[60] ^= 1
    assert plain_png(bytes(broken)) is None
    assert plain_png(drawn[:8] + struct.pack(">I", 2**31) + drawn[12:]) is None


def test_whatever_is_kept_can_be_decoded() -> None:
    rng = np.random.default_rng(0)
    for content in (jpeg(), encoded(photo(), "JPEG", progressive=True)):
        for _ in range(150):
            damaged = bytearray(content)
            for place in rng.integers(2, len(damaged) if rng.random() < 0.5 else 700, 3):
                damaged[place] = rng.integers(0, 256)
            plain = plain_jpeg(bytes(damaged))
            assert plain is None or plain_jpeg(plain) == plain

"""Any image file becomes plain upright RGB, or a reason."""

import io
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hostile_files import HEIC, encoded, huge_png, jpeg, long_gif, photo
from PIL import Image, ImageCms, TiffImagePlugin

from core.dataset.ingest.decode import decode, decode_for_storage
from core.errors import UnreadableImage
from core.settings import Settings

LIMITS = Settings(home=Path("unused"))


def decoded(content: bytes, **limits: int) -> Image.Image:
    return decode(io.BytesIO(content), LIMITS.model_copy(update=limits))


def colour(image: Image.Image, place: tuple[int, int] = (5, 5)) -> tuple[int, ...]:
    pixel = image.getpixel(place)
    assert isinstance(pixel, tuple)
    return pixel


def reason_for(content: bytes, **limits: int) -> str:
    with pytest.raises(UnreadableImage) as caught:
        decoded(content, **limits)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_common_format_is_read(kind: str) -> None:
    image = decoded(encoded(photo(), kind))
    assert (image.mode, image.size) == ("RGB", (320, 240))
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(photo())).mean()
    assert difference < 12


def test_heic_is_read_without_anybody_asking_for_it() -> None:
    image = decoded(HEIC)
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert colour(image)[0] > 150 > 90 > colour(image)[2]


def test_the_format_is_told_by_the_bytes_and_not_by_the_name(tmp_path: Path) -> None:
    mislabelled = tmp_path / "really-a-png.jpg"
    mislabelled.write_bytes(encoded(photo(), "PNG"))
    assert decode(mislabelled, LIMITS).size == (320, 240)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_stands_upright_whichever_way_the_camera_was_held(
    orientation: int, kind: str
) -> None:
    upright = Image.new("RGB", (96, 32), "blue")
    upright.paste("red", (0, 0, 16, 16))
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the turn that the viewer takes back
    turn = undone.get(orientation)
    as_taken = upright if turn is None else upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(as_taken, kind, exif=exif, quality=95)
    for image in (decoded(content), decoded(content, stored_side=64)):
        assert image.size in ((96, 32), (64, 21))
        red, _, blue = colour(image, (3, 3))
        assert red > 200
        assert blue < 60


def test_broken_exif_does_not_cost_the_image() -> None:
    assert decoded(encoded(photo(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).mode == "RGB"


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F"])
def test_every_kind_of_pixel_becomes_rgb(mode: str) -> None:
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        made = ImageCms.profileToProfile(photo(), ImageCms.createProfile("sRGB"), lab, 0, "LAB")
    else:
        made = photo().convert("RGB").convert("L" if mode in ("LA", "I", "F") else "RGB")
        made = made.convert(mode)
    image = decoded(encoded(made, "TIFF"))
    assert image.mode == "RGB"
    assert np.asarray(image).std() > 10


def test_cmyk_jpegs_keep_their_colours() -> None:
    cmyk = Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK")
    red, green, _ = colour(decoded(encoded(cmyk, "JPEG", quality=95)))
    assert red > 150 > 90 > green


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert colour(decoded(encoded(clear, "PNG"))) == (255, 255, 255)
    half = Image.new("RGBA", (16, 16), (0, 0, 0, 128))
    assert colour(decoded(encoded(half, "WEBP", lossless=True)))[0] in range(125, 130)


def test_transparent_colours_of_palettes_are_white() -> None:
    palette = Image.new("P", (16, 16), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert colour(decoded(encoded(palette, "PNG", transparency=1))) == (255, 255, 255)
    assert colour(decoded(encoded(palette, "GIF", transparency=1))) == (255, 255, 255)
    assert colour(decoded(encoded(palette, "PNG"))) == (255, 0, 0)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    steps = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(8, 0)
    for kind in ("PNG", "TIFF"):
        row = np.asarray(decoded(encoded(Image.fromarray(steps), kind)))[4, :, 0]
        assert np.abs(row.astype(int) - np.arange(256)).max() <= 1


def test_white_is_zero_in_some_tiffs() -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[262] = 0
    dark = Image.fromarray(np.full((16, 16), 65535, np.uint16))
    raw = encoded(dark, "TIFF", tiffinfo=tags)
    with Image.open(io.BytesIO(raw)) as opened:
        said = opened.tag_v2[262]
    assert colour(decoded(raw))[0] == (0 if said == 0 else 255)


def test_colour_profiles_are_applied() -> None:
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped.replace(b"rXYZ", b"rxyz").replace(b"gXYZ", b"rXYZ").replace(b"rxyz", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    for kind in ("PNG", "JPEG", "WEBP"):
        plain = encoded(Image.new("RGB", (16, 16), (10, 200, 30)), kind, icc_profile=swapped)
        red, green, _ = colour(decoded(plain))
        assert red > 150 > 90 > green


def test_a_broken_profile_does_not_cost_the_image() -> None:
    plain = Image.new("RGB", (16, 16), (10, 200, 30))
    broken = decoded(encoded(plain, "PNG", icc_profile=b"no profile at all"))
    assert colour(broken) == (10, 200, 30)


def test_an_srgb_profile_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = Image.new("RGB", (16, 16), (10, 200, 30))
    assert colour(decoded(encoded(plain, "PNG", icc_profile=srgb))) == (10, 200, 30)


def test_large_images_are_shrunk_and_small_ones_left() -> None:
    assert decoded(jpeg(0, (3000, 2000))).size == (1024, 683)
    assert decoded(jpeg(0, (2000, 3000)), stored_side=128).size == (85, 128)
    assert decoded(jpeg(0, (30, 20))).size == (30, 20)
    assert decoded(jpeg(0, (5000, 2))).size == (1024, 1)


def test_shrinking_early_hardly_changes_the_image() -> None:
    large = photo(3, (2400, 1600))
    quick = decoded(encoded(large, "JPEG", quality=95), stored_side=600)
    slow = large.resize((600, 400), Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(quick).astype(int) - np.asarray(slow)).mean() < 2


def test_no_metadata_survive() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera that tells where I live"
    image = decoded(encoded(photo(), "JPEG", exif=exif, comment=b"secret"))
    assert image.info == {}
    assert dict(image.getexif()) == {}


def test_only_drawn_or_small_images_are_kept_without_loss() -> None:
    def lossless(content: bytes) -> bool:
        return decode_for_storage(io.BytesIO(content), LIMITS).lossless

    assert not lossless(jpeg(0, (640, 480)))
    assert lossless(jpeg(0, (64, 48)))
    assert lossless(encoded(photo(0, (640, 480)).convert("P"), "PNG"))
    assert lossless(encoded(Image.new("RGBA", (640, 480), (9, 9, 9, 9)), "PNG"))
    assert not lossless(encoded(photo(0, (640, 480)).convert("RGBA"), "PNG"))  # opaque


def test_a_png_of_60000_by_60000_is_refused_by_its_header() -> None:
    content = huge_png()
    begun = time.process_time()  # of this process alone, however busy the machine is
    assert "60,000 × 60,000" in reason_for(content)
    assert time.process_time() - begun < 0.5


def test_a_gif_of_10000_frames_costs_one_frame() -> None:
    content = long_gif()
    with Image.open(io.BytesIO(content)) as opened:
        opened.seek(3000)  # it is one
    begun = time.process_time()
    image = decoded(content)
    assert time.process_time() - begun < 0.5
    assert colour(image) == (254, 0, 0) or colour(image) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF", "TIFF"])
def test_of_animated_files_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), name) for name in ("red", "blue", "green")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    red, green, blue = colour(decoded(content))
    assert red > 240
    assert max(green, blue) < 15


def test_an_empty_file_says_so() -> None:
    assert "empty" in reason_for(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_ends_early_gives_a_reason(kind: str, part: float) -> None:
    content = encoded(photo(0, (600, 400)), kind)
    reason = reason_for(content[: int(len(content) * part)])
    assert "ends too early" in reason or "damaged" in reason


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"just some words\n" * 10, "text"),
        (b"%PDF-1.7 \x00", "PDF"),
        (b'<?xml version="1.0"?><svg/>', "SVG"),
        (b"\x00\x01\x02\x03" * 20, "not an image of a known kind"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "PNG"),
        (b"\xff\xd8\xff" + b"\x00" * 50, "JPEG"),
        (b"....ftypheic" + b"\x00" * 50, "HEIF"),
    ],
)
def test_what_is_no_image_gives_a_reason(content: bytes, word: str) -> None:
    assert word in reason_for(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_flipped_bits_never_end_in_anything_but_an_image_or_a_reason(kind: str) -> None:
    content = bytearray(encoded(photo(), kind))
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged), 8):
            damaged[place] = rng.integers(0, 256)
        with suppress(UnreadableImage):
            assert decoded(bytes(damaged), max_pixels=1_000_000).mode == "RGB"


def test_limits_hold_for_bytes_and_pixels() -> None:
    assert "larger than" in reason_for(jpeg(), max_file_bytes=1000)
    assert "320 × 240" in reason_for(jpeg(), max_pixels=320 * 240 - 1)
    assert decoded(jpeg(), max_pixels=320 * 240).size == (320, 240)


def test_a_missing_file_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decode(tmp_path / "nothing.jpg", LIMITS)

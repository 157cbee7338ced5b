"""What a file says about itself: read when it can be, and never at the cost of the image."""

import io
from pathlib import Path

import pytest
from hostile_files import HEIC, encoded, jpeg, photo
from PIL import Image, TiffImagePlugin

from core.dataset.ingest.decode import decode_for_storage
from core.dataset.manifest import Facts
from core.settings import Settings

LIMITS = Settings(home=Path("unused"))
NOON = "2024:05:01 12:00:00"


def facts(content: bytes) -> Facts:
    return decode_for_storage(io.BytesIO(content), LIMITS).facts


def with_exif(kind: str = "JPEG", *, size: tuple[int, int] = (320, 240), **said: object) -> bytes:
    exif = Image.Exif()
    for name, tag in (("maker", 0x010F), ("model", 0x0110)):
        if name in said:
            exif[tag] = said[name]
    inner = {0x9003: said.get("taken"), 0x9291: said.get("fraction")}
    exif.get_ifd(0x8769).update({tag: value for tag, value in inner.items() if value is not None})
    if kind == "TIFF":  # as Pillow writes it, the inner list would be lost
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[0x010F], tags[0x0110], tags[0x8769] = exif[0x010F], exif[0x0110], inner
        del inner[0x9291]
        return encoded(photo(0, size), kind, tiffinfo=tags)
    return encoded(photo(0, size), kind, exif=exif)


def test_the_facts_are_those_of_the_file_and_not_of_what_is_stored() -> None:
    content = jpeg(0, (3000, 2000))
    assert facts(content) == Facts("JPEG", 3000, 2000, "RGB", len(content))
    drawn = encoded(photo().convert("P"), "PNG")
    assert facts(drawn) == Facts("PNG", 320, 240, "P", len(drawn))
    assert facts(encoded(photo().convert("RGBA"), "PNG")).mode == "RGBA"
    assert facts(encoded(photo(), "GIF")).format == "GIF"
    assert facts(HEIC).format == "HEIF"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("size", [(320, 240), (1500, 1000)])
def test_camera_and_time_are_read(kind: str, size: tuple[int, int]) -> None:
    said = facts(with_exif(kind, size=size, maker="Canon", model="EOS 5D", taken=NOON))
    assert said.camera == "Canon EOS 5D"
    assert said.taken == 1714564800.0


def test_seconds_between_two_images_can_be_told() -> None:
    first = facts(with_exif(taken=NOON, fraction="25")).taken
    second = facts(with_exif(taken="2024:05:01 12:00:03", fraction="500")).taken
    assert first is not None
    assert second is not None
    assert second - first == pytest.approx(3.25)


@pytest.mark.parametrize(
    ("maker", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON\0", "  D90 \n ", "NIKON D90"),
        ("", "Pixel 7", "Pixel 7"),
        ("<b>x</b>", "\u202etfel", "<b>x</b> tfel"),
        ("m" * 80, "x", "m" * 60),
    ],
)
def test_a_camera_is_plain_short_text(maker: str, model: str, camera: str) -> None:
    assert facts(with_exif(maker=maker, model=model)).camera.replace("?", "") == camera


@pytest.mark.parametrize(
    "taken", ["", "0000:00:00 00:00:00", "yesterday", "2024:13:45 99:99:99", "    :  :     :  :  "]
)
def test_a_time_that_is_none_is_left_out(taken: str) -> None:
    said = facts(with_exif(maker="Canon", model="X", taken=taken))
    assert (said.camera, said.taken) == ("Canon X", None)


def test_broken_metadata_cost_nothing_but_themselves() -> None:
    for junk in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0"):
        said = facts(encoded(photo(), "JPEG", exif=junk))
        assert (said.camera, said.taken, said.width) == ("", None, 320)


def test_an_import_passes_them_on(take_in, tmp_path: Path) -> None:
    for n in range(2):
        (tmp_path / "x" / "cat").mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / "cat" / f"{n}.jpg").write_bytes(with_exif(maker="A", model=f"B{n}"))
    items = take_in(tmp_path / "x").dataset.items
    # The images are the same but for their metadata, so one of the two is a copy.
    assert [item.facts.camera for item in items] == ["A B0"]

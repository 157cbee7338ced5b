"""What a file says about itself before it becomes plain pixels: Facts for the checks."""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from core.dataset.classes import clean_path
from core.dataset.manifest import Facts

_MAKER, _MODEL, _MORE = 0x010F, 0x0110, 0x8769
_TAKEN, _FRACTION = 0x9003, 0x9291
_LONGEST_CAMERA = 60
_SAMPLES = 277
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    NotImplementedError,
    struct.error,
)
"""What Pillow throws at metadata that are none."""


def facts_of(opened: Image.Image, kind: str, size: int) -> Facts:
    """Facts of a file that was opened and not yet decoded. Camera and time are added later."""
    return Facts(kind, opened.width, opened.height, _mode(opened), size)


def _mode(opened: Image.Image) -> str:
    """As Pillow names it, or how many channels where it passes over some of a TIFF."""
    channels = getattr(opened, "tag_v2", {}).get(_SAMPLES, 1)
    if isinstance(channels, int) and channels > len(opened.getbands()):
        return f"{channels} channels uint8"
    return opened.mode


def camera_and_time(opened: Image.Image) -> tuple[str, float | None]:
    """Maker and model in at most 60 characters, and the seconds of the camera's own clock.

    "" and None where the file does not say, or says it in a way that cannot be read: broken
    metadata never cost an image. For a PNG it decodes, since they may come after the pixels.
    """
    try:
        exif = opened.getexif()
        if not exif:
            return "", None
        camera = _camera(_text(exif.get(_MAKER)), _text(exif.get(_MODEL)))
    except _BROKEN:
        return "", None
    try:
        return camera, _seconds(exif.get_ifd(_MORE))
    except _BROKEN:
        return camera, None


def _text(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    return " ".join(clean_path(text).split()) if isinstance(text, str) else ""


def _camera(maker: str, model: str) -> str:
    named = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    return named.strip()[:_LONGEST_CAMERA].rstrip()


def _seconds(more: Mapping[int, Any]) -> float | None:
    """Cameras write no time zone: the seconds between two images are right, the day nearly."""
    text = _text(more.get(_TAKEN))
    if not text:
        return None
    whole = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    digits = _text(more.get(_FRACTION))[:3]
    return whole + (float(f"0.{digits}") if digits.isdecimal() and digits.isascii() else 0.0)

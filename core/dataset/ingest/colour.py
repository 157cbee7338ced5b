"""Pixels of any kind into RGB: 16 bits, grey, palettes, CMYK, transparency, colour profiles."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def to_rgb(image: Image.Image, icc: bytes | None, size: tuple[int, int]) -> Image.Image:
    """A loaded image as RGB of the given size: transparency on white, colours as sRGB.

    Shrinks before colours are converted where that gives the same result, because it is cheaper.
    """
    if image.mode in _DEEP:
        return _shrunk(_eight_bits(image), size).convert("RGB")
    if image.has_transparency_data or image.mode in ("RGBa", "La"):
        return _in_srgb(_on_white(_shrunk(_with_alpha(image), size)), icc)
    if image.mode in ("1", "P"):  # palette numbers cannot be averaged, colours can
        image = image.convert("RGB" if image.mode == "P" else "L")
    return _in_srgb(_shrunk(image, size), icc)


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def is_srgb(icc: bytes | None) -> bool:
    """Whether colours under this profile (None: no profile) are right as they are."""
    if not icc:
        return True
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return "sRGB" in ImageCms.getProfileDescription(profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False


def see_through(image: Image.Image) -> bool:
    """Whether any pixel of a loaded image lets the background through."""
    if image.mode in ("RGBA", "LA"):
        return int(image.getchannel("A").getextrema()[0]) < 255  # type: ignore[arg-type]
    return image.has_transparency_data


def _with_alpha(image: Image.Image) -> Image.Image:
    image = image.convert("LA") if image.mode == "La" else image
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits as 8 bits, scaled by the depth of the file, never clipped."""
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if image.mode.startswith("I;16"):
        white = 2 ** _depth(tags.get(_BITS_PER_SAMPLE)) - 1
        table = np.rint(np.arange(65536) * (255.0 / white)).clip(0, 255).astype(np.uint8)
        scaled: NDArray[np.uint8] = table[np.asarray(image)]
    else:
        scaled = _stretched(np.nan_to_num(np.asarray(image, dtype=np.float32)))
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = 255 - scaled
    return Image.fromarray(scaled)


def _stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Integers of 32 bits and real numbers have no agreed white.

    What fits 0 to 1, 8 bits or 16 bits is taken for that; anything else is stretched from its
    darkest to its lightest value.
    """
    low, high = float(values.min()), float(values.max())
    fitting = [white for white in (1.0, 255.0, 65535.0) if low >= 0 and high <= white]
    if fitting:
        low, high = 0.0, fitting[0]
    scaled = np.rint((values - low) * (255.0 / max(high - low, 1e-12)))
    eight: NDArray[np.uint8] = scaled.clip(0, 255).astype(np.uint8)
    return eight


def _depth(tag: Any) -> int:
    """Bits a pixel; TIFF gives one number or one for each channel, other formats none."""
    return int(tag[0] if isinstance(tag, tuple) else tag or 16)


def _in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _transformed(image, ImageCms.ImageCmsProfile(lab))
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            if "sRGB" not in ImageCms.getProfileDescription(profile):
                return _transformed(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one for other channels: the plain colours are near enough
    return image.convert("RGB")


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    if image.mode in ("YCbCr", "HSV"):
        image = image.convert("RGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    if converted is None:
        raise ValueError("no conversion")
    return converted

"""How predict.py and classify.py read image files: as the app that they were exported from.

A file of every exported model, where image_kinds.py and image_colours.py lie beside it.
"""

import os
from typing import Any, BinaryIO

from PIL import Image

MOST_PIXELS, MOST_BYTES = 100_000_000, 256 * 1024 * 1024
"""Of one image."""
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Image.MAX_IMAGE_PIXELS = None  # MOST_PIXELS is held before anything is decoded


class Refused(ValueError):
    """The file is no image that the model can be asked about; the message says what to do."""


def opened(stream: BinaryIO) -> Image.Image:
    """The image in a file, not decoded yet. Raises Refused for what is none."""
    from image_kinds import CAMERA_RAW, HEAD, is_camera_raw, kind_of, what_else

    head = stream.read(HEAD)
    size = stream.seek(0, 2)
    stream.seek(0)
    kind = kind_of(head)
    if kind is None:
        raise Refused(what_else(head))
    if size > MOST_BYTES:
        raise Refused("The file is larger than 256 MB: save it smaller.")
    if kind == "HEIF":
        register_heif()
    image: Image.Image = Image.open(stream, formats=["HEIF", "AVIF"] if kind == "HEIF" else [kind])
    if image.width * image.height > MOST_PIXELS:
        raise Refused(f"It has {image.width} × {image.height} pixels: save it smaller.")
    if kind == "TIFF" and is_camera_raw(image.tag_v2.get):  # type: ignore[attr-defined]
        raise Refused(CAMERA_RAW)
    return image


def why_unreadable(error: Exception, file: str) -> str:
    """What to say of a file that could not be read, by what was raised."""
    from image_kinds import no_such_file

    match error:
        case Refused():
            return str(error)
        case PermissionError() if not os.path.isdir(file):
            return "It may not be read: give yourself the right to."
        case FileNotFoundError() | IsADirectoryError() | PermissionError():
            return str(no_such_file(file))
        case MemoryError():
            return "It needs more memory than there is: save it smaller."
    return "It is damaged or of a rare kind: open it in a viewer and save it anew."


def register_heif() -> None:
    """Teach Pillow to read HEIC."""
    try:
        import pi_heif
    except ImportError:
        raise Refused(
            "HEIC needs the package pi-heif (pip install pi-heif): or save the image as JPEG."
        ) from None
    pi_heif.register_heif_opener()


def as_rgb(file: str, longest: int) -> Image.Image:
    """The image as the model learned from such: upright, on white, in plain red, green, blue."""
    with open(file, "rb") as stream:
        return rgb_of(stream, longest)


def rgb_of(stream: BinaryIO, longest: int) -> Image.Image:
    """As `as_rgb`, of an open file."""
    from image_colours import upright_rgb

    try:
        with opened(stream) as image:
            rgb: Image.Image = upright_rgb(image, longest)
            return rgb
    except Refused:
        raise
    except Exception:
        stream.seek(0)
        if stream.read(4) not in TIFF_STARTS:
            raise
        values = channels_of(stream)  # more than Pillow knows: the first three
        if values is None or values.shape[2] < 2:
            raise
    return first_three(values, longest)


def square(
    image: Image.Image, size: int, fit: str, mean: list[float], how: int, full: int = 255
) -> Image.Image:
    """The image as a square: squashed, cropped to its middle, or padded with the mean colour."""
    width, height = image.size
    if fit == "squash":
        return image.resize((size, size), how)
    if fit == "crop":
        edge = min(width, height)
        left, top = (width - edge) / 2, (height - edge) / 2
        return image.resize((size, size), how, box=(left, top, left + edge, top + edge))
    longer = max(width, height)
    inner = max(1, round(width * size / longer)), max(1, round(height * size / longer))
    colour = tuple(round(full * value) for value in mean)
    plain = min(max(full * mean[0], 0.0), float(full))
    ground = Image.new(image.mode, (size, size), plain if image.mode == "F" else colour)
    ground.paste(image.resize(inner, how), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return ground


def first_three(values: Any, longest: int) -> Image.Image:
    """The first three of many channels (height, width, channels) of 8 or 16 bits."""
    import numpy as np

    shrunk = shrunken(values, longest)
    eight = shrunk if values.dtype == np.uint8 else shrunk // 257
    chosen = [min(number, values.shape[2] - 1) for number in range(3)]
    return Image.fromarray(eight[..., chosen].astype(np.uint8))


def channels_of(stream: BinaryIO) -> Any:
    """The array (height, width, channels) of a TIFF, upright; None where it has no pixels of 8 or
    16 bits."""
    import numpy as np

    try:
        import tifffile
    except ImportError:
        raise Refused("This TIFF needs the package tifffile (pip install tifffile).") from None
    stream.seek(0)
    with tifffile.TiffFile(stream) as tiff:
        page: Any = tiff.pages.first
        if page.dtype not in (np.uint8, np.uint16):
            return None
        if page.imagewidth * page.imagelength * page.samplesperpixel > MOST_PIXELS:
            raise Refused("It has too many pixels: save it smaller.")
        values = np.atleast_3d(page.asarray())
        values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
        turn = int(page.tags[274].value) if 274 in page.tags else 1
    values = values.swapaxes(0, 1) if turn > 4 else values
    values = values[::-1] if turn in (3, 4, 7, 8) else values
    return values[:, ::-1] if turn in (2, 3, 6, 7) else values


def as_array(file: str, longest: int, count: int, bits: int) -> Any:
    """An image that is not red, green and blue as (height, width, channels), upright."""
    import numpy as np
    from image_colours import turn_of

    with open(file, "rb") as stream:
        if count > 1 and stream.read(4) in TIFF_STARTS:
            return channels_of(stream)
        stream.seek(0)
        with opened(stream) as image:
            image.load()
            turn = turn_of(image)
            turned = image if turn is None else image.transpose(turn)
            tags = getattr(image, "tag_v2", {})
    if turned.mode in ("1", "L"):
        return np.asarray(turned.convert("L"))[..., None]
    if turned.mode.startswith("I;16"):
        deep = np.asarray(turned).astype(np.uint16)[..., None]
        return 65535 - deep if tags.get(262) == 0 else deep
    rgb = as_rgb(file, longest)
    return np.asarray(rgb.convert("L"))[..., None] if (count, bits) == (1, 8) else np.asarray(rgb)


def shrunken(values: Any, longest: int) -> Any:
    """Values (height, width, channels) of at most `longest` px: means of what each covers."""
    import numpy as np

    height, width, count = values.shape
    scale = min(1.0, longest / max(height, width))
    if scale == 1:
        return values
    size = max(1, round(width * scale)), max(1, round(height * scale))
    planes = [Image.fromarray(values[..., k].astype(np.float32)) for k in range(count)]
    small = [np.asarray(plane.resize(size, Image.Resampling.BOX)) for plane in planes]
    return np.rint(np.stack(small, -1)).astype(values.dtype)

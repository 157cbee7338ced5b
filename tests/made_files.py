"""One image as every kind of file that people bring, good and bad."""

import base64
import io
import struct
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageCms, TiffImagePlugin

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
    "JPEG2000": ("L", "RGB", "RGBA"),
    "PPM": ("1", "L", "RGB"),
}
BAD = ("cut.jpg", "cut.tif", "huge.png", "raw.tif", "empty.jpg", "text.jpg", "page.jpg")
"""What neither the app nor an exported model reads."""


def write_every_kind(photo: Image.Image, folder: Path) -> list[Path]:
    """Write the photograph as good files of all kinds, and a few bad ones; in order of names."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, modes in MODES.items():
        for mode in modes:
            in_mode(photo, mode).save(folder / f"{kind} {mode.replace(';', '')}.x", kind)
    _write_variants(photo, folder)
    _write_numbers(photo, folder)
    _write_bad(photo, folder)
    return sorted(folder.iterdir())


def in_mode(photo: Image.Image, mode: str) -> Image.Image:
    """The photograph with pixels of this kind."""
    grey = np.asarray(photo.convert("L"))
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(grey.astype(np.int32) * 1000 - 9000)
    if mode == "F":
        return Image.fromarray(grey.astype(np.float32) / 255)
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(photo, srgb, lab, outputMode="LAB")
    if mode in ("RGBA", "LA"):
        clear = photo.convert(mode)
        clear.putalpha(Image.linear_gradient("L").resize(photo.size))
        return clear
    return photo.convert(mode)


def _write_variants(photo: Image.Image, folder: Path) -> None:
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        photo.save(folder / f"turned {turn}.jpg", exif=exif, quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(folder / "turned.png", exif=exif)
    photo.save(folder / "turned.tif", tiffinfo={0x0112: 8})
    photo.save(
        folder / "broken exif.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01", quality=95
    )
    photo.save(folder / "progressive.jpg", progressive=True, quality=95)
    photo.resize((2600, 1700)).save(folder / "large.jpg", quality=95)
    photo.resize((2600, 1700)).save(folder / "large.png")
    photo.save(folder / "profile.jpg", quality=95, icc_profile=other_colours())
    photo.save(folder / "profile.png", icc_profile=other_colours())
    photo.save(folder / "broken profile.jpg", quality=95, icc_profile=b"no profile")
    photo.save(folder / "see-through palette.gif", transparency=3)
    photo.quantize(16).save(
        folder / "see-through palette.png", transparency=bytes(range(0, 256, 16))
    )
    frames = [photo, photo.rotate(90), photo.rotate(180)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        photo.save(
            folder / f"several frames {kind}.x", kind, save_all=True, append_images=frames[1:]
        )
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        photo.save(folder / f"packed by {packing}.tif", compression=packing)
    (folder / "photo.heic").write_bytes(HEIC)


def _write_numbers(photo: Image.Image, folder: Path) -> None:
    grey = np.asarray(photo.convert("L")).astype(np.float32)
    Image.fromarray(grey * 10 + 400).save(folder / "heights.tif")
    holed = grey * 10 + 400
    holed[:20] = -9999
    holed[-20:] = np.nan
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[42113] = "-9999"
    Image.fromarray(holed).save(folder / "heights with holes.tif", tiffinfo=info)
    Image.fromarray(grey.astype(np.uint16) * 16).save(folder / "12 bits.png")
    Image.fromarray(255 - grey.astype(np.uint8)).save(
        folder / "white is zero.tif", tiffinfo={262: 0}
    )
    values = (grey * 16).astype(">u2")
    height, width = values.shape
    head = f"P5 {width} {height} 4095\n".encode()
    (folder / "12 bits.pgm").write_bytes(head + values.tobytes())
    (folder / "big endian.tif").write_bytes(_big_endian(values))
    channels = np.stack([np.asarray(photo)[..., k % 3] for k in range(5)], -1)
    tifffile.imwrite(
        folder / "five channels.tif", channels, photometric="minisblack", planarconfig="contig"
    )


def _big_endian(values: np.ndarray) -> bytes:
    """A grey TIFF of 16 bits as a Macintosh wrote it."""
    height, width = values.shape
    entries = [
        (256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1),
        (273, 4, 8 + 2 + 9 * 12 + 4), (277, 3, 1), (278, 3, height), (279, 4, values.nbytes),
    ]  # fmt: skip
    made = struct.pack(">2sHIH", b"MM", 42, 8, len(entries))
    for tag, kind, value in entries:
        made += struct.pack(">HHI", tag, kind, 1)
        made += struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", value)
    return made + struct.pack(">I", 0) + values.tobytes()


def _write_bad(photo: Image.Image, folder: Path) -> None:
    content = io.BytesIO()
    photo.save(content, "JPEG")
    (folder / "cut.jpg").write_bytes(content.getvalue()[: len(content.getvalue()) // 2])
    content = io.BytesIO()
    photo.save(content, "TIFF")
    (folder / "cut.tif").write_bytes(content.getvalue()[: len(content.getvalue()) // 2])
    Image.new("1", (11_000, 10_000)).save(folder / "huge.png")
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[50706] = b"\x01\x04\x00\x00"
    photo.resize((64, 48)).save(folder / "raw.tif", tiffinfo=info)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_bytes(b"once upon a time")
    (folder / "page.jpg").write_bytes(b"<!DOCTYPE html><title>404</title>")


def other_colours() -> bytes:
    """The usual colour profile with red and green exchanged, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "Ours".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAGEAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34"
    "+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5"
    "uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAA"
    "AAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAA"
    "AAAAAAEAAQWBAgMFhAAAAGltZGF0AAAAXSgBrxOA9SeBP//gpUf/utZ4fg8NMT/+88Yj+gax/+L1d24DHYsoDCeJ"
    "RFN4ju5YyxTWGlKz3AqVo6vSar2TaFL+E2j/4CPCeB8gQ94nsb48Udt6v1rvqjKULjKHbg=="
)
"""A HEIC of 64 × 48 px, left half red, right half blue (no writer of HEIC may be installed)."""

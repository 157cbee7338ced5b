"""Real files as people and attackers bring them, made on the spot."""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from made_files import HEIC as HEIC
from PIL import Image


def photo(seed: int = 0, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """An image with smooth shapes in colour; each seed another one."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(seed: int = 0, size: tuple[int, int] = (320, 240)) -> bytes:
    """The bytes of a JPEG photograph."""
    return encoded(photo(seed, size), "JPEG", quality=90)


def class_files(per_class: int = 5) -> dict[str, bytes]:
    """Two classes of JPEGs by their paths."""
    return {
        f"{label}/{label}{n}.jpg": jpeg(100 * k + n, (64, 48))
        for k, label in enumerate(("cat", "dog"))
        for n in range(per_class)
    }


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files by their relative paths."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A ZIP with entries of exactly these names, whatever they are."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    """A TAR with entries of exactly these names, whatever they are."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG with a right checksum."""
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A valid, nearly empty PNG of 3.6 thousand million pixels in a few megabytes."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\0" * (1 + (width + 7) // 8)
    pack, body = zlib.compressobj(9), []
    for _ in range(height):
        body.append(pack.compress(row))
    body.append(pack.flush())
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", b"".join(body))
        + png_chunk(b"IEND", b"")
    )


def long_gif(frames: int = 10_000) -> bytes:
    """A GIF of many frames, the first one red."""
    buffer = io.BytesIO()
    first = Image.new("RGB", (32, 32), "red")
    rest = [Image.new("RGB", (32, 32), (0, n % 256, 255)) for n in range(256)]
    first.save(buffer, "GIF", save_all=True, append_images=rest)
    one = buffer.getvalue()[:-1]
    start = one.index(b"\x21\xf9", one.index(b"\x2c"))  # behind the first frame
    return one + one[start:] * (frames // 256) + b";"


def lying_zip(path: Path, name: str, content: bytes, promised: int) -> Path:
    """A ZIP whose headers promise another size than the entry has."""
    write_zip(path, {name: content})
    raw = bytearray(path.read_bytes())
    for start, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(start) + offset
        raw[at : at + 4] = struct.pack("<I", promised)
    path.write_bytes(raw)
    return path


def encrypted_zip(path: Path, files: dict[str, bytes]) -> Path:
    """A ZIP that says its entries are encrypted."""
    write_zip(path, files)
    raw = bytearray(path.read_bytes())
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(start)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(start, at + 4)
    path.write_bytes(raw)
    return path

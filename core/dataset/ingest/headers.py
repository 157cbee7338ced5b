"""What a JPEG or PNG will cost to decode, told from its headers before any library sees it.

Only files that are built as cameras and programs build them are answered for; of any other the
cost is not known, which is no fault: it is read where it can do no harm (apart.py).
"""

import struct
from typing import BinaryIO

from core.errors import UnreadableImage
from core.settings import MiB

_MOST_HEADER = MiB
"""The pixels of an ordinary file begin before."""
_MOST_STEPS = 512
"""Segments or chunks of an ordinary file, beside those that hold pixels."""
_PIXELS_BYTES_PER_CHUNK = 1024
"""Chunks with pixels are not shorter than this on average."""
_MOST_PACKED_TEXT = 32 * 1024
"""Bytes of packed text in a PNG, each of which may unpack to a thousand."""
_ORDINARY_SCANS, _MOST_SCANS = 32, 500
"""Passes over a JPEG: about ten are usual, and libjpeg's makers advise to give up at 500."""
_ALONE = (0x01, *range(0xD0, 0xD8))
_BASELINE, _FRAMES = (
    (0xC0, 0xC1),
    tuple(n for n in range(0xC0, 0xD0) if n not in (0xC4, 0xC8, 0xCC)),
)
_APP1, _APP2, _SCAN = 0xE1, 0xE2, 0xDA
_UNIT = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
"""Bytes of one value of a tag, by its type."""
_INNER = (0x8769, 0x8825, 0xA005)
"""Tags that point to more tags."""


def cost(file: BinaryIO, kind: str, size: int, side: int) -> int | None:
    """Bytes of memory to decode a JPEG or PNG of `size` bytes to `side` px; None: not known.

    Raises UnreadableImage for a JPEG in hundreds of passes.
    """
    if kind == "JPEG":
        return _jpeg(file, size, side)
    return _png(file, size, side) if kind == "PNG" else None


def webp_pixels(head: bytes) -> int:
    """How many pixels a WebP has by its first 30 bytes; 0 when they do not say."""
    form, sides = head[12:16], int.from_bytes(head[21:25], "little")
    if len(head) < 30:
        return 0
    if form == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        return (width + 1) * (height + 1)
    if form == b"VP8L":
        return ((sides & 0x3FFF) + 1) * ((sides >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack_from("<HH", head, 26)
    return (width & 0x3FFF) * (height & 0x3FFF) if form == b"VP8 " else 0


def _jpeg(file: BinaryIO, size: int, side: int) -> int | None:
    place, frames, exif = 2, list[tuple[int, bytes]](), b""
    for _ in range(_MOST_STEPS):
        file.seek(place)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or place > _MOST_HEADER:
            return None
        marker, length = head[1], int.from_bytes(head[2:], "big")
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in (_APP1, _APP2):
            content = file.read(length - 2)
            if content.startswith(b"Exif\0\0"):
                exif += content[6:]
            elif content.startswith(b"MPF\0") and not _is_honest(content[4:]):
                return None
        elif marker in _FRAMES:
            frames.append((marker, file.read(6)))
        elif marker == _SCAN:
            if len(frames) != 1 or len(frames[0][1]) < 6 or not _is_honest(exif):
                return None
            in_scan = file.read(1)
            return _jpeg_cost(file, frames[0], in_scan, place + 2 + length, size, side)
        place += 2 + length
    return None


def _jpeg_cost(
    file: BinaryIO, frame: tuple[int, bytes], in_scan: bytes, start: int, size: int, side: int
) -> int | None:
    marker, sides, count = frame[0], frame[1][1:5], frame[1][5]
    height, width = int.from_bytes(sides[:2], "big"), int.from_bytes(sides[2:], "big")
    longest = max(width, height, 1)
    shrunk = next((n for n in (8, 4, 2) if longest >= n * side), 1)
    pixels = width * height
    bytes_needed = pixels * 12 // shrunk**2 + (2 * size if longest <= side else 0)
    if marker in _BASELINE and in_scan == bytes([count]):
        return bytes_needed  # in one pass
    scans = _scans(file, start)
    if scans > _MOST_SCANS:
        raise UnreadableImage(
            f"This JPEG has {scans:,} scans, where ten are usual: open it in a viewer and save "
            "it again."
        )
    # All coefficients are kept from the first pass to the last.
    return bytes_needed + pixels * 2 * count if scans <= _ORDINARY_SCANS else None


def _scans(file: BinaryIO, start: int) -> int:
    """How many passes there are up to the end of the image; the first one begins at `start`."""
    file.seek(start)
    scans, last = 1, b""
    while chunk := file.read(MiB):
        chunk = last + chunk  # a marker may stand across the border
        end = chunk.find(b"\xff\xd9")
        scans += chunk.count(b"\xff\xda", 0, end if end >= 0 else len(chunk))
        if end >= 0:
            break
        last = chunk[-1:]
    return scans


def _png(file: BinaryIO, size: int, side: int) -> int | None:
    file.seek(8)
    head = file.read(25)
    if len(head) < 25 or head[:8] != b"\0\0\0\rIHDR":
        return None
    width, height = int.from_bytes(head[8:12], "big"), int.from_bytes(head[12:16], "big")
    depth, colour = head[16], head[17]
    place, packed = 33, 0
    for _ in range(_MOST_STEPS + size // _PIXELS_BYTES_PER_CHUNK):
        file.seek(place)
        chunk = file.read(8)
        kind, length = chunk[4:], int.from_bytes(chunk[:4], "big")
        if len(chunk) < 8 or kind == b"IEND":  # what is cut off is said by the decoder
            own = 1 if colour in (0, 3) and depth <= 8 else 2 if colour == 0 else 4
            return width * height * (own + 5) + (2 * size if max(width, height) <= side else 0)
        if kind in (b"zTXt", b"iTXt", b"iCCP", b"tEXt"):
            packed += length if kind != b"tEXt" else 0
            name = file.read(min(length, 80))
            if packed > _MOST_PACKED_TEXT or name.startswith(b"Raw profile"):
                return None
        elif kind == b"IHDR" or (kind == b"eXIf" and not _is_honest(file.read(length))):
            return None
        place += 12 + length
    return None


def _is_honest(exif: bytes) -> bool:
    """Whether its tags together are no longer than all of it: each may point to the same bytes."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return True  # none, or broken, which costs nothing
    waiting, seen, total = [struct.unpack_from(f"{order}I", exif, 4)[0]], set[int](), 0
    while waiting:
        place = waiting.pop()
        if place in seen or place + 2 > len(exif):
            continue
        seen.add(place)
        count = struct.unpack_from(f"{order}H", exif, place)[0]
        for at in range(place + 2, min(place + 2 + 12 * count, len(exif) - 11), 12):
            tag, unit, n, value = struct.unpack_from(f"{order}HHII", exif, at)
            total += 12 + n * _UNIT.get(unit, 1)
            if tag in _INNER:
                waiting.append(value)
        if total > 2 * len(exif) or len(seen) > len(_INNER) + 1:
            return False
    return True

"""A JPEG or PNG without whatever is no image: the same pixels, bit by bit, and nothing beside.

What is small enough already is stored this way. It costs no quality, which another round of JPEG
would, and less time than any encoding.
"""

import re
import struct
import zlib

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""Says that colours are YCbCr. The original may hold a preview and a density too."""
_TABLES = (0xDB, 0xC4, 0xDD)
_FRAMES = (0xC0, 0xC1, 0xC2)
"""Baseline, extended, progressive. Others are rare, and not every browser shows them."""
_APP0, _APP14, _SCAN, _END = 0xE0, 0xEE, 0xDA, 0xD9
_ADOBE_BYTES = 16
_ALONE = (0x01, *range(0xD0, 0xD8))
_DROPPED = (*range(0xE1, 0xF0), 0xFE)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MOST_SCANS = 32
"""A progressive file usually has ten; each one costs a pass over all pixels."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PNG_LOOKS = (b"tRNS", b"iCCP", b"cICP", b"eXIf", b"acTL")
"""Chunks that change how the image is shown."""


def plain_jpeg(content: bytes) -> bytes | None:
    """The JPEG without metadata, previews and all that follows its end.

    None when it is cut off or of a rare kind. Doing it again changes nothing.
    """
    whole = memoryview(content)  # a slice of it copies nothing
    kept: list[bytes | memoryview] = [_JPEG_START]
    place, scans = 2, 0
    while place + 4 <= len(content) or content[place : place + 2] == _JPEG_END:
        if content[place] != 0xFF:
            return None
        marker = content[place + 1]
        if marker == _END:
            return b"".join([*kept, _JPEG_END]) if scans else None
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if marker == _SCAN:
            scans += 1
            following = _AFTER_SCAN.search(content, end)
            if following is None or scans > _MOST_SCANS:
                return None
            end = following.start()
        elif marker not in (*_TABLES, *_FRAMES, _APP0, *_DROPPED):
            return None
        if end > len(content) or end < place + 4:
            return None
        kept.append(_segment(marker, whole[place:end]))
        place = end
    return None


def _segment(marker: int, segment: memoryview) -> bytes | memoryview:
    """What is kept of a segment of a JPEG."""
    if marker == _APP0:
        return _JFIF if bytes(segment[4:9]) == b"JFIF\x00" else b""
    adobe = marker == _APP14 and bytes(segment[4:9]) == b"Adobe" and len(segment) >= _ADOBE_BYTES
    if adobe:  # it says which colours these are
        return b"\xff\xee\x00\x0e" + bytes(segment[4:_ADOBE_BYTES])
    return b"" if marker in _DROPPED else segment


def plain_png(content: bytes) -> bytes | None:
    """The PNG without metadata and all that follows its end.

    None when it is damaged, or when anything beside its pixels decides how it is shown:
    transparency, a colour profile, a turn, more frames. Doing it again changes nothing.
    """
    whole = memoryview(content)
    kept: list[bytes | memoryview] = [_PNG_START]
    place = len(_PNG_START)
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, end = content[place + 4 : place + 8], place + 12 + length
        if end > len(content) or kind in _PNG_LOOKS:
            return None
        if kind in _PNG_KEPT:
            (said,) = struct.unpack_from(">I", content, end - 4)
            if zlib.crc32(whole[place + 4 : end - 4]) != said:
                return None
            kept.append(whole[place:end])
        elif not kind[:1].islower():  # one that must be understood to show the image
            return None
        if kind == b"IEND":
            return b"".join(kept)
        place = end
    return None

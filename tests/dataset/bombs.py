"""Small files that ask for a lot of memory or time, made on the spot: images, tables, archives."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

from hostile_files import HEIC, encoded, jpeg, photo, png_chunk
from PIL import Image

MB = 1_000_000


def wide_webp(side: int = 10_000) -> bytes:
    """A WebP of so many pixels squared in 40 bytes: of one colour, whatever size it says."""
    whole = bytearray(encoded(Image.new("RGB", (16, 16), "teal"), "WEBP", lossless=True))
    bits = int.from_bytes(whole[21:25], "little") >> 28 << 28
    whole[21:25] = (bits | (side - 1) << 14 | side - 1).to_bytes(4, "little")
    return bytes(whole)


def wide_png(side: int, mode: str) -> bytes:
    """The same as a PNG."""
    return encoded(Image.new(mode, (side, side)), "PNG", compress_level=1)


def jpeg_of_many_scans(scans: int, size: tuple[int, int]) -> bytes:
    """A progressive JPEG that draws its last pass again and again."""
    whole = encoded(photo(1, size), "JPEG", progressive=True, quality=5)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * scans + b"\xff\xd9"


def padded_jpeg(n: int) -> bytes:
    """A JPEG with so many bytes that mean nothing before its pixels."""
    return b"\xff\xd8" + b"\xff" * n + jpeg(2)[2:]


def exif_bomb(tags: int = 20_000, n: int = 900_000) -> bytes:
    """Metadata of which every tag is all of it."""
    entries = b"".join(struct.pack("<HHII", number + 1, 7, n, 8) for number in range(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries.ljust(n, b"\0")


def jpeg_with_exif(exif: bytes) -> bytes:
    """A JPEG with metadata in as many parts as they take."""
    parts = [exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
    segments = [
        b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts
    ]
    return b"\xff\xd8" + b"".join(segments) + jpeg(3)[2:]


def png_with(seed: int, *chunks: tuple[bytes, bytes], at_end: bool = False) -> bytes:
    """A PNG with more chunks before its pixels, or behind them."""
    whole = encoded(photo(seed, (60, 40)), "PNG")
    place = len(whole) - 12 if at_end else 33
    return whole[:place] + b"".join(png_chunk(*chunk) for chunk in chunks) + whole[place:]


def packed_text(kind: bytes, n: int) -> tuple[bytes, bytes]:
    """A chunk of a PNG with `n` bytes of text, packed to a thousandth."""
    start = b"x\0\0" if kind != b"iTXt" else b"x\0\x01\0\0\0"
    return kind, start + zlib.compress(b"a" * n, 9)


def tiff(entries: list[tuple[int, int, int, int]], more: bytes = b"") -> bytes:
    """A TIFF of these tags (tag, type, count, value), with bytes behind them."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + b"\0" * 4 + more


def tiff_of(width: int, height: int, *more: tuple[int, int, int, int], rest: bytes = b"") -> bytes:
    """A grey TIFF that says it is of this size."""
    usual = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 278: height, 273: 300, 279: 9}
    usual = {tag: value for tag, value in usual.items() if tag not in [each[0] for each in more]}
    return tiff([*((tag, 4, 1, value) for tag, value in usual.items()), *more], rest)


def gif_with_comment(n: int) -> bytes:
    """A GIF with a comment of `n` bytes before its first frame."""
    whole = encoded(photo(5, (60, 40)), "GIF")
    start = 13 + 3 * 2 ** ((whole[10] & 7) + 1)
    return whole[:start] + b"\x21\xfe" + (b"\xff" + b"c" * 255) * (n // 255) + b"\0" + whole[start:]


def bmp_of_lines(width: int, height: int, n: int) -> bytes:
    """A packed BMP of `n` commands that each say no more than: end of the line."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 2 * n, 1, 1, 256, 0)
    body = bytes(1024) + b"\0\0" * n + b"\0\1"
    start = 14 + len(head) + 1024
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, start) + head + body


def wide_heic(side: int = 9_000) -> bytes:
    """A HEIC that says its image is of so many pixels squared."""
    size = struct.pack(">II", 64, 64)
    at = HEIC.index(b"ispe") + 8
    if HEIC[at : at + 8] != size:
        raise ValueError("not where it is looked for")
    return HEIC[:at] + struct.pack(">II", side, side) + HEIC[at + 8 :]


def animation(kind: str, frames: int) -> bytes:
    """An animation of small frames."""
    rest = [Image.new("RGB", (32, 32), (n % 256, n // 256, 9)) for n in range(1, frames)]
    first = Image.new("RGB", (32, 32), "red")
    return encoded(first, kind, save_all=True, append_images=rest)


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def xlsx(part: str, content: bytes) -> bytes:
    """An XLSX with one part of it replaced."""
    from openpyxl import Workbook

    good, made = io.BytesIO(), io.BytesIO()
    book = Workbook()
    book.active.append(["file", "label"])
    book.save(good)
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != part:
                new.writestr(info.filename, old.read(info))
        new.writestr(part, content)
    return made.getvalue()


def empty_cells(n: int) -> bytes:
    """An XLSX of cells without anything in them."""
    row = b"<row>" + b"<c/>" * 100 + b"</row>"
    return xlsx("xl/worksheets/sheet1.xml", _SHEET + row * (n // 100) + b"</sheetData></worksheet>")


def many_styles(n: int) -> bytes:
    """An XLSX with so many styles of cells."""
    start = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    styles = b"<cellXfs>" + b"<xf/>" * n + b"</cellXfs></styleSheet>"
    return xlsx("xl/styles.xml", start + styles)


def false_parquet(columns: int = 50, length: int = 20 * MB) -> bytes:
    """A Parquet file of one row with so many long texts, which says that it is small."""
    import pyarrow
    from pyarrow import parquet

    one, buffer = pyarrow.array(["x" * length]), io.BytesIO()
    table = pyarrow.table({f"column {n}": one for n in range(columns)})
    parquet.write_table(table, buffer, compression="zstd", use_dictionary=False)
    raw = buffer.getvalue()
    group = parquet.ParquetFile(io.BytesIO(raw)).metadata.row_group(0)
    true, start = (
        _number(group.total_byte_size),
        len(raw) - 8 - int.from_bytes(raw[-8:-4], "little"),
    )
    return raw[:start] + raw[start:].replace(true, bytes([0x94] + [0x80] * (len(true) - 2) + [0]))


def _number(value: int) -> bytes:
    """As Thrift's compact form writes it."""
    value, made = 2 * value, bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def tar_of_folders(path: Path, n: int) -> Path:
    """A packed TAR of so many folders without a file."""
    header = tarfile.TarInfo("d")
    header.type = tarfile.DIRTYPE
    blocks = header.tobuf() * 1000
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for _ in range(n // 1000):
            packed.write(blocks)
    return path


def sparse_tar(path: Path, blocks: int) -> Path:
    """A packed TAR of one file with gaps, the list of which takes so many blocks."""
    header = bytearray(tarfile.TarInfo("a.jpg").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[482] = 1  # the list goes on
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    block = (b"%011o\0" % 1) * 42 + b"\1" + b"\0" * 7
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(header)
        for _ in range(blocks // 1000):
            packed.write(block * 1000)
    return path


def deep_xz(path: Path, n: int) -> Path:
    """A TAR packed with a memory of 1.5 GB, which unpacking takes as well."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1536 * 1024 * 1024}]
    pack = lzma.LZMACompressor(format=lzma.FORMAT_XZ, filters=filters)
    header = tarfile.TarInfo("a.txt")
    header.size = n
    with path.open("wb") as file:
        file.write(pack.compress(header.tobuf()))
        for _ in range(n // (1024 * 1024)):
            file.write(pack.compress(bytes(1024 * 1024)))
        file.write(pack.flush())
    return path

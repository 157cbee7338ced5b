"""The stream of a TAR, unpacked as it is read, counted, and forwards only."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from core.dataset.ingest.entries import CHUNK, Budget
from core.errors import RefusedArchive
from core.settings import MiB

_LONGEST_HEADER = MiB
_MOST_UNPACKING = 128 * MiB
"""Memory that XZ may take to unpack; its highest usual level takes 65 MB."""


def unpacked(path: Path, kind: str) -> IO[bytes] | gzip.GzipFile:
    """The bytes of an archive of this kind, unpacked as they are read."""
    if kind == "gzip":
        return gzip.open(path, "rb")
    if kind == "bzip2":
        return bz2.open(path, "rb")
    return io.BufferedReader(_Xz(path)) if kind == "xz" else path.open("rb")


class _Xz(io.RawIOBase):
    """An XZ file unpacked within a limit of memory, which lzma.open does not know."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._unpack = lzma.LZMADecompressor(memlimit=_MOST_UNPACKING)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as one step goes. Raises EOFError where the file breaks off."""
        while True:
            packed = b""
            if self._unpack.eof:  # another stream may follow, after zeros
                packed = self._unpack.unused_data.lstrip(b"\0") or self._file.read(CHUNK)
                if not packed:
                    return 0
                self._unpack = lzma.LZMADecompressor(memlimit=_MOST_UNPACKING)
            elif self._unpack.needs_input and not (packed := self._file.read(CHUNK)):
                raise EOFError("the packed file breaks off")
            if unpacked := self._next(packed, len(buffer)):
                buffer[: len(unpacked)] = unpacked
                return len(unpacked)

    def _next(self, packed: bytes, most: int) -> bytes:
        try:
            return self._unpack.decompress(packed, most)
        except lzma.LZMAError as error:
            if "emory" in str(error):
                raise RefusedArchive(
                    f"Unpacking needs more than {_MOST_UNPACKING // MiB} MB of memory: pack it "
                    "again as ZIP, or with xz at its usual level."
                ) from error
            raise

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()


class Forward(io.RawIOBase):
    """A stream that only goes forwards, counts its bytes, and remembers the last of them.

    tarfile looks back by one byte between entries; in a compressed file that would mean to unpack
    everything again from the start.
    """

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: Budget) -> None:
        super().__init__()
        self._stream, self._budget = stream, budget
        self._at, self._again = 0, False
        self._in_headers = 0
        self._is_in_data = False
        self.last = b""
        """What the latest read returned."""

    def readable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes from the start, as if nothing were read again."""
        return self._at - self._again

    def read(self, size: int = -1, /) -> bytes:
        """The next `size` bytes. Raises RefusedArchive for an unreasonable or endless amount."""
        if size < 0 or size > _LONGEST_HEADER:
            raise RefusedArchive("A header in this archive is unreasonably long: pack it again.")
        if size == 0:
            return b""
        self._count_headers(size)
        before = self.last[-1:] if self._again else b""
        fresh = self._stream.read(size - len(before))
        self._budget.read(len(fresh))
        self._at, self._again = self._at + len(fresh), False
        self.last = before + fresh
        return self.last

    @contextmanager
    def in_data(self) -> Iterator[None]:
        """What is read within is the content of an entry and no header."""
        before, self._is_in_data = self._is_in_data, True
        yield
        self._is_in_data, self._in_headers = before, 0

    def _count_headers(self, size: int) -> None:
        """One entry may have a long list of headers, all of which are kept in memory."""
        self._in_headers += 0 if self._is_in_data else size
        if self._in_headers > _LONGEST_HEADER:
            raise RefusedArchive("A header in this archive is unreasonably long: pack it again.")

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go forwards by reading, or back by the one byte that is remembered."""
        if whence == 0 and offset == self._at - 1 and self.last:
            self._again = True
            return offset
        if whence != 0 or offset < self.tell():
            raise tarfile.ReadError("this archive points backwards")
        with self.in_data():
            while self.tell() < offset and self.read(min(CHUNK, offset - self.tell())):
                pass
        return self.tell()

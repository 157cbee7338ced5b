"""What disks do to files: a byte changed here and there, the end lost, everything lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def ways(content: bytes, flips: int = 6) -> dict[str, bytes]:
    """The content damaged in several ways, by what was done to it."""
    last = len(content) - 1
    places = sorted({last * step // (flips - 1) for step in range(flips)})
    made = {f"byte {place} of {last}": flipped(content, place) for place in places}
    return made | {
        "half of it": content[: len(content) // 2],
        "all but a byte": content[:-1],
        "nothing": b"",
        "noise": bytes((37 * place + 11) % 256 for place in range(len(content))),
    }


def flipped(content: bytes, place: int, bits: int = 0x01) -> bytes:
    """The content with some bits of one byte turned over."""
    return content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]


@contextmanager
def damaged(file: Path) -> Iterator[dict[str, bytes]]:
    """The ways to damage a file, which is put right afterwards."""
    sound = file.read_bytes()
    try:
        yield ways(sound)
    finally:
        file.write_bytes(sound)


def overwrite(file: Path, content: bytes) -> None:
    """As a disk would: the file's date stays."""
    known = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))

"""Whole files: a reader sees the old content or the new, never a half; and text that tells whether
it is still what was written.

Sealed text is JSON that begins with the SHA-256 of the rest. It stays JSON, so that other programs
read it as before. core.tensors does the same for tensors.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HEAD = '{"sha256": "'
_LIST = '"sealed list": '
_SEALED = re.compile(r'\{"sha256": "[0-9a-f]{64}",\n(?P<rest>.*)', re.DOTALL)
_LEAST_LIKE = 10
"""Of the characters of _HEAD: a seal that is damaged itself is told from text without one."""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A path to write a whole file to: then it is forced onto the disk and put into its place.

    Where that fails nothing is left behind, and what was at `path` stays.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a whole file at once: beside it first, onto the disk, then into its place. Text is
    written as UTF-8."""
    with replaced(path) as draft:
        draft.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def number_in(path: Path) -> int:
    """The whole number that `replace_file` wrote; 0 where there is none, or damage."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def flush_folder(folder: Path) -> None:
    """Force the names in a folder onto the disk, where the system can; else a name that was just
    given may be gone after a power cut."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sealed(text: str) -> str:
    """JSON, an object or a list, with the hash that `unsealed` checks at its beginning."""
    made = hashlib.sha256(text.encode("utf-8")).hexdigest()
    rest = text[1:] if text.startswith("{") else f"{_LIST}{text}}}"
    return f'{_HEAD}{made}",\n{rest}'


def unsealed(text: str | bytes) -> str:
    """The text as it was given to `sealed`; text of earlier versions, without a seal, as it is.

    Raises ValueError when it is not what was written, or not UTF-8.
    """
    text = text if isinstance(text, str) else text.decode("utf-8")
    if sum(a == b for a, b in zip(text, _HEAD, strict=False)) < _LEAST_LIKE:
        return text
    found = _SEALED.fullmatch(text)
    rest = found["rest"] if found else ""
    written = rest[len(_LIST) : -1] if rest.startswith(f"{_LIST}[") else "{" + rest
    if sealed(written) != text:
        raise ValueError("the file is damaged: its content has changed")
    return written


def read_sealed(path: Path) -> str:
    """The text of a file that was written sealed, or by an earlier version without a seal.

    Raises ValueError when it is damaged, OSError when it cannot be read.
    """
    return unsealed(path.read_bytes())

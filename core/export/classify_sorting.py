"""Images into a folder for each class, and back again; a file beside classify.py.

    sorted/cat/1.jpg    sorted/cat/1 (2).jpg    sorted/unknown/IMG_7.jpg    sorted/undo.jsonl

Names come from outside: each becomes one harmless level of a path, and nothing is ever replaced.
What is done stands in the undo file before it is done, a line a file.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

UNDO = "undo.jsonl"
UNKNOWN = "unknown"
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""
_LONGEST_NAME, _MOST_BYTES = 100, 160
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


class Sorter:
    """Puts images into `folder`, by copy, move or link."""

    def __init__(self, folder: Path, how: str) -> None:
        self.folder, self.how = folder.resolve(), how
        self.folder.mkdir(parents=True, exist_ok=True)
        self.labels: dict[str | None, str] = {None: UNKNOWN}

    def put(self, row: dict[str, Any], path: Path | None, read: Callable[[], bytes]) -> None:
        """One image to where its row says; what goes wrong stands in the row as "not_sorted".

        An image inside a ZIP has no path: it is always copied.
        """
        label = None if row.get("ood") else str(row["label"])
        how = self.how if path else "copy"
        source = path.resolve() if path else None
        try:
            target = self._free(self._folder_of(label), _last(row["image"]))
            done = {"did": how, "to": target.relative_to(self.folder).as_posix()}
            if source and how == "move":
                done["from"] = str(source)
            self._note(done)
            if how == "move" and source:
                shutil.move(source, target)
            elif how == "link" and source:
                _link(source, target)
            else:
                with target.open("xb") as stream:
                    stream.write(read())
            row["sorted_into"] = str(target)
        except Exception as error:  # noqa: BLE001  # of one image; the others go on
            row["not_sorted"] = f"It could not be sorted: {error}"

    def _folder_of(self, label: str | None) -> Path:
        if label not in self.labels:
            taken = {name.casefold() for name in self.labels.values()}
            name, number = harmless(str(label)), 1
            while name.casefold() in taken or name == UNDO:
                number += 1
                name = f"{harmless(str(label))} ({number})"
            self.labels[label] = name
        folder = self.folder / self.labels[label]
        folder.mkdir(exist_ok=True)
        if folder.resolve() != folder:  # a link to elsewhere
            raise OSError(f"“{folder.name}” leads out of the folder")
        return folder

    def _free(self, folder: Path, name: str) -> Path:
        suffix = Path(name).suffix
        suffix = suffix if _SUFFIX.fullmatch(suffix) else ""
        stem, number = harmless(name.removesuffix(suffix)), 1
        target = folder / f"{stem}{suffix}"
        while os.path.lexists(target):
            number += 1
            target = folder / f"{stem} ({number}){suffix}"
        return target

    def _note(self, done: dict[str, str]) -> None:
        with (self.folder / UNDO).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(done) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def harmless(name: str) -> str:
    """One level of a path that every system takes for an ordinary, visible name."""
    plain = "".join(c if c.isprintable() else "_" for c in name)
    short = _FORBIDDEN.sub("_", plain).lstrip(". ")[:_LONGEST_NAME]
    name = short.encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"_{name}" if not name or _RESERVED.fullmatch(name) else name


def undo(folder: Path, say: Callable[[str], None]) -> int:
    """Take back what was sorted into the folder, the last first: remove copies and links, move
    files to where they were. 0 when all is back, 1 when something had to stay."""
    folder = folder.resolve()
    file = folder / UNDO
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        say(f"There is nothing to take back: “{file}” is missing or damaged.")
        return 1
    stay = []
    for line in reversed(lines):
        try:
            _take_back(folder, json.loads(line))
        except (OSError, ValueError, KeyError, TypeError) as error:
            stay.append(line)
            say(f"This stays: {line[:300]}: {error}")
    if stay:
        draft = file.with_name(f"{UNDO}.draft")
        draft.write_text("".join(f"{line}\n" for line in reversed(stay)), encoding="utf-8")
        os.replace(draft, file)
    else:
        file.unlink()
    say(f"Taken back: {len(lines) - len(stay)} of {len(lines)}.")
    return int(bool(stay))


def _take_back(folder: Path, done: dict[str, str]) -> None:
    to = Path(done["to"])
    if len(to.parts) != 2 or ".." in to.parts or to.is_absolute() or to.drive:
        raise ValueError("it names no file of this folder")
    target = folder / to
    if target.parent.resolve() != target.parent:
        raise ValueError("it leads out of this folder")
    if not os.path.lexists(target):
        return  # it was broken off before that, or somebody took it
    if done["did"] == "move":
        _move_back(target, Path(done["from"]))
    elif done["did"] in ("copy", "link"):
        target.unlink()
    else:
        raise ValueError("it is unknown what was done")
    with suppress(OSError):  # others are in it
        target.parent.rmdir()


def _move_back(target: Path, source: Path) -> None:
    from image_kinds import HEAD, kind_of

    if os.path.lexists(source):
        raise ValueError("there is another file where it was")
    if not source.is_absolute() or target.is_symlink():
        raise ValueError("it is unknown where it was")
    with target.open("rb") as stream:
        if kind_of(stream.read(HEAD)) is None:  # whoever wrote that line: only images are moved
            raise ValueError("it is no image")
    source.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(target, source)


def _link(source: Path, target: Path) -> None:
    try:
        target.symlink_to(source)
    except OSError:  # Windows lets not everybody
        os.link(source, target)


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]

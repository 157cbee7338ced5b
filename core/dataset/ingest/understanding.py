"""How what was brought is read: what a person may choose, and what was understood.

Nothing is learned from a reading that nobody could see. `ReadAs` is what somebody chose,
`Understanding` is what came of it, as data for a page, the command line and JSON.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, cast, get_args

from core.dataset.manifest import LeftOut, Part
from core.errors import BadInput

ClassesFrom = Literal["auto", "folders", "outer-folders", "inner-folders", "table", "file-names"]
"""What tells the classes. Of folders in folders the outermost or the innermost may be meant."""
INFORMATION, NOTABLE, DOUBTFUL = 1, 2, 3
"""Weights of notes. A doubtful reading waits until somebody has looked at it."""
MOST_EXAMPLES = 3
"""Names shown of files left out for one reason."""
MOST_NOTES = 50
"""Notes of one understanding: more would be read by nobody."""
MOST_THUMBNAILS = 4
"""Images shown of one class."""


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What somebody said about how to read what was brought. The usual: nothing."""

    classes: ClassesFrom = "auto"
    label_column: str | None = None
    """The column of a table that holds the class."""
    one_hot: bool | None = None
    """Whether each class has a column of its own with 0 and 1; None: it is found out."""
    all_frames: bool = False
    """Whether every frame of an animation and page of a stack is an image of its own."""

    def with_option(self, option: str) -> "ReadAs":
        """The same with one choice changed, as an Alternative spells it: "classes=folders".

        Raises BadInput for one that there is not.
        """
        name, _, value = option.partition("=")
        match name:
            case "classes" if value in get_args(ClassesFrom):
                return replace(self, classes=cast(ClassesFrom, value))
            case "label_column" if value:
                return replace(self, classes="table", label_column=value)
            case "one_hot" if value in ("true", "false"):
                return replace(self, classes="table", one_hot=value == "true")
            case "all_frames" if value in ("true", "false"):
                return replace(self, all_frames=value == "true")
        raise BadInput(f"There is no option to read images called “{option[:100]}”.")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ReadAs":
        """From the arguments of a job. Raises BadInput for what is none."""
        read_as = cls()
        for name in ("classes", "label_column", "one_hot", "all_frames"):
            if (value := content.get(name)) is not None:
                word = str(value).lower() if isinstance(value, bool) else value
                read_as = read_as.with_option(f"{name}={word}")
        chosen = content.get("classes")
        return replace(read_as, classes=chosen) if chosen is not None else read_as


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to read the same files."""

    option: str
    """As ReadAs.with_option takes it: "classes=folders"."""
    title: str
    """For a button: "Use the folders instead"."""


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence on how something was understood."""

    weight: int
    """INFORMATION, NOTABLE or DOUBTFUL."""
    sentence: str
    alternative: Alternative | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that could hold classes."""

    table: str
    name: str
    used: bool = False
    """Whether the classes are taken from it."""


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table or annotation file that was read."""

    name: str
    """Its path as brought."""
    rows: int
    sheet: str = ""
    """Of a spreadsheet with several."""
    encoding: str = ""
    """Of text, where it is not UTF-8."""


@dataclass(frozen=True, slots=True)
class LeftOutGroup:
    """Files that were left out for the same reason."""

    reason: str
    count: int
    examples: tuple[str, ...]
    """Up to MOST_EXAMPLES names, as brought."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood of what was brought."""

    classes: dict[str, int]
    """Labelled images of each class, by name."""
    unlabelled: int = 0
    """Images that are taken without a class."""
    split: dict[Part, int] = field(default_factory=lambda: {"train": 0, "val": 0, "test": 0})
    """Images that a ready split puts into each part; all 0 where there is none."""
    columns: tuple[Column, ...] = ()
    tables: tuple[TableRead, ...] = ()
    left_out: tuple[LeftOutGroup, ...] = ()
    """The commonest reason first."""
    notes: tuple[Note, ...] = ()
    """The weightiest first."""
    thumbnails: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Up to MOST_THUMBNAILS images (hashes in the store) of each class."""

    @property
    def is_doubtful(self) -> bool:
        """Whether somebody should look at it before anything is learned."""
        return any(note.weight >= DOUBTFUL for note in self.notes)

    @property
    def may_be_read_otherwise(self) -> bool:
        """Whether a note offers another way to read the same files."""
        return any(note.alternative for note in self.notes)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: `split` has the keys train, validation and test."""
        content = asdict(self)
        split = content["split"]
        content["split"] = {
            "train": split["train"], "validation": split["val"], "test": split["test"],
        }  # fmt: skip
        plain: dict[str, Any] = json.loads(json.dumps(content))
        return plain

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Understanding":
        """What `to_dict` wrote, read back."""
        split = content["split"]
        return cls(
            classes=dict(content["classes"]),
            unlabelled=content["unlabelled"],
            split={"train": split["train"], "val": split["validation"], "test": split["test"]},
            columns=tuple(Column(**each) for each in content["columns"]),
            tables=tuple(TableRead(**each) for each in content["tables"]),
            left_out=tuple(
                LeftOutGroup(each["reason"], each["count"], tuple(each["examples"]))
                for each in content["left_out"]
            ),
            notes=tuple(map(_note, content["notes"])),
            thumbnails={name: tuple(each) for name, each in content["thumbnails"].items()},
        )


def _note(content: Mapping[str, Any]) -> Note:
    other = content["alternative"]
    return Note(content["weight"], content["sentence"], Alternative(**other) if other else None)


def by_weight(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Each sentence once, the weightiest MOST_NOTES first, otherwise in their order."""
    once: dict[str, Note] = {}
    for note in notes:
        known = once.get(note.sentence)
        if known is None or known.weight < note.weight:
            once[note.sentence] = note
    return tuple(sorted(once.values(), key=lambda note: -note.weight))[:MOST_NOTES]


_PARTICULAR = re.compile(r"“[^”]*”|\d[\d,.]*")
"""What differs between sentences that say the same of several files."""


def grouped(left_out: Iterable[LeftOut]) -> tuple[LeftOutGroup, ...]:
    """Files left out by reason, the commonest first. Reasons that differ only in a name or a
    number are one, told by the first of them."""
    groups: dict[str, list[LeftOut]] = {}
    for each in left_out:
        kind = "copy" if each.copy_of is not None else _PARTICULAR.sub("…", each.reason)
        groups.setdefault(kind, []).append(each)
    found = [
        LeftOutGroup(
            "It is an exact copy of another image in the same class, kept once."
            if kind == "copy"
            else members[0].reason,
            len(members),
            tuple(each.name for each in members[:MOST_EXAMPLES]),
        )
        for kind, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.count, group.reason)))

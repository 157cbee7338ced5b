"""What is found out about each image while its folders are gone through."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.dataset.classes import LONGEST_CLASS, class_names, clean_class
from core.dataset.ingest import folder_notes as say
from core.dataset.ingest.folder_names import (
    folded,
    means_aside,
    means_masks,
    spellings,
    without_variant,
)
from core.dataset.ingest.folder_shapes import is_nameless
from core.dataset.ingest.folder_tree import Tree
from core.dataset.ingest.understanding import Note
from core.dataset.manifest import Part


@dataclass(frozen=True, slots=True)
class Labels:
    """What the folders tell about each image, in the order of the paths."""

    classes: tuple[str | None, ...]
    notes: tuple[Note, ...]
    parts: tuple[Part | None, ...]
    """Where a ready split put each of them."""
    unlabelled: tuple[bool, ...]
    """Whether each lies in a folder for images without a class."""
    refusals: tuple[str, ...]
    """Why an image without a class is none of them; empty where nothing is known."""
    groups: tuple[str | None, ...]
    """Images of one group are variants of one another."""


class Findings:
    """The class, part and role of each image, as far as they are known."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._class: list[str | None] = [None] * len(paths)
        self._part: list[Part | None] = [None] * len(paths)
        self._unlabelled = [False] * len(paths)
        self._refusal = [""] * len(paths)
        self._variant: dict[int, str] = {}
        self._empty: set[str] = set()
        self.notes: list[Note] = []

    def labels(self) -> Labels:
        """All of it, with classes as clean names."""
        names = class_names(name for name in self._class if name)
        cut = sorted({new for old, new in names.items() if len(clean_class(old)) > LONGEST_CLASS})
        empty = sorted(self._empty - names.keys())
        notes = [*([say.empty_folders(empty)] if empty else []), *self.notes]
        notes += [say.cut_off(cut)] if cut else []
        classes = tuple(names[name] if name else None for name in self._class)
        return Labels(
            classes,
            tuple(notes),
            self._parts(),
            tuple(self._unlabelled),
            tuple(self._refusal),
            self._groups(),
        )

    def _parts(self) -> tuple[Part | None, ...]:
        """The parts, where some are to learn from and some are not; else there is no split."""
        sorted_ = [part for part, name in zip(self._part, self._class, strict=True) if name]
        counted = {part in ("val", "test") for part in sorted_ or self._part}
        return tuple(self._part) if len(counted) > 1 else (None,) * len(self._part)

    def take(self, tree: Tree, name: str) -> None:
        """Its images are of the class `name`."""
        for place in tree.below():
            self._class[place], self._refusal[place] = name or None, ""
            self._unlabelled[place] = False

    def leave_out(self, tree: Tree, reason: str) -> None:
        """Its images are none of any class."""
        for place in tree.below():
            self._class[place], self._unlabelled[place] = None, False
            if self._refusal[place] != say.MASKS:
                self._refusal[place] = reason
            self._part[place] = None

    def set_aside(
        self, tree: Tree, *, is_doubtful: bool = False, is_in_split: bool = False
    ) -> None:
        """Its images are taken without a class."""
        for place in tree.below():
            self._class[place], self._unlabelled[place] = None, True
            self._refusal[place], self._part[place] = "", None
        note = say.without_class(
            tree.name, tree.n, is_doubtful=is_doubtful, is_in_split=is_in_split
        )
        self.notes.append(note)

    def note_empty(self, tree: Tree) -> None:
        """Remember folders beside class folders that hold no image."""
        self._empty |= {each.name for each in tree.empty if not _is_beside(each.name)}

    def put(self, tree: Tree, part: Part | None) -> None:
        """Its images are in a part of a ready split."""
        for place in tree.below():
            self._part[place] = part

    def vary(self, tree: Tree) -> None:
        """Its images are a variant, called by its name, of images in other folders."""
        self._variant |= dict.fromkeys(tree.below(), tree.name)

    def found(self, tree: Tree) -> set[str]:
        """The classes of the images in it."""
        return {name for place in tree.below() if (name := self._class[place])}

    def spell(self, trees: Iterable[Tree]) -> None:
        """Classes of parts that differ in upper and lower case alone are one."""
        places = [place for tree in trees for place in tree.below() if self._class[place]]
        names = spellings(Counter(str(self._class[place]) for place in places))
        for place in places:
            self._class[place] = names[str(self._class[place])]

    def spell_as(self, tree: Tree, known: Iterable[str]) -> None:
        """Classes are spelled as those that are known."""
        names = {folded(name): name for name in known}
        for place in tree.below():
            if name := self._class[place]:
                self._class[place] = names.get(folded(name), name)

    def _groups(self) -> tuple[str | None, ...]:
        """Images of the same name in variants of the same folders."""
        found: dict[tuple[str | None, str], list[int]] = defaultdict(list)
        for place in self._variant:
            stem = PurePosixPath(self._paths[place]).name.rpartition(".")[0]
            found[self._class[place], without_variant(stem)].append(place)
        groups: list[str | None] = [None] * len(self._paths)
        for (label, stem), places in found.items():
            if label and len({self._variant[place] for place in places}) > 1:
                for place in places:
                    groups[place] = f"{label}/{stem}"
        return tuple(groups)


def _is_beside(name: str) -> bool:
    """Whether a folder is called like one that would be no class even if images lay in it."""
    return is_nameless(name) or means_masks(name) or means_aside(name)

"""From the folders that images lie in to their classes.

The rule, in order, from the outside inwards:

1. Folders that hold everything are passed through (`photos/2024/cats/1.jpg` → `cats/1.jpg`), but
   the last one is kept: a single class folder is a class.
2. A folder that holds its own siblings once more (`dataset/dataset/`) is laid over them.
3. Folders called like parts of a split (`train` and `test`, `seg_train` and `seg_test`) that hold
   class folders make a ready split. What lies beside them and shows none of these classes is left
   out; a part without class folders has no classes.
4. Folders called like parts of something (`batch1` and `batch2`) are joined, and so are variants
   of the same images (`color` and `grayscale`) that hold the same folders.
5. The folders that are left are the classes; folders inside them belong to them, and may be parts
   of a split. A folder called `unlabelled` or `test` beside them holds images without a class.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Literal

from core.dataset.ingest import folder_notes as say
from core.dataset.ingest.folder_findings import Findings, Labels
from core.dataset.ingest.folder_insides import read_inside
from core.dataset.ingest.folder_names import (
    folded,
    means_aside,
    means_no_class,
    means_variant,
    rest_of_splits,
    spelled_alike,
    split_part,
    split_parts,
)
from core.dataset.ingest.folder_shapes import (
    FEW,
    FEW_OF,
    are_containers,
    are_variants,
    is_aside,
    is_nameless,
    is_split,
    masks,
)
from core.dataset.ingest.folder_tree import (
    Tree,
    inner,
    inner_names,
    inner_with_folders,
    joined,
    laid_over,
    named,
    only_child,
    second_copies,
    tree_of,
)
from core.dataset.manifest import Part

Level = Literal["auto", "outer", "inner"]
"""Which folder is the class: as the rule says, always the outermost, or always the innermost."""


def classes_of(paths: Sequence[str], empty: Sequence[str] = (), *, level: Level = "auto") -> Labels:
    """What folders tell about images of these paths, which are relative, with `/` between names.

    `empty` are paths of folders that hold no file.
    """
    findings = Findings(paths)
    reader = _Reader(findings)
    tree = tree_of(
        [named(path.split("/")[:-1]) for path in paths],
        [named(path.split("/")) for path in empty],
    )
    if level == "auto":
        reader.read(tree)
    else:
        reader.read_plainly(tree, level)
    return findings.labels()


class _Reader:
    """Goes through the tree and writes down what it finds about each image."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read_plainly(self, tree: Tree, level: Level) -> None:
        """The outermost or the innermost folders are the classes, whatever they are called."""
        if level == "outer":
            tree = inner(tree)
            for child in tree.filled or [tree]:
                self._findings.take(child, child.name)
            return
        waiting = [tree]
        while waiting:
            tree = waiting.pop()
            waiting += tree.filled
            if tree.images and tree.name and not is_nameless(tree.name):
                self._findings.take(Tree(tree.name, tree.images), tree.name)

    def read(self, tree: Tree) -> None:
        """Find the classes in a folder, as the rule says."""
        tree = self._entered(tree)
        children = tree.filled
        if not children or (len(children) == 1 and not is_nameless(tree.name)):
            self._read_one(tree)
            return
        hidden = masks(children)
        parts = split_parts([child.name for child in children])
        shared = frozenset(rest_of_splits(parts))
        bare = [child for child in children if means_no_class(child.name, shared)]
        if hidden or bare:
            for child in hidden:
                self._findings.leave_out(child, say.MASKS)
            for child in bare:
                self._findings.set_aside(child, is_in_split=bool(parts))
            self.read(tree.without([*hidden, *bare]))
            return
        split = {child: parts[child.name] for child in children if child.name in parts}
        rest = [child for child in children if child not in split]
        if is_split(split, rest):
            self._read_split(split, rest)
        elif lying_about := self._set_aside_beside(split, rest):
            self.read(tree.without(lying_about))
            return
        elif split and not rest:
            self._leave_out_parts(children)
        elif not split and len(rest) > 1 and are_containers(rest):
            self._read_containers(rest)
        elif not split and are_variants(rest):
            self._read_variants(rest)
        else:
            self._read_classes(tree, children, split.keys())
        self._note_strays(tree)

    def _set_aside_beside(self, split: Mapping[Tree, Part], rest: Sequence[Tree]) -> list[Tree]:
        """Folders for testing without class folders in them, and figures, beside other folders."""
        tests = [child for child, part in split.items() if part != "train"] if rest else []
        figures = [child for child in rest if is_aside(child, rest)]
        for child in tests:
            self._findings.set_aside(child)
        for child in figures:
            self._findings.leave_out(child, say.OUTSIDE)
            self._findings.notes.append(say.beside_classes(child.name, child.n))
        return [*tests, *figures]

    def _entered(self, tree: Tree) -> Tree:
        """Pass through folders that hold everything, and lay second copies over the first."""
        while True:
            if copies := second_copies(tree):
                tree = self._laid_over(tree, copies)
            elif (deeper := only_child(tree)) is None:
                return tree
            else:
                self._note_strays(tree)
                if parts := split_parts([each.name for each in tree.empty]):
                    self._findings.notes.append(say.empty_parts(sorted(parts)))
                if not deeper.filled:
                    self._findings.note_empty(tree)
                tree = deeper

    def _laid_over(self, tree: Tree, copies: Sequence[Tree]) -> Tree:
        parts = split_parts([copy.name for copy in copies])
        for copy in copies:
            if part := parts.get(copy.name):
                self._findings.put(copy, part)
        plain = [copy.name for copy in copies if copy.name not in parts]
        self._findings.notes += [say.second_copies(plain)] if plain else []
        self._findings.notes += [say.ready_split(sorted(parts))] if parts else []
        return laid_over(tree, copies)

    def _read_one(self, tree: Tree) -> None:
        """A folder that holds images itself, and perhaps more in folders inside."""
        if not tree.name:
            return
        if means_no_class(tree.name):
            self._findings.set_aside(tree)
        elif is_nameless(tree.name):
            self._leave_out_parts([tree])
        else:
            self._findings.take(tree, tree.name)
            read_inside(self._findings, [tree])

    def _leave_out_parts(self, parts: Sequence[Tree]) -> None:
        """Parts without class folders: something else must tell the classes."""
        names = [child.name for child in parts]
        reason = say.parts_without_classes(names) if len(names) > 1 else say.nameless(names[0])
        split = split_parts(names)
        for child in parts:
            self._findings.leave_out(child, reason)
            self._findings.put(child, split.get(child.name))

    def _read_split(self, split: Mapping[Tree, Part], rest: Sequence[Tree]) -> None:
        at = len(self._findings.notes)
        for child in split:
            self.read(child)
        trained = [child for child in split if split[child] == "train"]
        for child in split:
            if child not in trained:
                spelled = {name for each in trained for name in self._findings.found(each)}
                self._findings.spell_as(child, spelled)
        self._findings.spell(split)
        found = {child: self._findings.found(child) for child in split}
        learned = set[str]().union(*(found[child] for child in split if split[child] == "train"))
        known = learned or set[str]().union(*found.values())
        if not known:
            del self._findings.notes[at:]
            self._leave_out_parts([*split, *rest])
            return
        kept = [child for child in split if known & found[child]]
        self._findings.notes.insert(at, say.ready_split(sorted(child.name for child in kept)))
        for child in split:
            if child not in kept:
                self._findings.set_aside(
                    child, is_doubtful=bool(found[child] - {inner(child).name}), is_in_split=True
                )
                continue
            self._findings.put(child, split[child])
            if strange := sorted(found[child] - known):
                self._findings.notes.append(say.only_in(child.name, strange))
        for child in rest:
            self._read_beside_split(child, known)

    def _read_beside_split(self, child: Tree, known: Set[str]) -> None:
        names = {folded(name): name for name in known}
        if folded(child.name) in names:
            self._findings.take(child, names[folded(child.name)])
            return
        if names.keys() & inner_names(child).keys():
            self.read(child)
            self._findings.spell_as(child, known)
            if known & self._findings.found(child):
                if called := split_part(child.name):  # train_augmented
                    self._findings.put(child, called[0])
                return
        if split_part(child.name):  # test-multiple_fruits
            self._findings.set_aside(child, is_in_split=True)
            return
        self._findings.leave_out(child, say.OUTSIDE)
        few = child.n <= FEW or means_aside(child.name)
        self._findings.notes.append(say.beside_split(child.name, child.n, is_clear=few))

    def _read_containers(self, parts: Sequence[Tree]) -> None:
        if not any(child.filled for child in parts):
            self._leave_out_parts(parts)
            return
        self._findings.notes.append(say.joined_parts(sorted(child.name for child in parts)))
        self.read(joined([inner_with_folders(child) for child in parts], ""))

    def _read_variants(self, variants: Sequence[Tree]) -> None:
        is_clear = all(means_variant(child.name) for child in variants)
        names = sorted(child.name for child in variants)
        self._findings.notes.append(say.variants(names, is_clear=is_clear))
        for child in variants:
            self._findings.vary(child)
        self.read(joined([inner_with_folders(child) for child in variants], ""))

    def _read_classes(self, tree: Tree, children: Sequence[Tree], split: Set[Tree]) -> None:
        """The folders are the classes, and one called `train` perhaps."""
        for child in children:
            self._findings.take(child, child.name)
            if child in split:
                self._findings.notes.append(say.called_like_a_part(child.name))
        if alike := spelled_alike([child.name for child in children]):
            self._findings.notes.append(say.alike(alike))
        read_inside(self._findings, children)
        self._findings.note_empty(tree)

    def _note_strays(self, tree: Tree) -> None:
        if len(tree.images) > max(FEW, FEW_OF * tree.n):
            self._findings.notes.append(say.beside_folders(len(tree.images)))

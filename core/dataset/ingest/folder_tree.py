"""The folders that images lie in, as a tree, and what may be done to it: enter, join, lay over."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.dataset.classes import clean_class
from core.dataset.ingest.folder_names import folded, means_container, split_parts

DEEPEST = 24
"""Folders within one another that are told apart; what lies deeper belongs to the last of them."""
_STRAY = 0.2
"""Images beside a single folder that are no more than this share of those in it were left there."""

Folders = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Tree:
    """A folder."""

    name: str
    images: list[int] = field(default_factory=list)
    """Places of the images that lie directly in it."""
    children: "dict[str, Tree]" = field(default_factory=dict)
    n: int = 0
    """Images in it and in all folders inside."""

    def below(self) -> Iterator[int]:
        """Places of all images in it and inside."""
        waiting = [self]
        while waiting:
            tree = waiting.pop()
            yield from tree.images
            waiting += tree.children.values()

    @property
    def filled(self) -> "list[Tree]":
        """Those folders in it that hold any image."""
        return [child for child in self.children.values() if child.n]

    @property
    def empty(self) -> "list[Tree]":
        """Those that hold none."""
        return [child for child in self.children.values() if not child.n]

    def without(self, children: "Collection[Tree]") -> "Tree":
        """The same folder without some of the folders in it."""
        kept = {name: child for name, child in self.children.items() if child not in children}
        n = self.n - sum(child.n for child in children)
        return Tree(self.name, self.images, kept, n)

    @property
    def has_few_strays(self) -> bool:
        """Whether images lie beside its folders that are few enough not to be what it is for."""
        return len(self.images) <= _STRAY * (self.n - len(self.images))


def named(folders: Sequence[str]) -> Folders:
    """Folders by their names, also those whose names are nothing but invisible characters."""
    return tuple(name or clean_class(name) for name in folders)


def tree_of(folders: Sequence[Folders], empty: Iterable[Folders] = ()) -> Tree:
    """The tree of the folders around each image, without those around everything.

    `empty` are folders without any file. The last folder around everything stays as the root.
    """
    empty = [*empty]
    common = _common([*folders, *empty])
    around = len(common)
    root = Tree(common[-1] if common else "")
    for place, each in enumerate(folders):
        _at(root, each[around : around + DEEPEST]).images.append(place)
    for each in empty:
        if each[:around] == common and len(each) > around:
            _at(root, each[around : around + DEEPEST])
    _count(root)
    return root


def _common(folders: Sequence[Folders]) -> Folders:
    if not folders:
        return ()
    low, high = min(folders), max(folders)
    n = next((n for n, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), None)
    return low[: min(len(low), len(high)) if n is None else n]


def _at(tree: Tree, folders: Folders) -> Tree:
    for name in folders:
        tree = tree.children.setdefault(name, Tree(name))
    return tree


def _count(tree: Tree) -> int:
    tree.n = len(tree.images) + sum(map(_count, tree.children.values()))
    return tree.n


def only_child(tree: Tree) -> Tree | None:
    """The folder that holds everything in this one but for strays, if there is one."""
    filled = tree.filled
    return filled[0] if len(filled) == 1 and tree.has_few_strays else None


def inner(tree: Tree) -> Tree:
    """What a folder comes to when folders that hold everything in it are passed through."""
    while (child := only_child(tree)) is not None:
        tree = child
    return tree


def inner_with_folders(tree: Tree) -> Tree:
    """As `inner`, but up to the last folder with folders in it, and no further than a part of a
    split."""
    while (child := only_child(tree)) is not None and child.filled:
        if split_parts([child.name]):
            break
        tree = child
    return tree


def joined(trees: Sequence[Tree], name: str) -> Tree:
    """Several folders as one: folders of the same name in them become one folder."""
    one = Tree(name)
    for tree in trees:
        _join(one, tree)
    _count(one)
    return one


def _join(into: Tree, tree: Tree) -> None:
    into.images += tree.images
    for name, child in tree.children.items():
        _join(into.children.setdefault(name, Tree(name)), child)


def second_copies(tree: Tree) -> list[Tree]:
    """Folders in `tree` that hold the folders beside them once more."""
    found = []
    for child in tree.filled:
        beside = {folded(each.name) for each in tree.filled if each is not child}
        both = beside & inner_names(child).keys()
        is_named_so = folded(child.name) == folded(tree.name)
        fewest = 1 if is_named_so or means_container(child.name) else 2
        is_repeated = is_named_so and means_container(child.name) and bool(child.filled)
        if is_repeated or (2 * len(both) >= len(beside) and len(both) >= fewest):
            found.append(child)
    return found if len(found) < len(tree.filled) else []


def laid_over(tree: Tree, copies: Collection[Tree]) -> Tree:
    """The same folder with what lies in `copies` of it laid over the folders beside them."""
    rest = tree.without(copies)
    return joined(
        [rest, *(_named_alike(inner_with_folders(copy), rest) for copy in copies)], tree.name
    )


def _named_alike(copy: Tree, like: Tree) -> Tree:
    """The copy with its folders spelled as those of the other."""
    known = {folded(name): name for name in like.children}
    renamed = Tree(copy.name, list(copy.images))
    for name, child in copy.children.items():
        spelled = known.get(folded(name), name)
        _join(renamed.children.setdefault(spelled, Tree(spelled)), child)
    return renamed


def inner_names(tree: Tree) -> dict[str, str]:
    """The names of the folders in what a folder comes to, by what is left of them without upper
    and lower case."""
    return {folded(each.name): each.name for each in inner_with_folders(tree).filled}


def is_parted(tree: Tree) -> bool:
    """Whether a folder holds nothing but parts of a split."""
    names = [each.name for each in tree.filled]
    return bool(names) and len(split_parts(names)) == len(names)

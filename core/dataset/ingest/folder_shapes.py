"""What folders beside one another are to each other, by their names and by what lies in them."""

import re
from collections.abc import Mapping, Sequence

from core.dataset.ingest.folder_names import (
    are_numbered_parts,
    folded,
    means_aside,
    means_container,
    means_masks,
    means_variant,
    split_parts,
)
from core.dataset.ingest.folder_tree import Tree, inner, inner_names, is_parted
from core.dataset.manifest import Part

FEW = 3
"""So many images in a folder called like none of a class are surely of none."""
FEW_OF = 0.1
"""A folder with this share of the images of others is small."""


def is_numbered(name: str) -> bool:
    """Whether a folder is called by a number, as a person or a session may be: p12, 2021-03-04."""
    return bool(re.fullmatch(r"[^\W\d]{0,8}[\s_.-]*[\d\s_.-]+", name))


def is_nameless(name: str) -> bool:
    """Whether a folder's name is that of no class."""
    return means_container(name) or bool(split_parts([name])) or not name


def masks(children: Sequence[Tree]) -> list[Tree]:
    """Folders for masks beside a folder that is called `images`."""
    masks = [child for child in children if means_masks(child.name)]
    others = [child for child in children if not means_masks(child.name)]
    return masks if others and all(means_container(each.name) for each in others) else []


def are_aside(folders: Sequence[Tree]) -> list[Tree]:
    """Those of the folders that are called like what lies beside a dataset, and hold few images."""
    sizes = sorted(each.n for each in folders)
    if len(sizes) < 2:
        return []
    few = max(FEW, FEW_OF * sizes[len(sizes) // 2])
    return [each for each in folders if each.n <= few and each.n < sizes[-1]
            and means_aside(each.name)]  # fmt: skip


def holds_classes(tree: Tree) -> bool:
    """Whether a part of a split holds class folders."""
    deepest = inner(tree)
    if deepest.filled:
        return True
    return deepest is not tree and not is_nameless(deepest.name) and deepest.name != tree.name


def is_split(split: Mapping[Tree, Part], rest: Sequence[Tree]) -> bool:
    """Whether folders called like parts of a split are one, beside the `rest` of the folders."""
    sorted_ = [child for child in split if holds_classes(child)]
    if not sorted_:
        return False
    if len({split[child] for child in split}) > 1 or not rest:
        return True
    inside = {name for child in sorted_ for name in inner_names(child)}
    most = FEW_OF * sum(child.n for child in split)
    return all(
        means_aside(child.name)
        or child.n <= most
        or bool(inside & inner_names(child).keys())
        or folded(child.name) in inside
        for child in rest
    )


def are_containers(rest: Sequence[Tree]) -> bool:
    """Whether folders are called like mere containers or numbered parts of something."""
    names = [child.name for child in rest]
    return all(map(means_container, names)) or are_numbered_parts(names)


def are_variants(rest: Sequence[Tree]) -> bool:
    """Whether folders hold the same folders and are forms of the same images, or each a split."""
    if len(rest) < 2:
        return False
    inside = [inner_names(child) for child in rest]
    both = set.intersection(*(set(names) for names in inside))
    if not both:
        return False
    if all(means_variant(child.name) or means_container(child.name) for child in rest):
        return True
    return all(
        is_parted(inner(child)) and all(holds_classes(part) for part in inner(child).filled)
        for child in rest
    )

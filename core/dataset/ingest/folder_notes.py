"""What is said about folders: sentences, with how much they weigh and what else could be meant."""

from collections.abc import Sequence

from core.dataset.classes import LONGEST_CLASS, clean_class, shortened
from core.dataset.ingest.folder_names import split_parts
from core.dataset.ingest.understanding import (
    DOUBTFUL,
    INFORMATION,
    NOTABLE,
    Alternative,
    Note,
)

_MOST_SHOWN = 5
OUTER = Alternative("classes=outer-folders", "Use the outer folders as the classes")
INNER = Alternative("classes=inner-folders", "Use the inner folders as the classes")
OUTSIDE = "It lies outside the class folders: put it into a folder named after its class."
MASKS = "It lies in a folder of masks, which are no images of a class."


def ready_split(names: Sequence[str]) -> Note:
    """Folders that are parts of a split."""
    if len(names) == 1:
        return Note(
            NOTABLE,
            f"The folder {_listed(names)} was taken for a part of the set, and the folders in it "
            "for its classes.",
            None if split_parts(names) else OUTER,
        )
    note = (
        f"The folders {_listed(names)} were taken for parts of one set, and the folders in them "
        "for its classes. This ready split is kept."
    )
    is_plain = all(len(split_parts([name])) for name in names)
    return Note(INFORMATION if is_plain else NOTABLE, note, None if is_plain else OUTER)


def split_inside(names: Sequence[str]) -> Note:
    """Parts of a split inside each class."""
    return Note(
        INFORMATION,
        f"The folders {_listed(names)} inside the class folders were taken for parts of one set. "
        "This ready split is kept.",
    )


def joined_parts(names: Sequence[str]) -> Note:
    """Folders that were joined."""
    return Note(
        NOTABLE,
        f"The folders {_listed(names)} were taken for parts of one set, and the folders in them "
        "for its classes.",
        OUTER,
    )


def variants(names: Sequence[str], *, is_clear: bool) -> Note:
    """Folders with the same folders inside."""
    return Note(
        NOTABLE if is_clear else DOUBTFUL,
        f"The folders {_listed(names)} hold the same folders, so they were taken for variants of "
        "the same images, and the folders in them for the classes. Variants of one image are kept "
        "together.",
        OUTER,
    )


def second_copies(names: Sequence[str]) -> Note:
    """A folder that holds its own siblings."""
    one = len(names) == 1
    return Note(
        NOTABLE,
        f"The {'folder' if one else 'folders'} {_listed(names)} {'holds' if one else 'hold'} the "
        f"folders beside {'it' if one else 'them'} once more: equal images count once.",
    )


def beside_folders(n: int) -> Note:
    """Many images that lie beside the class folders."""
    return Note(
        DOUBTFUL,
        f"{n:,} images lie beside the class folders and not in one of them, so they are left out.",
    )


def without_class(name: str, n: int, *, is_doubtful: bool, is_in_split: bool) -> Note:
    """A folder whose images are taken without a class."""
    word = "image" if n == 1 else "images"
    return Note(
        DOUBTFUL if is_doubtful else NOTABLE,
        f"The {n:,} {word} in the folder {_quoted(name)} {'was' if n == 1 else 'were'} taken as "
        f"{word if n > 1 else 'an image'} without a class.",
        None if is_in_split else OUTER,
    )


def beside_split(name: str, n: int, *, is_clear: bool) -> Note:
    """A folder beside the parts of a split that shows none of its classes."""
    word = "image" if n == 1 else "images"
    return Note(
        INFORMATION if is_clear else DOUBTFUL,
        f"The folder {_quoted(name)} lies beside the parts of the set and holds none of its "
        f"classes: its {n:,} {word} {'is' if n == 1 else 'are'} left out.",
        None if is_clear else OUTER,
    )


def beside_classes(name: str, n: int) -> Note:
    """A folder beside the classes that is called like what lies beside a dataset."""
    word = "image" if n == 1 else "images"
    return Note(
        NOTABLE,
        f"The folder {_quoted(name)} with {n:,} {word} was not taken for a class.",
        OUTER,
    )


def called_like_a_part(name: str) -> Note:
    """A class folder called `train`."""
    return Note(
        DOUBTFUL,
        f"The folder {_quoted(name)} is called like a part of a split, and was taken for a class "
        "because it lies beside class folders and holds none. If it is none, put its images into "
        "class folders.",
    )


def alike(names: Sequence[str]) -> Note:
    """Classes whose names differ in spelling alone."""
    return Note(
        DOUBTFUL,
        f"The folders {_listed(names)} are called alike and are classes of their own. If some are "
        "the same, put their images into one folder.",
    )


def only_in(folder: str, names: Sequence[str]) -> Note:
    """Classes in a part for testing that the part to learn from does not have."""
    return Note(
        DOUBTFUL,
        f"The folder {_quoted(folder)} holds classes that the training part has no images of: "
        f"{_listed(names)}.",
    )


def empty_folders(names: Sequence[str]) -> Note:
    """Class folders without an image."""
    one = len(names) == 1
    return Note(
        DOUBTFUL,
        f"The {'folder' if one else 'folders'} {_listed(names)} {'holds' if one else 'hold'} no "
        f"images, so {'it is no class' if one else 'they are no classes'}: add images, or go on "
        f"without {'it' if one else 'them'}.",
    )


def empty_parts(names: Sequence[str]) -> Note:
    """Parts of a split without an image."""
    return Note(NOTABLE, f"There are no images in: {_listed(names)}.")


def folders_inside(name: str, names: Sequence[str], *, is_doubtful: bool) -> Note:
    """Several folders inside a class folder."""
    return Note(
        DOUBTFUL if is_doubtful else NOTABLE,
        f"Folders inside a class folder belong to that class: {_quoted(name)} holds "
        f"{_listed(names)}. If these are classes of their own, bring them one level up.",
        INNER,
    )


def cut_off(names: Sequence[str]) -> Note:
    """Class names that are too long."""
    return Note(
        NOTABLE,
        f"Class names have at most {LONGEST_CLASS} characters; the rest was cut off: "
        f"{_listed(names)}.",
    )


def nameless(name: str) -> str:
    """Why images in a single folder have no class."""
    return (
        f"It lies in the folder {_quoted(name)}, which is not called like a class: put it into a "
        "folder named after its class, or bring it into a named class."
    )


def parts_without_classes(names: Sequence[str]) -> str:
    """Why images in parts of a set have no class."""
    return (
        f"The folders {_listed(names)} are called like parts of one set and hold no class "
        "folders: put the images into folders named after their classes, or add a table of file "
        "names and classes."
    )


def _quoted(name: str) -> str:
    return f"“{shortened(clean_class(name))}”"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(_quoted, names[:_MOST_SHOWN]))
    more = len(names) - _MOST_SHOWN
    return shown + (f" and {more:,} more" if more > 0 else "")

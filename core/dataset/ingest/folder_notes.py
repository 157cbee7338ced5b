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
OUTSIDE = "It is outside the class folders: put it into a folder named after its class."
MASKS = "It is in a folder of masks, which are not images of a class."


def ready_split(names: Sequence[str]) -> Note:
    """Folders that are parts of a split."""
    if len(names) == 1:
        return Note(
            NOTABLE,
            f"The folder {_listed(names)} was read as part of a split, and the folders in it "
            "as classes.",
            None if split_parts(names) else OUTER,
        )
    note = (
        f"The folders {_listed(names)} were read as parts of a split (such as train and test), "
        "and the folders in them as classes. This split is kept."
    )
    is_plain = all(len(split_parts([name])) for name in names)
    return Note(INFORMATION if is_plain else NOTABLE, note, None if is_plain else OUTER)


def split_inside(names: Sequence[str]) -> Note:
    """Parts of a split inside each class."""
    return Note(
        INFORMATION,
        f"The folders {_listed(names)} inside the class folders were read as parts of a split. "
        "This split is kept.",
    )


def joined_parts(names: Sequence[str]) -> Note:
    """Folders that were joined."""
    return Note(
        NOTABLE,
        f"The folders {_listed(names)} were read as parts of one set, and the folders in them "
        "as classes.",
        OUTER,
    )


def variants(names: Sequence[str], *, is_clear: bool) -> Note:
    """Folders with the same folders inside."""
    return Note(
        NOTABLE if is_clear else DOUBTFUL,
        f"The folders {_listed(names)} contain the same folders. They were read as variants of "
        "the same images, and the folders in them as classes. Variants of one image are kept "
        "together.",
        OUTER,
    )


def second_copies(names: Sequence[str]) -> Note:
    """A folder that holds its own siblings."""
    one = len(names) == 1
    return Note(
        NOTABLE,
        f"The {('folder' if one else 'folders')} {_listed(names)} "
        f"{('holds' if one else 'hold')} the folders next to {('it' if one else 'them')} "
        "again: equal images count once.",
    )


def beside_folders(n: int) -> Note:
    """Many images that lie beside the class folders."""
    return Note(
        DOUBTFUL,
        f"{n:,} images are next to the class folders, not in one of them, so they are left out.",
    )


def without_class(name: str, n: int, *, is_doubtful: bool, is_in_split: bool) -> Note:
    """A folder whose images are taken without a class."""
    word = "image" if n == 1 else "images"
    return Note(
        DOUBTFUL if is_doubtful else NOTABLE,
        f"The {n:,} {word} in the folder {_quoted(name)} {('was' if n == 1 else 'were')} added "
        f"as {(word if n > 1 else 'an image')} without a class.",
        None if is_in_split else OUTER,
    )


def beside_split(name: str, n: int, *, is_clear: bool) -> Note:
    """A folder beside the parts of a split that shows none of its classes."""
    word = "image" if n == 1 else "images"
    return Note(
        INFORMATION if is_clear else DOUBTFUL,
        f"The folder {_quoted(name)} is next to the split and contains none of its classes: "
        f"its {n:,} {word} {('is' if n == 1 else 'are')} left out.",
        None if is_clear else OUTER,
    )


def beside_classes(name: str, n: int) -> Note:
    """A folder beside the classes that is called like what lies beside a dataset."""
    word = "image" if n == 1 else "images"
    return Note(
        NOTABLE,
        f"The folder {_quoted(name)} with {n:,} {word} was not read as a class.",
        OUTER,
    )


def called_like_a_part(name: str) -> Note:
    """A class folder called `train`."""
    return Note(
        DOUBTFUL,
        f"The folder {_quoted(name)} is named like part of a split, but was read as a class "
        "because it is next to class folders. If it is no class, move its images into class "
        "folders.",
    )


def alike(names: Sequence[str]) -> Note:
    """Classes whose names differ in spelling alone."""
    return Note(
        DOUBTFUL,
        f"The folders {_listed(names)} have similar names and are separate classes. If some "
        "are the same, put their images into one folder.",
    )


def only_in(folder: str, names: Sequence[str]) -> Note:
    """Classes in a part for testing that the part to learn from does not have."""
    return Note(
        DOUBTFUL,
        f"The folder {_quoted(folder)} has classes without training images: {_listed(names)}.",
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
        f"Folders inside a class folder belong to that class: {_quoted(name)} contains "
        f"{_listed(names)}. If these are separate classes, move them one level up.",
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
        f"It is in the folder {_quoted(name)}, which is not named like a class: put it into a "
        "folder named after its class, or add it to a class of your choice."
    )


def parts_without_classes(names: Sequence[str]) -> str:
    """Why images in parts of a set have no class."""
    return (
        f"The folders {_listed(names)} are named like parts of a split but contain no class "
        "folders: put the images into folders named after their classes, or add a table of "
        "file names and classes."
    )


def _quoted(name: str) -> str:
    return f"“{shortened(clean_class(name))}”"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(_quoted, names[:_MOST_SHOWN]))
    more = len(names) - _MOST_SHOWN
    return shown + (f" and {more:,} more" if more > 0 else "")

"""The sentences on how tables were understood, and the other ways to read them."""

from collections.abc import Mapping, Sequence

from core.dataset.ingest.columns import Columns
from core.dataset.ingest.file_names import listed, shown
from core.dataset.ingest.tags import Words
from core.dataset.ingest.understanding import DOUBTFUL, INFORMATION, NOTABLE, Alternative, Note

_MOST_ALTERNATIVES = 3


def about(read: Sequence[Columns]) -> list[Note]:
    """On the columns of tables: which were chosen, and which might be meant instead."""
    notes = _about_one_hot([each for each in read if each.one_hot])
    for each in read:
        if each.could_be_one_hot:
            notes.append(
                Note(
                    NOTABLE if each.sure or not each.labels else DOUBTFUL,
                    f"Columns of {each.table.title} say only yes or no, and several can be "
                    "yes, so each is read as a separate question.",
                    Alternative("one_hot=true", "Read these columns as classes"),
                )
            )
        elif each.labels and each.table.kind == "labels":
            form = f" ({each.table.form})" if each.table.form else ""
            told = f"The classes come from {each.table.title}{form}."
            notes.append(Note(INFORMATION, told))
        elif each.labels:
            notes += _about_choice(each)
    return notes


def _about_one_hot(read: Sequence[Columns]) -> list[Note]:
    if not read:
        return []
    names = [each.header[n] for each in read for n in each.one_hot]
    return [
        Note(
            INFORMATION if all(each.sure for each in read) else DOUBTFUL,
            f"Each class has its own column in {listed(each.table.name for each in read)}, "
            f"with 1 for its images: {listed(names)}.",
            Alternative("one_hot=false", "Read each column as a separate question"),
        )
    ]


def _about_choice(each: Columns) -> list[Note]:
    """On other columns that look like classes as well."""
    chosen, *more = [each.header[n] for n in each.labels]
    others = [*more, *(each.header[n] for n in each.others)]
    weight = NOTABLE if each.sure else DOUBTFUL
    return [
        Note(
            weight,
            f"In {each.table.title}, the column “{chosen}” was used for the classes, but "
            f"“{other}” could be meant, too.",
            Alternative(f"label_column={other}", f"Take the classes from “{other}”"),
        )
        for other in others[:_MOST_ALTERNATIVES]
    ]


def about_words(each: Columns, words: Words) -> list[Note]:
    """On cells that may be a list."""
    if not words.doubtful:
        return []
    return [
        Note(
            NOTABLE,
            f"In {each.table.title}, each of these counts as one class although it contains a "
            f"separator: {listed(words.doubtful)}.",
        )
    ]


def about_blanks(each: Columns, cells: Sequence[str]) -> list[Note]:
    """On a column of which only the first row of each group is filled in, as far as it seems."""
    if 2 * len(cells) > len(each.rows) or len(cells) < 2 or len(set(cells)) < len(cells):
        return []
    return [
        Note(
            DOUBTFUL,
            f"In {each.table.title}, only {len(cells):,} of {len(each.rows):,} rows give a "
            f"class, each a different one: {listed(cells)}. If it also applies to the rows "
            "below, fill it in there.",
        )
    ]


def named_by(where: str, names: Mapping[str, str], *, is_from_one: bool) -> Note:
    """On numbers that a list of classes gives names for."""
    pairs = shown([f"{number} is “{name}”" for number, name in sorted(names.items())])
    counted = ", counted from 1" if is_from_one else ""
    weight = NOTABLE if is_from_one else INFORMATION
    return Note(weight, f"The class names come from “{where}”{counted}: {pairs}.")


def several_tags(tags: Sequence[str]) -> str:
    """Why an image with several tags is left out."""
    return (
        f"It has several tags (“{', '.join(tags)}”), but each image needs exactly one class: "
        "keep one of them."
    )


def about_tags(refusals: Sequence[str]) -> list[Note]:
    """On all images with several tags together; of each image its refusal, or none."""
    n = sum(map(bool, refusals))
    if not n:
        return []
    return [
        Note(
            DOUBTFUL if 2 * n > len(refusals) else NOTABLE,
            f"{n:,} of {len(refusals):,} images have several tags and are left out: each image "
            "needs exactly one class.",
        )
    ]

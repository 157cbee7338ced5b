"""What a command is, and the arguments that several commands share."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.cli._terminal import Terminal
    from core.dataset.ingest.understanding import ReadAs
    from core.recipe import Evaluation
    from core.settings import Settings

STOPPED = 130
"""Exit code after Ctrl-C, as shells expect, so that `train … && export …` does not go on."""


def no_arguments(parser: ArgumentParser) -> None:
    """For a command that takes none of its own."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. What is heavy is imported by `run`: `--help` loads every command there is."""

    about: str
    """What it does, in one phrase."""
    examples: tuple[str, ...]
    """Lines to type after the name of the program; each can be parsed as it stands."""
    run: "Callable[[Namespace, Settings, Terminal], int]"
    """Does it; returns the exit code. Raises GraftError where a person can put something right."""
    add_arguments: Callable[[ArgumentParser], None] = no_arguments
    """Called when the command is, or its help, and not before; `--json` is there already."""
    order: int = 100
    """Where it stands in `--help`: 10 to 19 lists, 20 looking at images, 30 training, 40 using a
    model, 50 the web app; those with equal numbers by name."""
    earlier_names: tuple[str, ...] = ()
    """By which it can be called, too."""


def program() -> str:
    """What was typed to get here, so that it can be typed again."""
    return "graft" if Path(sys.argv[0]).stem == "graft" else "python -m core"


def add_data(parser: ArgumentParser) -> None:
    """The images that a command is about."""
    parser.add_argument("data", type=Path, metavar="DATA", help="the images")


def add_run(parser: ArgumentParser) -> None:
    """The model that a command is about."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run, or an unpacked export")


def add_labels(parser: ArgumentParser) -> None:
    """`labels_of` reads it."""
    parser.add_argument(
        "--labels",
        metavar="COLUMN[,COLUMN]",
        help="columns of a table in DATA that hold the classes; default: found automatically",
    )


def labels_of(chosen: Namespace) -> list[str]:
    """Columns of a table that hold classes; none where they are to be found."""
    return separated(chosen.labels)


def add_read_as(parser: ArgumentParser) -> None:
    """How images are read that somebody brings; `read_as_of` reads it."""
    parser.add_argument(
        "--classes-from",
        choices=["folders", "outer-folders", "inner-folders", "table", "file-names"],
        help="where the classes come from; default: found automatically, and reported",
    )
    parser.add_argument(
        "--label-column", metavar="NAME", help="the column of a table that holds the class"
    )
    parser.add_argument(
        "--all-frames",
        action="store_true",
        help="use every frame of an animation and every page of a stack as an image",
    )
    parser.add_argument(
        "--one-hot", action="store_true", help="each class has its own column, with 0 and 1"
    )


def read_as_of(chosen: Namespace) -> "ReadAs":
    """What somebody said about how to read the images."""
    from core.dataset.ingest.understanding import ReadAs

    choices = {
        "classes": chosen.classes_from,
        "label_column": chosen.label_column,
        "one_hot": chosen.one_hot or None,
        "all_frames": chosen.all_frames,
    }
    return ReadAs.from_dict(choices)


def add_seed(parser: ArgumentParser) -> None:
    """All that chance decides."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")


def add_evaluation(parser: ArgumentParser, usual: str) -> None:
    """`evaluation_of` reads it; `usual` says what happens without it."""
    parser.add_argument(
        "--evaluation",
        choices=["holdout", "cross-validation"],
        help="test on held-out images, or on every image in turn (cross-validation, about five "
        f"times as long); default: {usual}, holdout if the images have their own test set",
    )


def evaluation_of(chosen: Namespace) -> "Evaluation | None":
    """As a recipe spells it; None where it was not said."""
    found: Evaluation | None = chosen.evaluation and chosen.evaluation.replace("-", "_")
    return found


def separated(names: str | None) -> list[str]:
    """ "a, b" as ["a", "b"]."""
    return [name.strip() for name in (names or "").split(",") if name.strip()]

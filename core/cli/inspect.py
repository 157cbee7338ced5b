"""`inspect`: what is understood of a folder of images, before anything is done with them."""

from argparse import ArgumentParser, Namespace

from core.cli._command import (
    Command,
    add_data,
    add_labels,
    add_read_as,
    labels_of,
    read_as_of,
)
from core.cli._importing import require_data
from core.cli._terminal import Terminal
from core.cli._understanding import in_lines, left_out_lines, note_line
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    add_labels(parser)
    add_read_as(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.dataset.ingest.inspecting import inspect

    require_data(chosen.data)
    understanding = inspect(
        chosen.data, settings, read_as=read_as_of(chosen), columns=labels_of(chosen),
        follow_links=True,
    )  # fmt: skip
    lines = [
        *in_lines(understanding),
        *left_out_lines(understanding),
        *map(note_line, understanding.notes),
    ]
    document = understanding.to_dict()
    del document["thumbnails"]  # there are none before an import
    terminal.result(document, "\n".join(lines))
    return 0


COMMAND = Command(
    "show how images are read: classes, split, tables, and what is left out",
    ("inspect images", "inspect images --classes-from folders --json"),
    _run,
    _add_arguments,
    order=20,
)

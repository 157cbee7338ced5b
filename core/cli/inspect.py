"""`inspect`: what is understood of a folder of images, before anything is done with them."""

from argparse import ArgumentParser, Namespace

from core.cli._command import (
    STOPPED,
    Command,
    add_data,
    add_labels,
    add_read_as,
    labels_of,
    read_as_of,
)
from core.cli._importing import require_data, stop_signals, until
from core.cli._terminal import Terminal
from core.cli._understanding import in_lines, left_out_lines, note_line
from core.dataset.ingest.understanding import Understanding
from core.events import Finished, Progress
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    add_labels(parser)
    add_read_as(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.dataset.ingest.inspecting import inspect

    require_data(chosen.data)
    with stop_signals() as stop:
        events = inspect(
            chosen.data, settings, read_as=read_as_of(chosen), columns=labels_of(chosen),
            follow_links=True,
        )  # fmt: skip
        news = (event for event in events if isinstance(event, Progress | Finished))
        last = terminal.drain(until(news, stop))
    if not isinstance(last, Finished):
        terminal.stopped()
        return STOPPED
    understanding = Understanding.from_dict(last.result)
    lines = [
        *in_lines(understanding),
        *left_out_lines(understanding),
        *map(note_line, understanding.notes),
    ]
    document = {name: value for name, value in last.result.items() if name != "thumbnails"}
    terminal.result(document, "\n".join(lines))
    return 0


COMMAND = Command(
    "show how images are read: classes, split, tables, and what is left out",
    ("inspect images", "inspect images --classes-from folders --json"),
    _run,
    _add_arguments,
    order=20,
)

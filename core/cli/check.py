"""`check`: what is wrong with a folder of images, before anything is trained on it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.checks import Problem, checks, from_dict, paths
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
from core.dataset.ingest.understanding import ReadAs
from core.dataset.manifest import Dataset
from core.events import Event, Finished, Found
from core.settings import Settings

_MOST_FILES = 8
"""Named below one problem where a person reads; with --json all of them."""


def _add_arguments(parser: ArgumentParser) -> None:
    add_data(parser)
    add_labels(parser)
    add_read_as(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return check(
        chosen.data, settings, terminal, columns=labels_of(chosen), read_as=read_as_of(chosen)
    )


def check(
    data: Path,
    settings: Settings,
    terminal: Terminal,
    *,
    columns: Sequence[str] = (),
    read_as: ReadAs | None = None,
) -> int:
    """Import `data`, look for every problem, list them; returns the exit code, 0 also with some.

    `columns` are those of a table in `data` that hold classes, in case they are not found.
    """
    from core.checks._runner import check as look_for
    from core.checks._runner import document
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store

    require_data(data)
    store = Store(settings.home)
    found: list[Problem] = []
    with stop_signals() as stop:
        events = import_images(
            data, store, settings, title=data.resolve().name, columns=columns, read_as=read_as,
            follow_links=True,
        )  # fmt: skip
        last = terminal.drain(until(events, stop))
        if isinstance(last, Finished):
            dataset = store.load(last.result["dataset"])
            events = _noted(look_for(dataset, store, settings), found)
            last = terminal.drain(until(events, stop))
    if not isinstance(last, Finished):
        terminal.stopped()
        return STOPPED
    documents = [document(problem, dataset) for problem in found]
    terminal.result(documents, _text(found, dataset))
    return 0


def _noted(events: Iterator[Event], found: list[Problem]) -> Iterator[Event]:
    """The events but for the problems, which are the result: they are put into `found`."""
    for event in events:
        if isinstance(event, Found):
            found.append(from_dict(event.problem))
        else:
            yield event


def _text(found: list[Problem], dataset: Dataset) -> str:
    """All problems under a heading for each kind."""
    lines: list[str] = []
    for kind, check in checks().items():
        mine = [problem for problem in found if problem.kind == kind]
        if mine:
            lines += [f"{check.title} · {kind} ({len(mine)})", f"  {check.advice}"]
        if mine and check.summary and (said := check.summary(mine)):
            lines.append(f"  {said}")
        for problem in mine:
            advice = f" → {problem.suggestion}" if problem.suggestion else ""
            lines.append(f"  - {problem.sentence}{advice}")
            files = paths(problem, dataset)
            lines += [f"      {name}" for name in files[:_MOST_FILES]]
            if len(files) > _MOST_FILES:
                lines.append(f"      and {len(files) - _MOST_FILES:,} more")
    images = f"{len(dataset.items):,} images in {len(dataset.classes)} classes"
    if not found:
        return f"{images}: no problems found."
    return "\n".join([*lines, f"{images}: {len(found)} problems found."])


COMMAND = Command(
    "find problems with images: copies, wrong labels, poor quality and more",
    ("check images",),
    _run,
    _add_arguments,
    order=20,
)

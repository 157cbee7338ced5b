"""Images brought to a command, and how a command is stopped while it works."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.cli._terminal import Terminal
from core.dataset.manifest import Role
from core.errors import NotFound
from core.events import Event, Finished, Stopped
from core.recipe import Recipe
from core.settings import Settings


def imported(
    brought: Sequence[tuple[Path, Role]],
    columns: Sequence[str],
    settings: Settings,
    terminal: Terminal,
    stop: threading.Event,
    *,
    alone: bool,
    keep: bool,
) -> str | None:
    """The id of the dataset that the images make; None when stopped before they are in.

    Raises UnusableDataset when no classifier can be trained on them.
    """
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store

    for data, _ in brought:
        require_data(data)
    store, dataset = Store(settings.home), None
    title = brought[0][0].resolve().name
    for data, role in brought:
        own = columns if role == "labelled" else ()
        events = import_images(
            data, store, settings, title=title, role=role, add_to=dataset, columns=own, keep=keep
        )
        last = terminal.drain(until(events, stop))
        if isinstance(last, Stopped):
            return None
        dataset = store.load(last.result["dataset"])
        dataset.require_trainable(alone=alone)  # before the run's folder is made
    return dataset.id if dataset else None


def with_images(
    data: Path,
    recipes: Sequence[Recipe],
    settings: Settings,
    terminal: Terminal,
    stop: threading.Event,
) -> list[Recipe] | None:
    """These recipes with the labelled images at `data`; None when stopped before they are in."""
    dataset = imported([(data, "labelled")], (), settings, terminal, stop, alone=True, keep=False)
    if dataset is None:
        return None
    return [recipe.model_copy(update={"dataset": dataset}) for recipe in recipes]


def require_data(data: Path) -> None:
    """Raise NotFound when a path that was typed names nothing."""
    if not data.exists():
        raise NotFound(f"There is no folder or archive “{data}”.")


def until(events: Iterator[Event], stop: threading.Event) -> Iterator[Event]:
    """The events up to a stop that is asked for; the last word always comes through."""
    for event in events:
        yield event
        if stop.is_set() and not isinstance(event, Finished):
            return


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

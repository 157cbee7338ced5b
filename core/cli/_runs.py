"""The folder of a run: made or found, trained in the foreground, and what jobs on it give."""

import os
import threading
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from core.cli._command import program
from core.cli._terminal import Terminal
from core.errors import BadInput, BadRecipe, GraftError, NotFound
from core.events import Event, Failed, Finished, Note, Stopped
from core.files import replace_file, sealed
from core.recipe import Recipe
from core.settings import Settings

_RECIPE = "recipe.json"


def require_run(run: Path) -> None:
    """Raise NotFound when a path that was typed names nothing."""
    if not run.is_dir():
        raise NotFound(f"There is no run “{run}”; `{program()} train` makes one.")


def result_of(events: Iterable[Event], terminal: Terminal) -> dict[str, Any]:
    """Tell the events; gives what came out. Raises GraftError where nothing did."""
    last = terminal.drain(events)
    if not isinstance(last, Finished):
        raise GraftError("There is no result. Try again.")
    return last.result


def recipe_of(run: Path) -> Recipe | None:
    """That of the run in this folder; None where there is no run yet."""
    file = run / _RECIPE
    return Recipe.from_json(file.read_bytes()) if file.exists() else None


def require_room(run: Path) -> None:
    """Raise BadInput unless a run is, or can be made, at this path."""
    if (run / _RECIPE).exists():
        return
    if not run.exists():
        above = next(folder for folder in run.absolute().parents if folder.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            raise BadInput(
                f"“{run}” cannot be created: “{above}” is not writable. Choose another folder "
                "with --out."
            )
        return
    if not run.is_dir() or any(run.iterdir()):
        raise BadInput(
            f"“{run}” already exists and is not a run. Choose another folder with --out."
        )


def make_run(run: Path, recipe: Recipe) -> None:
    """Make the run's folder, or see that the one there is of the same recipe."""
    from core.jobs.spec import JobSpec

    before = recipe_of(run)
    if before is not None:
        _require_same(before, recipe, run)
        return
    run.mkdir(parents=True, exist_ok=True)
    JobSpec("train").write(run)
    replace_file(run / _RECIPE, sealed(recipe.to_json()))


def _require_same(before: Recipe, now: Recipe, run: Path) -> None:
    old, new = before.model_dump(), now.model_dump()
    differences = [
        "the images" if name == "dataset" else f"{name} (was {old[name]}, now {new[name]})"
        for name in old
        if old[name] != new[name]
    ]
    if differences:
        raise BadRecipe(
            f"“{run}” holds a run with other settings: {', '.join(differences)} differ. Choose "
            "another folder with --out, or repeat the command that made it."
        )


def drained(
    run: Path, settings: Settings, terminal: Terminal, stop: threading.Event
) -> Finished | Stopped:
    """Train to the end or to a stop, writing down every event as the worker does."""
    from core.jobs import log
    from core.jobs.lock import job_lock

    def written() -> Generator[Event, None, None]:
        from core.training.run import train as events_of

        for event in events_of(run, settings, stop.is_set):
            log.append(run, event)
            yield event

    with job_lock(run):
        earlier = [e for e in log.read_events(run)[0] if isinstance(e, Finished)]
        if earlier:
            terminal.event(Note("This run has already finished; nothing was trained again."))
            return earlier[-1]
        try:
            with closing(written()) as events:
                return terminal.drain(events)
        except GraftError as error:
            log.append(run, Failed.by(error))
            raise

"""Corrected answers of a predict job into the project, as labelled images."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from core.dataset.store import Store
from core.errors import BadInput
from core.events import Event, Finished
from core.jobs.folder import job_path
from core.jobs.kinds import Id, JobKind, Labels, RunArgs, ShouldStop
from core.projects.versions import apply as apply_edit
from core.settings import Settings

if TYPE_CHECKING:
    from core.dataset.labelled_files import LabelledFile


class Args(RunArgs):
    """The run that answered, the job with its answers, and the right class of each by its
    number."""

    project: Id
    answers: Id
    labels: Annotated[Labels, Field(min_length=1)]
    add_to: Id
    """The version that they are added to."""
    task: str = ""
    """The label column that the classes belong to, where there are several."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Import them, and make the new version the project's; nothing is made where none is new."""
    from core.dataset.labelled_files import LabelledFile
    from core.jobs.answers import answers_of

    known = {each.number: each for each in answers_of(job_path(settings.home, args.answers))}
    files = [
        LabelledFile(str(number), known[number].row["image"], file, label)
        for number, label in args.labels.items()
        if number in known and known[number].is_readable and (file := known[number].file)
    ]
    if not files:
        raise BadInput("None of these answers is about an image. Predict the images again.")
    yield from take_in(args.project, args.add_to, files, settings, task=args.task)


def take_in(
    project: str,
    add_to: str,
    files: "Sequence[LabelledFile]",
    settings: Settings,
    *,
    task: str,
    noun: str = "corrected answer",
) -> Iterator[Event]:
    """Add labelled files to a version; the new one, if there is one, becomes the project's."""
    from core.dataset.labelled_files import add_labelled

    store = Store(settings.home)
    for event in add_labelled(store.load(add_to), files, store, settings, task=task, noun=noun):
        if isinstance(event, Finished) and event.result["dataset"] != add_to:
            made = apply_edit(project, store.load(event.result["dataset"]))
            event = replace(event, result={**event.result, "dataset": made})
        yield event


KIND = JobKind("learn-answers", Args, run)

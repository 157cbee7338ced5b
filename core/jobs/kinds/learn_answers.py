"""Corrected answers of a predict job into the project, as labelled images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from core.dataset.store import Store
from core.errors import BadInput
from core.events import Event, Finished
from core.jobs.folder import job_path
from core.jobs.kinds import Id, JobKind, Labels, RunArgs, ShouldStop
from core.projects import add_dataset
from core.settings import Settings


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
    from core.dataset.labelled_files import LabelledFile, add_labelled
    from core.jobs.answers import answers_of

    known = {each.number: each for each in answers_of(job_path(settings.home, args.answers))}
    files = [
        LabelledFile(str(number), known[number].row["image"], file, label)
        for number, label in args.labels.items()
        if number in known and known[number].is_readable and (file := known[number].file)
    ]
    if not files:
        raise BadInput("None of these answers is about an image. Predict the images again.")
    store = Store(settings.home)
    old = store.load(args.add_to)
    for event in add_labelled(old, files, store, settings, task=args.task):
        if isinstance(event, Finished) and event.result["dataset"] != args.add_to:
            add_dataset(args.project, event.result["dataset"])
        yield event


KIND = JobKind("learn-answers", Args, run)

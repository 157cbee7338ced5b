"""The images of a predict job in a ZIP to be taken away, sorted by what was answered."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from core.events import Event
from core.jobs.folder import job_path, result_file
from core.jobs.kinds import Id, JobKind, Labels, RunArgs, ShouldStop
from core.settings import Settings


class Args(RunArgs):
    """The run that answered, the job with its answers, and what a person corrected, by the number
    of the answer."""

    answers: Id
    corrected: Labels = Field(default_factory=dict)


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Write the ZIP."""
    from core.export.sorted_images import SortedImage, sort_into_zip
    from core.jobs.answers import answers_of

    answered = answers_of(job_path(settings.home, args.answers))
    images = [
        SortedImage(each.row["image"], each.file, args.corrected.get(each.number, each.label))
        for each in answered
        if each.is_readable and each.file
    ]
    yield from sort_into_zip(images, result_file(folder, "sorted-images.zip"), settings)


KIND = JobKind("sorted-images", Args, run, action="test")

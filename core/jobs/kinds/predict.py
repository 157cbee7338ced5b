"""What a run's model says about some files."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from core.dataset.laid_out import BroughtFile, lay_out
from core.errors import BadInput
from core.events import Event, Finished, Progress
from core.field.handing_over import hand_over
from core.jobs.answers import thumbnail_file, unpacked_folder
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.jobs.kinds.import_images import upload_folder
from core.projects import run_folder
from core.settings import Settings

_OPENING = "Opening your images"


class Args(RunArgs):
    """The run, and the upload whose files are asked about, archives opened. Versions before wrote
    down each file."""

    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """As they were brought, in the order of the files."""
    upload: str = ""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.files and not self.upload:
            raise ValueError("say the upload, or the files")
        return self


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Lay out what was brought, then predict each."""
    from core.analysis.prediction import predict_files

    if args.files:
        yield from predict_files(run_folder(args.run), [*map(Path, args.files)], settings)
        return
    brought: list[BroughtFile] = []
    upload = upload_folder(settings, args.upload)
    yield Progress(_OPENING, 0, 0)
    for each in lay_out(upload, unpacked_folder(folder), settings):
        brought.append(each)
        yield Progress(_OPENING, len(brought), 0)
    if not brought:
        raise BadInput("There are no images here. Add images, or a folder of them.")
    numbers = [number for number, each in enumerate(brought) if each.path]
    thumbnail_file(folder, 0).parent.mkdir(exist_ok=True)
    for event in predict_files(
        run_folder(args.run),
        [each.path for each in brought if each.path],
        settings,
        names=[brought[number].name for number in numbers],
        thumbnails=[thumbnail_file(folder, number) for number in numbers],
    ):
        if isinstance(event, Finished):
            event = replace(event, result=_of_all(brought, event.result, settings))
            yield from hand_over(args.run, event.result["predictions"], brought, settings)
        yield event


def _of_all(
    brought: Sequence[BroughtFile], result: dict[str, Any], settings: Settings
) -> dict[str, Any]:
    """The result with files that were left out in their places, and where each file lies."""
    answered = iter(result["predictions"])
    rows = [
        next(answered) if each.path else {"image": each.name, "error": each.refusal}
        for each in brought
    ]
    homes = (settings.home, settings.home.resolve())
    return {"predictions": rows, "files": [_within(each.path, homes) for each in brought]}


def _within(path: Path | None, homes: tuple[Path, ...]) -> str:
    """The path relative to the home, which may have moved when it is read."""
    home = next((home for home in homes if path and path.is_relative_to(home)), None)
    return path.relative_to(home).as_posix() if path and home else ""


KIND = JobKind("predict", Args, run, action="test")

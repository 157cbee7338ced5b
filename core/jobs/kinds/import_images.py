"""Images into the project; then, where they can teach, its first model is handed in."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from core.dataset.ingest.understanding import ReadAs, Understanding
from core.dataset.manifest import Role
from core.dataset.store import Store
from core.errors import BadInput, UnusableDataset
from core.events import Event, Finished, Understood
from core.jobs.first_run import first_run
from core.jobs.folder import result_file
from core.jobs.kinds import Id, JobArgs, JobKind, ShouldStop
from core.jobs.spec import person_of
from core.projects.versions import apply as apply_edit
from core.settings import Settings


class Args(JobArgs):
    """Where the images come from, which is one of three, and what they are."""

    project: Id
    upload: str = ""
    server_folder: str = ""
    sample: str = ""
    title: str = ""
    """Of the dataset; empty: what suits where it comes from."""
    role: Role = "labelled"
    into_class: str | None = None
    """One class for all of them."""
    add_to: Id | None = None
    """The version that they are added to."""
    keep: bool = False
    """Whether other channels than RGB stay what they are."""
    columns: tuple[str, ...] = ()
    """Of a table, those with classes."""
    read_as: dict[str, str | bool | None] = Field(default_factory=dict)
    """What somebody chose about how to read them: the fields of ReadAs."""

    @model_validator(mode="after")
    def _from_one_place(self) -> Self:
        if sum(map(bool, (self.upload, self.server_folder, self.sample))) != 1:
            raise ValueError("say one of upload, server_folder and sample")
        ReadAs.from_dict(self.read_as)
        return self


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Import, and enter what came of it."""
    from core.dataset.ingest.importing import import_images

    store = Store(settings.home)
    source, title, origin, licence = _source(folder, args, settings)
    events = import_images(
        source,
        store,
        settings,
        title=args.title or title,
        into_class=args.into_class,
        add_to=store.load(args.add_to) if args.add_to else None,
        origin=origin,
        licence=licence,
        keep=args.keep,
        role=args.role,
        columns=args.columns,
        read_as=ReadAs.from_dict(args.read_as),
    )
    done, understanding = False, Understanding({})
    try:
        for event in events:
            if isinstance(event, Understood):
                understanding = Understanding.from_dict(event.understanding)
            if isinstance(event, Finished):
                event = _registered(event, args.project, store, understanding, person_of(folder))
                done = True
            yield event
    finally:
        # Once it is written down as done, nobody will ask again for files that came for this job,
        # unless they may be read in another way. Then they stay for a day (see cleanup.py).
        if done and not args.server_folder and not understanding.may_be_read_otherwise:
            shutil.rmtree(source, ignore_errors=True)


def _source(folder: Path, args: Args, settings: Settings) -> tuple[Path, str, str, str]:
    """The folder to import; a title for what is in it; where that is from, and its licence."""
    from core.dataset.ingest.server_folders import allowed
    from core.dataset.samples import SAMPLES, write_sample

    if args.sample:
        source = write_sample(args.sample, result_file(folder, "sample"))
        known = SAMPLES[args.sample]
        return source, known.title, known.source, known.licence
    if args.server_folder:
        source = allowed(args.server_folder, settings)
        return source, source.name, "", ""
    return upload_folder(settings, args.upload), "My images", "", ""


def upload_folder(settings: Settings, upload: str) -> Path:
    """Where the files of an upload are. Raises BadInput for what is no folder of uploads."""
    uploads = (settings.home / "uploads").resolve()
    folder = (uploads / upload).resolve()
    if folder.parent != uploads or not folder.is_dir():
        raise BadInput("The uploaded files are no longer there. Upload them again.")
    return folder


def _registered(
    finished: Finished, project: str, store: Store, understanding: Understanding, person: str
) -> Finished:
    """Enter the new dataset and its first model; doing it twice, after a crash, changes nothing.

    Nothing learns from a doubtful reading before somebody has confirmed it: `confirm` is true then.
    """
    # Somebody may have changed the images since this began: then it is a version on top of theirs.
    brought = store.load(finished.result["dataset"])
    dataset = store.load(apply_edit(project, brought, person=person))
    finished = replace(finished, result={**finished.result, "dataset": dataset.id})
    try:
        dataset.require_trainable()
    except UnusableDataset:
        return finished
    if understanding.is_doubtful:
        return replace(finished, result={**finished.result, "confirm": True})
    return replace(finished, result={**finished.result, "run": first_run(project, dataset)})


KIND = JobKind("import", Args, run)

"""The audited images of a run into its project, as labelled images."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.errors import BadInput, NotFound
from core.events import Event
from core.jobs.kinds import Id, JobKind, RunArgs, ShouldStop
from core.jobs.kinds.learn_answers import take_in
from core.settings import Settings


class Args(RunArgs):
    """The run that was audited, and one of its audits."""

    project: Id
    audit: Id
    add_to: Id
    """The version that they are added to."""
    task: str = ""
    """The label column that the classes belong to, where there are several."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Import those whose class was said, and make the new version the project's."""
    from core.dataset.labelled_files import LabelledFile
    from core.field.audit import audits_of
    from core.field.kept import store_of

    audit = next((each for each in audits_of(args.run, settings) if each.id == args.audit), None)
    if audit is None:
        raise NotFound("This audit does not exist (any more). Load the page again.")
    store = store_of(args.project, settings)
    files = [
        LabelledFile(str(each.answer), f"audited/{each.answer}", path, each.truth)
        for each in audit.counted
        if each.decision == "class" and (path := _file(store, each.image))
    ]
    if not files:
        raise BadInput("None of these images was given a class. Look at some of them first.")
    yield from take_in(
        args.project, args.add_to, files, settings, task=args.task, noun="audited image"
    )


def _file(store: Store, image: str) -> Path | None:
    try:
        return store.path(image)
    except NotFound:
        return None


KIND = JobKind("learn-audited", Args, run)

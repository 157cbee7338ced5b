"""What a person does with what an import understood: confirm it, or have it read otherwise."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.dataset.ingest.understanding import ReadAs
from core.dataset.store import Store
from core.errors import BadInput, NotFound
from core.files import replace_file
from core.jobs.first_run import first_run
from core.jobs.folder import result_file
from core.jobs.kinds.import_images import KIND, upload_folder
from core.jobs.permission import require_job
from core.jobs.queue import enqueue, hand_in, new_job, status
from core.jobs.spec import JobSpec
from core.settings import Settings

_CONFIRMED = "confirmed"


def needs_confirmation(folder: Path) -> bool:
    """Whether the import in this job's folder waits for somebody to look at its understanding."""
    result = status(folder).result or {}
    return bool(result.get("confirm")) and not result_file(folder, _CONFIRMED).exists()


def confirm(folder: Path, settings: Settings) -> str:
    """What was understood is right: the first model is made, and the files are no longer needed.

    Gives the id of its run, the same when it is done twice. Raises BadInput for an import that has
    nothing to confirm.
    """
    require_job("edit", folder)
    result = status(folder).result or {}
    if not result.get("confirm"):
        raise BadInput("There is nothing to confirm about these images.")
    args = _args(folder)
    run = first_run(args["project"], Store(settings.home).load(result["dataset"]))
    replace_file(result_file(folder, _CONFIRMED), run.encode())
    if args["upload"]:
        shutil.rmtree(settings.home / "uploads" / args["upload"], ignore_errors=True)
    return run


def can_be_read_again(folder: Path, settings: Settings) -> bool:
    """Whether the files of an import are still there."""
    try:
        args = _args(folder)
        if args["upload"]:
            upload_folder(settings, args["upload"])
    except (BadInput, NotFound):
        return False
    return True


def read_again(folder: Path, option: str, settings: Settings) -> Path:
    """Import the same files anew with one choice changed, as an Alternative spells it.

    Gives the folder of the new job. Raises BadInput for a choice there is not, and where the files
    are gone.
    """
    require_job("edit", folder)
    args = _args(folder)
    if not can_be_read_again(folder, settings):
        raise BadInput("The uploaded files are no longer there. Upload them again.")
    read_as = ReadAs.from_dict(args["read_as"]).with_option(option)
    job = new_job()
    # Not `submit`: whoever may change the project may read anew what another person uploaded.
    hand_in("import", job, args | {"read_as": asdict(read_as)}, args["project"])
    enqueue(job, JobSpec.read(job))
    return job


def _args(folder: Path) -> dict[str, Any]:
    """The arguments of an import. Raises NotFound where it is none, BadInput for one of a version
    that knew others."""
    spec = JobSpec.read(folder)
    if spec.kind != "import":
        raise NotFound("This is not an import of images.")
    known: dict[str, Any] = KIND.checked(spec.args).model_dump(mode="json")
    return known

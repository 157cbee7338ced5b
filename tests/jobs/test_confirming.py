"""A doubtful reading of images waits for a person, who confirms it or has it read otherwise."""

import json
from pathlib import Path

import pytest
from PIL import Image

from core.dataset.ingest.understanding import Understanding
from core.dataset.store import Store
from core.errors import BadInput, NotFound, UnusableDataset
from core.events import Finished, Understood
from core.jobs import log
from core.jobs.confirming import can_be_read_again, confirm, needs_confirmation, read_again
from core.jobs.engine import open_queue
from core.jobs.kinds.import_images import KIND
from core.jobs.queue import new_job, status
from core.jobs.spec import JobSpec
from core.projects import create_project, datasets, runs
from core.projects.database import migrate
from core.settings import Settings, get_settings
from core.web.uploads import note_received, open_upload


@pytest.fixture
def settings(home: Path) -> Settings:
    migrate(get_settings())
    open_queue(get_settings())
    return get_settings()


def upload(settings: Settings, names: list[str]) -> str:
    """Images under these names, each of another colour, as the browser sends them."""
    upload_id = open_upload(settings.home)
    folder = settings.home / "uploads" / upload_id
    for n, name in enumerate(names):
        Image.new("RGB", (32, 32), (7 * n % 256, 40 + n, 90)).save(folder / str(n), "PNG")
        note_received(folder, n, name, (folder / str(n)).stat().st_size)
    return upload_id


def imported(settings: Settings, job: Path, args: dict[str, object]) -> Path:
    """The job of an import after it was done, as a worker does it."""
    JobSpec("import", args).write(job)
    return done(settings, job)


def done(settings: Settings, job: Path) -> Path:
    args = KIND.checked(JobSpec.read(job).args)
    for event in KIND.run(job, args, settings, lambda: False):
        log.append(job, event)
    return job


NAMES = [f"pets/{animal}.{n}.png" for animal in ("cat", "dog") for n in range(8)]
CLEAR = [f"pets/{animal}/{n}.png" for animal in ("cat", "dog") for n in range(8)]


def test_a_clear_reading_goes_straight_on_to_the_first_model(settings: Settings) -> None:
    project, files = create_project("Pets").id, upload(settings, CLEAR)
    job = imported(settings, new_job(), {"project": project, "upload": files})
    assert not needs_confirmation(job)
    assert len(runs(project)) == 1
    assert not (settings.home / "uploads" / files).exists()
    understood = Understanding.from_dict(status(job).understanding or {})
    assert understood.classes == {"cat": 8, "dog": 8}
    assert not understood.is_doubtful
    with pytest.raises(BadInput, match="nothing to confirm"):
        confirm(job, settings)


def test_a_doubtful_reading_trains_nothing_until_it_is_confirmed(settings: Settings) -> None:
    project, files = create_project("Pets").id, upload(settings, NAMES)
    job = imported(settings, new_job(), {"project": project, "upload": files})
    assert needs_confirmation(job)
    assert runs(project) == []
    assert Store(settings.home).load(datasets(project)[0].dataset_id).counts == {"cat": 8, "dog": 8}
    run = confirm(job, settings)
    assert [each.id for each in runs(project)] == [run]
    assert confirm(job, settings) == run
    assert not needs_confirmation(job)
    assert not (settings.home / "uploads" / files).exists()


def test_the_same_upload_is_read_again_in_another_way(settings: Settings) -> None:
    project, files = create_project("Pets").id, upload(settings, NAMES)
    job = imported(settings, new_job(), {"project": project, "upload": files})
    understood = Understanding.from_dict(status(job).understanding or {})
    other = next(note.alternative for note in understood.notes if note.alternative)
    assert can_be_read_again(job, settings)
    again = done(settings, read_again(job, other.option, settings))
    assert json.loads(json.dumps(JobSpec.read(again).args))["read_as"]["classes"] == "folders"
    assert Store(settings.home).load(datasets(project)[0].dataset_id).counts == {"pets": 16}


def test_what_cannot_be_read_again_says_why(settings: Settings) -> None:
    project, files = create_project("Pets").id, upload(settings, CLEAR)
    job = imported(settings, new_job(), {"project": project, "upload": files})
    with pytest.raises(BadInput, match="no longer there"):
        read_again(job, "classes=folders", settings)
    other = new_job()
    JobSpec("check", {"dataset": "0" * 16}).write(other)
    with pytest.raises(NotFound):
        read_again(other, "classes=folders", settings)


def test_an_import_that_found_no_classes_still_says_what_it_saw(settings: Settings) -> None:
    project = create_project("Pets").id
    files = upload(settings, [f"x/images_part_{n % 2 + 1}/{n}.png" for n in range(8)])
    job, seen = new_job(), []
    JobSpec("import", {"project": project, "upload": files}).write(job)
    events = KIND.run(job, KIND.checked(JobSpec.read(job).args), settings, lambda: False)
    with pytest.raises(UnusableDataset, match="named like parts of a split"):
        seen.extend(events)
    assert any(isinstance(event, Understood) for event in seen)
    assert not any(isinstance(event, Finished) for event in seen)
    assert (settings.home / "uploads" / files).exists()


@pytest.mark.parametrize("read_as", [{"classes": "stars"}, {"one_hot": "perhaps"}])
def test_a_way_to_read_that_there_is_not_is_refused(read_as: dict[str, object]) -> None:
    args = {"project": "0" * 16, "upload": "0" * 32, "read_as": read_as}
    with pytest.raises(BadInput):
        KIND.checked(args)

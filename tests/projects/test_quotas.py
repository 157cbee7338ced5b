"""Limits for a person: what counts, what is refused, and what the refusal says."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from made_people import acting, join
from PIL import Image

from core.access import MACHINE, acting_as
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotAllowed
from core.events import Finished
from core.jobs import log
from core.jobs.engine import open_queue
from core.jobs.folder import events_file
from core.jobs.person_use import my_quotas
from core.jobs.queue import new_job, stop, submit
from core.jobs.spec import JobSpec
from core.jobs.upload_ids import issue_upload
from core.projects import add_dataset, create_project, create_run, delete_project, run_folder
from core.projects.quotas import bytes_of
from core.recipe import Recipe
from core.settings import get_settings


@pytest.fixture
def limited(peopled: str, monkeypatch: pytest.MonkeyPatch):
    """Sets limits for this test."""

    def limit(**limits: int) -> str:
        for name, value in limits.items():
            monkeypatch.setenv(f"GRAFT_{name.upper()}", str(value))
        get_settings.cache_clear()
        open_queue(get_settings())
        return peopled

    return limit


def noise(seed: int) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    return Image.fromarray(values)


def filled(project: str, *seeds: int) -> int:
    """A version with these images; gives their bytes."""
    store = Store(get_settings().home)
    hashes = [store.add(noise(seed), lossless=True) for seed in seeds]
    items = tuple(Item(each, "a", f"{project}/{each}.png") for each in hashes)
    add_dataset(project, store.save(Dataset("Set", items)))
    return sum(store.path(each).stat().st_size for each in set(hashes))


def test_images_count_once_and_for_owners_alone(limited):
    project = limited()
    other = create_project("Other").id
    join(other, "owner", "owner")
    join(other, "editor", "viewer")
    first = filled(project, 1, 2)
    assert filled(other, 2, 3) > 0
    both = filled(create_project("Nobody's").id, 1, 2, 3)
    filled(project, 1)  # an earlier version still takes its room
    settings = get_settings()
    assert bytes_of("owner", settings) == both > first
    assert bytes_of("editor", settings) == bytes_of("stranger", settings) == 0
    delete_project(other)
    assert bytes_of("owner", settings) == both


def test_images_beyond_the_limit_are_refused_with_the_way_out(limited):
    project = limited(quota_bytes=1)
    filled(project, 1)
    with acting("owner"), pytest.raises(NotAllowed, match=r"take .* of 0 MB\. Delete a project"):
        submit("import", new_job(), {"project": project, "sample": "emoji"})
    with acting("editor"):
        submit("import", editors := new_job(), {"project": project, "sample": "emoji"})
    submit("import", machines := new_job(), {"project": project, "sample": "emoji"})
    assert JobSpec.read(editors).person == "editor"
    assert JobSpec.read(machines).person == ""
    assert "person" not in (machines / "job.json").read_text()


def test_what_was_uploaded_counts_before_it_is_read(limited):
    project = limited(quota_bytes=1_000_000)
    home = get_settings().home
    with acting("owner"):
        name = issue_upload(home)
        upload = home / "uploads" / name
        upload.mkdir(parents=True)
        (upload / "0").write_bytes(bytes(1_000_001))
        with pytest.raises(NotAllowed, match="of 1 MB"):
            submit("import", new_job(), {"project": project, "upload": name})
        (upload / "0").write_bytes(bytes(999_999))
        submit("import", new_job(), {"project": project, "upload": name})


def test_one_job_too_many_is_refused_until_another_is_done(limited):
    project = limited(quota_jobs=2)
    with acting("editor"):
        folders = [new_job() for _ in range(3)]
        for folder in folders[:2]:
            submit("import", folder, {"project": project, "sample": "emoji"})
        with pytest.raises(NotAllowed, match=r"running jobs: 2 of 2\. Wait until"):
            submit("import", folders[2], {"project": project, "sample": "emoji"})
        with acting("owner"):
            submit("import", new_job(), {"project": project, "sample": "emoji"})
        stop(folders[0])
        submit("import", folders[2], {"project": project, "sample": "emoji"})


def gpu_job(person: str, seconds: float, device: str, days_ago: float = 0.0) -> Path:
    """A run of this person's that is finished."""
    project = create_project("Runs").id
    recipe = Recipe(dataset="0" * 16, backbone="tf_efficientnet_lite0", strategy="full")
    folder = run_folder(create_run(project, recipe))
    JobSpec("train", person=person).write(folder)
    log.append(folder, Finished(seconds, device=device))
    at = time.time() - days_ago * 86_400
    os.utime(events_file(folder), (at, at))
    return folder


def test_minutes_of_a_gpu_count_for_a_month(limited):
    project = limited(quota_gpu_minutes=10)
    gpu_job("editor", 300, "cuda")
    gpu_job("editor", 900, "cuda", days_ago=31)
    gpu_job("editor", 900, "")
    gpu_job("owner", 900, "cuda")
    recipe = Recipe(dataset="0" * 16, backbone="tf_efficientnet_lite0", strategy="full")
    folders = [run_folder(create_run(project, recipe)) for _ in range(2)]
    with acting("editor"):
        submit("train", folders[0])
        with acting_as(MACHINE):
            gpu_job("editor", 299, "cuda")
        with pytest.raises(NotAllowed, match=r"a GPU for 10 of 10 minutes .* days\. Wait until"):
            submit("train", folders[1])
        assert not (folders[1] / "job.json").exists()


def test_each_sees_their_own_use_with_and_without_limits(limited):
    project = limited()
    filled(project, 1)
    gpu_job("owner", 120, "cuda")
    with acting("owner"):
        assert [quota.said for quota in my_quotas()] == [
            "Your images take 0 MB",
            "Your waiting and running jobs: 0",
            "Your jobs used a GPU for 2 minutes in the last 30 days",
        ]
    limited(quota_bytes=5_000_000, quota_jobs=3, quota_gpu_minutes=1000)
    with acting("owner"):
        assert [(quota.said, quota.limit) for quota in my_quotas()] == [
            ("Your images take 0 MB of 5 MB", 5_000_000),
            ("Your waiting and running jobs: 0 of 3", 3),
            ("Your jobs used a GPU for 2 of 1,000 minutes in the last 30 days", 1000),
        ]

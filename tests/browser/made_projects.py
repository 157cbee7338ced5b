"""Projects made without a browser, in the home of a running product."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from running_server import Server, wait_for
from steps import picture

from core.jobs.queue import new_job, status, submit
from core.projects import create_project, run_folder, runs
from core.settings import get_settings
from core.web.uploads import note_received, open_upload


@contextmanager
def home_of(server: Server) -> Iterator[None]:
    """While this lasts, core works in the home of this server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(server.home))
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files, by their names in it."""
    with zipfile.ZipFile(buffer := BytesIO(), "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def classes_in_names() -> bytes:
    """Images whose classes stand in their names alone: nobody knows whether they are meant."""
    kinds = enumerate(("maple", "oak"))
    return zipped(
        {f"{kind}.{n}.jpg": picture(k, 50 * k + n) for k, kind in kinds for n in range(12)}
    )


def rings_and_bars_with_faults() -> bytes:
    """100 images in each of two classes; one lies in both, and one in the wrong of them."""
    kinds = enumerate(("rings", "bars"))
    well = {f"{kind}/{n}.jpg": picture(k, 100 * k + n) for k, kind in kinds for n in range(99)}
    return zipped(well | {"bars/twin.jpg": picture(0, 5), "rings/astray.jpg": picture(1, 900)})


def project_of(server: Server, title: str, archive: bytes) -> tuple[str, Path]:
    """A new project with the images of this ZIP; its id, and the folder of the finished import."""
    project = create_project(title).id
    return project, bring_in(server, project, archive)


def bring_in(server: Server, project: str, archive: bytes, **args: Any) -> Path:
    """Import a ZIP into a project; the folder of the finished job."""
    upload = received_upload(server, {"images.zip": archive})
    job = new_job()
    submit("import", job, {"project": project, "title": "T", "upload": upload} | args)
    wait_for(lambda: not status(job).active)
    assert status(job).state == "finished", status(job).sentence
    return job


def received_upload(server: Server, files: Mapping[str, bytes]) -> str:
    """Files as they lie there once a browser has sent them; the name of the upload."""
    upload = open_upload(server.home)
    for n, (name, content) in enumerate(files.items()):
        (server.home / "uploads" / upload / str(n)).write_bytes(content)
        note_received(server.home / "uploads" / upload, n, name, len(content))
    return upload


def wait_for_models(project: str, n: int = 1) -> None:
    """Return once so many models of this project are trained, and none is on its way."""
    wait_for(
        lambda: (
            len(runs(project)) >= n
            and all(status(run_folder(run.id)).state == "finished" for run in runs(project))
        )
    )

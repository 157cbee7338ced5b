"""What programs read: GET /api/projects, /api/projects/<id> and below it runs, report and model.

Who asks, and by which token, is decided before (core.access.acting); here stands what may be seen
of which project. `POST /api/projects/<id>/predict` is core.web.asking. All of them are described in
OpenAPI at /api/openapi.json.
"""

import functools
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from core.access import acting, projects_of, require
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.evaluation.report import FILE as REPORT
from core.evaluation.report import Report
from core.jobs.answers import finished_result
from core.jobs.kept_model import kept_among, kept_run
from core.jobs.queue import status
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.jobs.status import JobStatus
from core.projects import Project, RunRow, checked_id, datasets, get_project, list_projects, runs
from core.projects.deeds import deeds_csv
from core.settings import Settings
from core.web.asking import ProjectModels
from core.web.downloads import made_by
from core.web.json_answers import refused, told
from core.web.openapi import DESCRIPTION

_Answer = Callable[[Request], Response]
_JSON = "application/json"


def api_routes(settings: Settings) -> list[Route]:
    """Every address for programs."""
    store = Store(settings.home)
    below = "/api/projects/{id}"
    return [
        Route("/api/openapi.json", _answering(lambda _: told(DESCRIPTION))),
        Route("/api/projects", _answering(_projects)),
        Route(below, _answering(lambda request: _project(request, store))),
        Route(f"{below}/runs", _answering(_runs)),
        Route(f"{below}/report", _answering(_report)),
        Route(f"{below}/model", _answering(_model)),
        Route(f"{below}/log.csv", _answering(_log)),
        Route("/api/log.csv", _answering(_log)),
        Route(f"{below}/predict", ProjectModels(settings).predict, methods=["POST"]),
    ]


def _answering(answer: _Answer) -> Callable[[Request], Awaitable[Response]]:
    """The same in a thread of its own; what goes wrong as a sentence in JSON."""

    @functools.wraps(answer)
    async def endpoint(request: Request) -> Response:
        try:
            return await run_in_threadpool(answer, request)
        except GraftError as error:
            return refused(error)

    return endpoint


def _projects(_: Request) -> Response:
    mine = projects_of(acting())
    found = [each for each in list_projects() if mine is None or each.id in mine]
    return told({"projects": [_short(each) for each in found]})


def _project(request: Request, store: Store) -> Response:
    project = _asked_for(request)
    versions = datasets(project.id)
    dataset = store.load(versions[0].dataset_id) if versions else None
    kept = _kept(project)
    return told(
        {
            **_short(project),
            "version": dataset.id if dataset else None,
            "images": len(dataset.items) if dataset else 0,
            "classes": dataset.counts if dataset else {},
            "kept_run": kept.id if kept else None,
        }
    )


def _runs(request: Request) -> Response:
    project = _asked_for(request)
    kept, found = _kept(project), runs(project.id)
    return told({"runs": [_run(run, status(run.folder), kept) for run in found]})


def _report(request: Request) -> Response:
    run = kept_run(_asked_for(request).id)
    if not (run.folder / REPORT).is_file():
        raise NotFound("This model has no report.")
    headers = {"Cache-Control": "no-store"}
    return Response(Report.load(run.folder).to_json(), media_type=_JSON, headers=headers)


def _model(request: Request) -> Response:
    """The file that an export of the kept model made: ?form= as in core.export.formats."""
    project, form = _asked_for(request), request.query_params.get("form", "zip")
    require("test", project.id)  # whoever has the model can ask it anything
    file = _exported(kept_run(project.id), form)
    if file is None:
        sentence = "The kept model has not been exported in this form. Do so on the page Use first."
        return JSONResponse({"error": sentence}, HTTPStatus.NOT_FOUND)
    return FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})


def _log(request: Request) -> Response:
    """The audit log of a project, or of the server, as a table."""
    project = request.path_params.get("id", "")
    headers = {
        "Content-Disposition": 'attachment; filename="log.csv"',
        "Cache-Control": "no-store",
    }
    table = deeds_csv(checked_id(project) if project else "")
    return Response("\ufeff" + table, media_type="text/csv; charset=utf-8", headers=headers)


def _asked_for(request: Request) -> Project:
    """The project in the address, if whoever asks may look at it. Raises NotFound."""
    project_id = checked_id(request.path_params["id"])
    require("look", project_id)
    project = get_project(project_id)
    if project.deleted_at is not None:
        raise NotFound("This project was deleted. Restore it from the trash.")
    return project


def _kept(project: Project) -> RunRow | None:
    finished = [run for run in runs(project.id) if status(run.folder).state == "finished"]
    return kept_among(project, finished)


def _exported(run: RunRow, form: str) -> Path | None:
    for job in recent_jobs("export", run=run.id):
        if JobSpec.read(job).args.get("form", "zip") == form and (made := finished_result(job)):
            return made_by(job, made.get("file"))
    return None


def _short(project: Project) -> dict[str, Any]:
    return {"id": project.id, "title": project.title, "created_at": project.created_at}


def _run(run: RunRow, now: JobStatus, kept: RunRow | None) -> dict[str, Any]:
    return {
        "id": run.id,
        "title": run.title,
        "origin": run.origin,
        "version": run.dataset_id,
        "backbone": run.recipe.backbone,
        "strategy": run.recipe.strategy,
        "created_at": run.created_at,
        "state": now.state,
        "sentence": now.sentence,
        "kept": kept is not None and kept.id == run.id,
    }

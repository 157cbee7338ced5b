"""GET /graft/download/<job id>: what a finished job made, as a file to keep."""

import re
from http import HTTPStatus
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.errors import NotFound
from core.jobs.folder import job_path
from core.settings import Settings
from core.web.predictions import finished_result, job_table

_JOB_ID = re.compile(r"[0-9a-f]{16}")


class Downloads:
    """Hands out the file of an export job, or the predictions of a predict job as CSV."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home

    async def __call__(self, request: Request) -> Response:
        """The file, to be saved rather than shown."""
        job_id = request.path_params["job_id"]
        if not _JOB_ID.fullmatch(job_id):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        folder = job_path(self._home, job_id)
        result = await run_in_threadpool(finished_result, folder)
        if result is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is nothing to download here yet.")
        if "predictions" in result:
            try:
                table = await run_in_threadpool(job_table, folder)
            except NotFound as error:
                raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
            return _attachment(table, "predictions.csv")
        file = _made_by(folder, result.get("file"))
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "The file is gone. Export it again.")
        return FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})


def _made_by(folder: Path, named: object) -> Path | None:
    """The file that a result names, if it is there and inside the job's own folder."""
    if not isinstance(named, str) or not named.isprintable():
        return None
    try:
        file = (folder / named).resolve()
        inside = file.is_relative_to(folder.resolve())
        return file if inside and file.is_file() else None
    except OSError:  # a name too long, or links in a circle
        return None


def _attachment(text: str, name: str) -> Response:
    # The byte order mark makes spreadsheets read the file as UTF-8.
    return Response(
        ("\ufeff" + text).encode("utf-8", "replace"),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )

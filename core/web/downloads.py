"""What a finished job made: GET /graft/download/<job id>, a file to keep; for answers a CSV file,
with ?form=xlsx an Excel workbook. GET /graft/answer/<job id>/<n>, the thumbnail of an answer. And
GET /graft/page/<job id>, the one-file page that an export made, to be opened in the browser.
"""

import re
from http import HTTPStatus
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.errors import GraftError
from core.jobs.answers import finished_result, thumbnail_file
from core.jobs.folder import job_path
from core.jobs.permission import may_read
from core.settings import Settings
from core.web.images import for_ever
from core.web.predictions import job_table
from core.web.uploads import file_number

_JOB_ID = re.compile(r"[0-9a-f]{16}")
PAGE_POLICY = (
    "sandbox allow-scripts allow-downloads; connect-src 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Beside the page's own policy, which names its scripts: it is no part of this app, so it neither
reads what the app left in the browser nor asks this server for anything."""
_NOTHING = "There is nothing to download yet."
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Downloads:
    """Hands out the file of an export job, or the predictions of a predict job as a table."""

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home

    async def __call__(self, request: Request) -> Response:
        """The file, to be saved rather than shown."""
        folder = await self._folder(request)
        result = await run_in_threadpool(finished_result, folder)
        if result is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, _NOTHING)
        if "predictions" in result:
            as_xlsx = request.query_params.get("form") == "xlsx"
            try:
                table = await run_in_threadpool(job_table, folder, as_xlsx=as_xlsx)
            except GraftError as error:
                raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
            return _attachment(table, as_xlsx=as_xlsx)
        file = made_by(folder, result.get("file"))
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "The file is gone. Export it again.")
        return FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})

    async def page(self, request: Request) -> Response:
        """The one-file page, to be opened rather than saved, and kept apart from the app."""
        folder = await self._folder(request)
        result = await run_in_threadpool(finished_result, folder) or {}
        file = made_by(folder, result.get("file")) if result.get("format") == "page" else None
        if file is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no page here. Export it again.")
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": PAGE_POLICY}
        return FileResponse(file, media_type="text/html", headers=headers)

    async def thumbnail(self, request: Request) -> FileResponse:
        """The small JPEG of an image that was asked about."""
        folder = await self._folder(request)
        try:
            file = thumbnail_file(folder, file_number(request.path_params["n"]))
        except GraftError as error:
            raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
        if not await run_in_threadpool(file.is_file):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(file, media_type="image/jpeg", headers=for_ever())

    async def _folder(self, request: Request) -> Path:
        """The job's; 404 also for one that the actor may not look at."""
        job_id = request.path_params["job_id"]
        if not _JOB_ID.fullmatch(job_id):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        folder = job_path(self._home, job_id)
        if not await run_in_threadpool(may_read, folder):
            raise HTTPException(HTTPStatus.NOT_FOUND, _NOTHING)
        return folder


def made_by(folder: Path, named: object) -> Path | None:
    """The file that a result names, if it is there and inside the job's own folder."""
    if not isinstance(named, str) or not named.isprintable():
        return None
    try:
        file = (folder / named).resolve()
        inside = file.is_relative_to(folder.resolve())
        return file if inside and file.is_file() else None
    except OSError:  # a name too long, or links in a circle
        return None


def _attachment(table: bytes, *, as_xlsx: bool) -> Response:
    name = "predictions.xlsx" if as_xlsx else "predictions.csv"
    return Response(
        table,
        media_type=_XLSX if as_xlsx else "text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )

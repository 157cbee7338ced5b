"""GET /graft/download/<job id>: what a finished job made, as a file to keep."""

import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.settings import Settings
from core.web.predictions import finished_result, job_predictions, predictions_csv

_JOB_ID = re.compile(r"[0-9a-f]{16}")


class Downloads:
    """Hands out the file of an export job, or the predictions of a predict job as CSV."""

    def __init__(self, settings: Settings) -> None:
        self._jobs = settings.home / "jobs"

    async def __call__(self, request: Request) -> Response:
        """The file, to be saved rather than shown."""
        job_id = request.path_params["job_id"]
        if not _JOB_ID.fullmatch(job_id):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        folder = self._jobs / job_id
        result = finished_result(folder)
        if result is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is nothing to download here yet.")
        if "predictions" in result:
            return _attachment(predictions_csv(job_predictions(folder)), "predictions.csv")
        file = (folder / str(result.get("file", ""))).resolve()
        if not file.is_file() or not file.is_relative_to(folder.resolve()):
            raise HTTPException(HTTPStatus.NOT_FOUND, "The file is gone. Export it again.")
        return FileResponse(file, filename=file.name, headers={"Cache-Control": "no-store"})


def _attachment(text: str, name: str) -> Response:
    # The byte order mark makes spreadsheets read the file as UTF-8.
    return Response(
        "\ufeff" + text,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )

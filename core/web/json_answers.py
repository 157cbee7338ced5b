"""Answers for programs: JSON, and of what went wrong the sentence and its status."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from core.errors import BadInput, BadRecipe, GraftError, Hindered, NotAllowed

RETRY = {"Retry-After": "5"}
_PRIVATE = {"Cache-Control": "no-store"}


def told(document: Any) -> JSONResponse:
    """What was asked for."""
    return JSONResponse(document, headers=_PRIVATE)


def refused(error: GraftError, **headers: str) -> JSONResponse:
    """`{"error": sentence}`: 403 may not, 400 asked wrongly, 503 may go well later, else 404."""
    more = {**_PRIVATE, **headers}
    match error:
        case NotAllowed():
            status = HTTPStatus.FORBIDDEN
        case BadInput() | BadRecipe():
            status = HTTPStatus.BAD_REQUEST
        case Hindered():
            status, more = HTTPStatus.SERVICE_UNAVAILABLE, more | RETRY
        case _:
            status = HTTPStatus.NOT_FOUND
    return JSONResponse({"error": str(error)}, status, more)

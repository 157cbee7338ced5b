"""PUT /graft/upload/<upload id>/<n>: one file, streamed to disk, counted as it arrives."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from http import HTTPStatus
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from core.errors import GraftError
from core.settings import Settings
from core.web.intake import Arriving, Intake, Refused, status_of
from core.web.origin import from_own_pages
from core.web.uploads import file_number

LONGEST_NAME = 4096
"""Characters of a path as brought; more than any file system allows."""

_PIECE = 256 * 1024
"""Bytes of a body that are held in memory before they are written."""

_LAST = {"Connection": "close"}
"""With a refusal: what is still to come of the body shall not be waited for."""


class Receiver:
    """Takes files in."""

    def __init__(self, settings: Settings) -> None:
        self._intake = Intake(settings)
        self._patience = settings.upload_idle_seconds

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer `{"n", "bytes"}`, or `{"error": sentence}` with a status of 400 or more."""
        try:
            n = file_number(request.path_params["n"])
            size = await self._receive(request, n)
        except GraftError as error:
            return JSONResponse({"error": str(error)}, status_of(error), _LAST)
        except ClientDisconnect:
            return JSONResponse({"error": "The connection was lost."}, HTTPStatus.BAD_REQUEST)
        return JSONResponse({"n": n, "bytes": size})

    async def _receive(self, request: Request, n: int) -> int:
        require_same_origin(request)
        name, announced = _name_of(request), _announced(request)
        upload_id = request.path_params["upload_id"]
        arriving = await run_in_threadpool(self._intake.begin, upload_id, n, name, announced)
        try:
            await self._stream(request.stream(), arriving)
            return await run_in_threadpool(arriving.complete)
        finally:
            arriving.end()

    async def _stream(self, chunks: AsyncIterator[bytes], arriving: Arriving) -> None:
        """Write the body as it comes, piece by piece."""
        waiting = bytearray()
        while (chunk := await self._next(chunks)) is not None:
            waiting += chunk
            if len(waiting) >= _PIECE:
                await run_in_threadpool(arriving.write, waiting)
                waiting = bytearray()
        await run_in_threadpool(arriving.write, waiting)

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next piece of the body, None at its end. Refused when nothing comes for long."""
        try:
            async with asyncio.timeout(self._patience):
                return await anext(chunks, None)
        except TimeoutError as error:
            raise Refused(
                HTTPStatus.REQUEST_TIMEOUT,
                "Nothing more arrived. Check the connection, then send the remaining files again.",
            ) from error


def require_same_origin(request: Request) -> None:
    """Refuse a request that another site's page made the browser send."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin" or not from_own_pages(request.headers):
        raise Refused(HTTPStatus.FORBIDDEN, "Files are only accepted from Graft's own pages.")


def _announced(request: Request) -> int:
    """Bytes that the body is said to have; 0 where that is not said."""
    text = request.headers.get("content-length", "")
    # Longer than any number of bytes, and than Python reads as one.
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


def _name_of(request: Request) -> str:
    try:
        name = unquote(request.headers.get("x-graft-name", ""), errors="strict")
    except UnicodeDecodeError:
        name = ""
    if not name or len(name) > LONGEST_NAME:
        raise Refused(
            HTTPStatus.BAD_REQUEST, "The file has no usable name. Rename it, then send it again."
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "A file name contains characters that cannot be displayed. Rename the file, then "
            "send it again.",
        )
    return name

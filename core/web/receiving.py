"""PUT /graft/upload/<upload id>/<n>: one file, streamed to disk, counted as it arrives."""

import errno
import os
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from core.errors import GraftError
from core.settings import MiB, Settings
from core.web.uploads import note_received, received_bytes, upload_folder

LONGEST_NAME = 4096
"""Characters of a path as brought; more than any file system allows."""


class Refused(GraftError):
    """A request that is turned away, with the HTTP status that says so."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Receiver:
    """Takes files in. Remembers how much each open upload holds, so limits cost nothing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held: dict[str, dict[int, int]] = {}

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer `{"n", "bytes"}`, or `{"error": sentence}` with a status of 400 or more."""
        try:
            size = await self._receive(request)
        except Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)
        except GraftError as error:
            return JSONResponse({"error": str(error)}, HTTPStatus.NOT_FOUND)
        except ClientDisconnect:
            return JSONResponse({"error": "The connection broke off."}, HTTPStatus.BAD_REQUEST)
        return JSONResponse({"n": request.path_params["n"], "bytes": size})

    async def _receive(self, request: Request) -> int:
        require_same_origin(request)
        upload_id, n = request.path_params["upload_id"], request.path_params["n"]
        folder = upload_folder(self._settings.home, upload_id)
        name = _name_of(request)
        held = self._held.setdefault(upload_id, received_bytes(folder))
        self._require_room(request, held, n)
        limit = self._room(held, n)
        size = await _stream_to(folder / str(n), request.stream(), limit, self._too_large(name))
        await run_in_threadpool(note_received, folder, n, name, size)
        held[n] = size
        return size

    def _room(self, held: dict[int, int], n: int) -> int:
        others = sum(size for other, size in held.items() if other != n)
        return min(self._settings.max_upload_bytes, self._settings.max_unpacked_bytes - others)

    def _require_room(self, request: Request, held: dict[int, int], n: int) -> None:
        """Refuse by the announced size, before any byte is read; actual bytes count later."""
        if n >= self._settings.max_entries:
            most = f"{self._settings.max_entries:,}"
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"More than {most} files at once are not taken. Bring them in several portions.",
            )
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._room(held, n):
            raise self._too_large(_name_of(request))

    def _too_large(self, name: str) -> Refused:
        most = self._settings.max_upload_bytes / MiB
        return Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"“{name}” is too large: one file may have up to {most:,.0f} MB, all together up to "
            f"{self._settings.max_unpacked_bytes / MiB:,.0f} MB.",
        )


def require_same_origin(request: Request) -> None:
    """Refuse a request that another site's page made the browser send."""
    origin = request.headers.get("origin")
    fetch_site = request.headers.get("sec-fetch-site")
    host = request.headers.get("host", "")
    if origin is not None:
        same = urlsplit(origin).netloc == host and fetch_site in (None, "same-origin")
    else:
        same = fetch_site == "same-origin"
    if not same:
        raise Refused(HTTPStatus.FORBIDDEN, "Files are only taken from Graft's own pages.")


def _name_of(request: Request) -> str:
    try:
        name = unquote(request.headers.get("x-graft-name", ""), errors="strict")
    except UnicodeDecodeError:
        name = ""
    if not name or len(name) > LONGEST_NAME:
        raise Refused(HTTPStatus.BAD_REQUEST, "The file came without a usable name.")
    return name


async def _stream_to(
    target: Path, chunks: AsyncIterator[bytes], limit: int, too_large: Refused
) -> int:
    """Write the body beside `target` and move it there when it is whole. Returns its size."""
    part = target.with_name(target.name + ".part")
    size, waiting = 0, bytearray()
    try:
        with part.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise too_large
                waiting += chunk
                if len(waiting) >= MiB:
                    await run_in_threadpool(file.write, waiting)
                    waiting = bytearray()
            await run_in_threadpool(file.write, waiting)
        os.replace(part, target)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Refused(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "The disk is full. Free some space, then send the remaining files again.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return size

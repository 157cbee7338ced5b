"""The camera's routes: begin a live job, ask it about one frame after the other, end it.

    POST   /graft/live/{run_id}   {"job": id}
    PUT    /graft/live/{job_id}   a JPEG; its answer as core.analysis.prediction tells it, or
                                  {"ended": true} where a new job has to begin
    DELETE /graft/live/{job_id}

The model answers in a process of the worker's; this one only hands frames on (core.jobs.frames).
"""

import asyncio
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core.errors import GraftError, NotFound
from core.events import Failed
from core.jobs.folder import job_path
from core.jobs.frames import MOST_BYTES, leave_frame, take_answer, take_back
from core.jobs.permission import require_job
from core.jobs.queue import new_job, status, stop, submit
from core.jobs.spec import JobSpec
from core.jobs.summary import summary
from core.projects import run_folder
from core.settings import Settings
from core.web.intake import Refused, status_of
from core.web.receiving import require_same_origin

KIND = "live"
PATIENCE = 4.0
"""Seconds that a request waits for its answer; then the browser asks again."""
LEAST_SECONDS = 0.04
"""Between two frames of one session."""
_MOST_SESSIONS = 64
"""Whose last frame is remembered."""
_LOOK_SECONDS, _LOOK_AT_JOB_SECONDS = 0.004, 0.5
_ID = re.compile(r"[0-9a-f]{16}")
_JPEG = b"\xff\xd8\xff"
_BODY_SECONDS = 10.0
_LAST = {"Connection": "close"}


class LiveCamera:
    """Hands frames to live jobs, one of a session at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sessions = _Sessions()

    async def begin(self, request: Request) -> Response:
        """Submit a live job for a run's model."""
        return await _answered(request, self._begin)

    async def frame(self, request: Request) -> Response:
        """Answer one frame; 202 with a sentence while there is no answer yet."""
        return await _answered(request, self._frame)

    async def end(self, request: Request) -> Response:
        """Stop the job."""
        return await _answered(request, self._end)

    async def _begin(self, request: Request, run_id: str) -> Response:
        def submitted() -> str:
            run = run_folder(run_id)
            if not run.is_dir() or status(run).state != "finished":
                raise NotFound("There is no model here yet: its training has not ended.")
            folder = new_job()
            submit(KIND, folder, {"run": run_id})
            return folder.name

        return JSONResponse({"job": await run_in_threadpool(submitted)}, HTTPStatus.CREATED)

    async def _frame(self, request: Request, job_id: str) -> Response:
        folder = await run_in_threadpool(self._folder, job_id)
        with self._sessions.one_frame(job_id):
            content = await _body(request)
            row = await run_in_threadpool(_ask, folder, content)
        if row is None:
            waiting = await run_in_threadpool(lambda: status(folder).sentence)
            return JSONResponse({"waiting": waiting}, HTTPStatus.ACCEPTED)
        if "error" in row:
            return JSONResponse(row, HTTPStatus.UNPROCESSABLE_ENTITY)
        # Not a JSONResponse, which raises for a number that is none.
        return Response(json.dumps(row), media_type="application/json")

    async def _end(self, request: Request, job_id: str) -> Response:
        await run_in_threadpool(stop, await run_in_threadpool(self._folder, job_id))
        return JSONResponse({})

    def _folder(self, job_id: str) -> Path:
        folder = job_path(self._settings.home, job_id)
        if JobSpec.read(folder).kind != KIND:
            raise NotFound("This job has no camera.")
        require_job("test", folder)
        return folder


class _Sessions:
    """When each session sent its last frame, and which have one under way."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, float] = OrderedDict()
        self._busy: set[str] = set()
        self._guard = threading.Lock()

    @contextmanager
    def one_frame(self, job_id: str) -> Iterator[None]:
        """While this lasts, the session may send no other. Raises Refused."""
        with self._guard:
            now = time.monotonic()
            soon = now - self._last.get(job_id, -LEAST_SECONDS) < LEAST_SECONDS
            if soon or job_id in self._busy or len(self._busy) >= _MOST_SESSIONS:
                raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "Too many frames at once.")
            self._busy.add(job_id)
            self._last[job_id] = now
            self._last.move_to_end(job_id)
            while len(self._last) > _MOST_SESSIONS:
                self._last.popitem(last=False)
        try:
            yield
        finally:
            with self._guard:
                self._busy.discard(job_id)


def _ask(folder: Path, content: bytes) -> dict[str, Any] | None:
    """The job's answer about a frame, or that it has ended; None where it takes too long."""
    since, name = JobSpec.read(folder).since, _left(folder, content)
    until, look_at_job = time.monotonic() + PATIENCE, 0.0
    try:
        while (now := time.monotonic()) < until:
            if row := take_answer(folder, name):
                return row
            if now >= look_at_job:
                look_at_job = now + _LOOK_AT_JOB_SECONDS
                if _has_ended(folder, since):
                    return {"ended": True}
            time.sleep(_LOOK_SECONDS)
        return None
    finally:
        take_back(folder, name)


def _left(folder: Path, content: bytes) -> str:
    try:
        return leave_frame(folder, content)
    except FileNotFoundError as error:
        raise NotFound("This job does not exist (any more).") from error
    except OSError as error:
        raise Refused(
            HTTPStatus.INSUFFICIENT_STORAGE, "The disk is full. Free some space, then try again."
        ) from error


def _has_ended(folder: Path, since: int) -> bool:
    """Whether the job is over, and a new one may go on. Raises Refused where it failed."""
    with summary(folder) as known:
        last = known.last_word(since)
    if isinstance(last, Failed):
        raise Refused(HTTPStatus.CONFLICT, last.sentence)
    return last is not None


async def _body(request: Request) -> bytes:
    """The JPEG that was sent. Raises Refused for anything else."""
    content = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A frame has at most 1 MB.")
    except TimeoutError as error:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "The frame did not arrive in time.") from error
    if not content.startswith(_JPEG):
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A frame is a JPEG.")
    return bytes(content)


async def _answered(request: Request, answer: Callable[[Request, str], Any]) -> Response:
    """What comes of a request from one of Graft's own pages, refusals as sentences."""
    try:
        require_same_origin(request)
        name = request.path_params["id"]
        if not _ID.fullmatch(name):
            raise NotFound("There is nothing of this name.")
        made: Response = await answer(request, name)
    except GraftError as error:
        return JSONResponse({"error": str(error)}, status_of(error), _LAST)
    except ClientDisconnect:
        return JSONResponse({"error": "The connection broke off."}, HTTPStatus.BAD_REQUEST)
    return made

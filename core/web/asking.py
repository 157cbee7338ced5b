"""POST /api/projects/<id>/predict: what the model that a project keeps says about images.

The images are the body, or the files of a form; the answer is that of core.export.model_server,
which runs in a process of its own for each model that is asked. It reads files that may be hostile
and runs the graph; this process only hands bodies on. The first time, a job writes the graph:
meanwhile the answer is 503 with Retry-After.
"""

import asyncio
import tempfile
import threading
from collections import OrderedDict
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core.access import require
from core.errors import GraftError
from core.export.bundle import put_server
from core.export.running_server import Answer, RunningServer
from core.export.served_graph import served_graph
from core.jobs.folder import idle_seconds
from core.jobs.kept_model import kept_run
from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.projects import checked_id
from core.settings import MiB, Settings
from core.web.intake import Refused
from core.web.json_answers import refused
from core.web.receiving import require_same_origin

KIND = "served-graph"
MOST_BYTES = 64 * MiB
"""Of the images of one request."""
_MOST_AT_ONCE = 8
_MOST_SERVERS = 2
_IDLE_SECONDS = 600.0
"""A model that nobody asks for so long is put away."""
_IN_MEMORY = MiB
_BODY_SECONDS = 60.0
_TRY_AGAIN_SECONDS = 60.0
"""After a failure, before the graph is written anew."""
_AGAIN = {"Retry-After": "5", "Connection": "close"}
_LAST = {"Connection": "close"}
_HANDED_BACK = ("content-type", "retry-after")


class ProjectModels:
    """Answers with the models that projects keep."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._servers = _Servers()
        self._under_way = 0

    async def predict(self, request: Request) -> Response:
        """The rows of core.export.model_server, or `{"error": sentence}`."""
        if self._under_way >= _MOST_AT_ONCE:
            return _later("Too many requests at once. Try again in a moment.")
        self._under_way += 1
        try:
            return await self._answer(request)
        except Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status, _LAST)
        except GraftError as error:
            return refused(error, **_LAST)
        except ClientDisconnect:
            return JSONResponse({"error": "The connection was lost."}, HTTPStatus.BAD_REQUEST)
        finally:
            self._under_way -= 1

    async def _answer(self, request: Request) -> Response:
        require_same_origin(request)
        project = checked_id(request.path_params["id"])
        await run_in_threadpool(require, "test", project)
        run = (await run_in_threadpool(kept_run, project)).folder
        graph = await run_in_threadpool(self._graph, run)
        if graph is None:
            return _later("The model is being prepared. Try again in a moment.")
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            size = await _receive(request, cast(BinaryIO, body))
            kind = request.headers.get("content-type", "application/octet-stream")
            headers = {"Content-Length": str(size), "Content-Type": kind}
            path = f"/predict?name={quote(request.query_params.get('name', 'image'))}"
            try:
                answer = await run_in_threadpool(
                    self._servers.ask, graph, path, cast(BinaryIO, body), headers
                )
            except (GraftError, OSError, HTTPException):
                return _later("The model did not answer. Try again in a moment.")
        told = {name: answer.headers[name] for name in _HANDED_BACK if name in answer.headers}
        return Response(answer.body, answer.status, told)

    def _graph(self, run: Path) -> Path | None:
        """The graph; None while a job is at it, which is handed in where there is none. Raises
        Refused with the reason where that failed a moment ago."""
        if found := self._servers.loaded(run) or served_graph(run, self._settings):
            return found
        newest = next(iter(recent_jobs(KIND, run=run.name)), None)
        if newest is not None:
            now = status(newest)
            if now.active:
                return None
            if now.state == "failed" and idle_seconds(newest) < _TRY_AGAIN_SECONDS:
                raise Refused(HTTPStatus.CONFLICT, now.sentence)
        submit(KIND, new_job(), {"run": run.name})
        return None


class _Servers:
    """A server for each of the models that were asked last. Safe to use from several threads."""

    def __init__(self) -> None:
        self._running: OrderedDict[Path, RunningServer] = OrderedDict()
        self._scripts: tempfile.TemporaryDirectory[str] | None = None
        self._guard = threading.Lock()

    def loaded(self, run: Path) -> Path | None:
        """The graph of a run that a server has in memory: then its file need not be looked at."""
        with self._guard:
            servers = self._running.items()
            return next((g for g, each in servers if run in g.parents and each.is_alive), None)

    def ask(self, graph: Path, path: str, body: BinaryIO, headers: dict[str, str]) -> Answer:
        """The answer of the graph's server. Raises CannotStart, OSError or HTTPException."""
        return self._server(graph).ask("POST", path, body, headers)

    def _server(self, graph: Path) -> RunningServer:
        with self._guard:
            known = self._running.pop(graph, None)
            if known is not None and not known.is_alive:
                known.close()
                known = None
            while len(self._running) >= _MOST_SERVERS:
                self._running.popitem(last=False)[1].close()
            self._running[graph] = known or self._started(graph)
            return self._running[graph]

    def _started(self, graph: Path) -> RunningServer:
        if self._scripts is None:
            self._scripts = tempfile.TemporaryDirectory(prefix="graft-server-")
            put_server(Path(self._scripts.name))
        options = ("--idle", _IDLE_SECONDS, "--max-megabytes", MOST_BYTES // MiB)
        return RunningServer(Path(self._scripts.name) / "server.py", "--model", graph, *options)


async def _receive(request: Request, body: BinaryIO) -> int:
    """The body into a file, from whose beginning it is read then; gives its bytes. Raises
    Refused."""
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MOST_BYTES:
                    most = MOST_BYTES // MiB
                    raise Refused(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"A request has at most {most} MB: send fewer images at once.",
                    )
                await run_in_threadpool(body.write, chunk)
    except TimeoutError as error:
        raise Refused(
            HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time. Send it again."
        ) from error
    body.seek(0)
    return size


def _later(sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, HTTPStatus.SERVICE_UNAVAILABLE, _AGAIN)

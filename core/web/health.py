"""GET /healthz, whether this process answers; GET /readyz, whether the whole product can work.

Whoever asks need not be known, so the answers name parts in fixed words and nothing else: no path,
no address of a database. The reason goes to the log. Looking is done at most every other second,
however often somebody asks.
"""

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from core.jobs.engine import open_queue
from core.jobs.lock import worker_alive
from core.projects.database import session
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_NOT_KEPT = {"Cache-Control": "no-store"}
_LOOK_SECONDS = 2.0
_PATIENCE = 15.0
"""Seconds for all parts together: a database that never answers counts as away."""

SAYS = {
    "database": "The database of projects does not answer.",
    "queue": "The database of jobs does not answer.",
    "home": "The home folder cannot be written to.",
    "worker": "No worker is running.",
}
"""Every part, and the sentence that is said when it is not there."""


async def alive(_: Request) -> Response:
    """200 for as long as this process answers at all."""
    return PlainTextResponse("ok", headers=_NOT_KEPT)


class Readiness:
    """Looks after each part of the product."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._looked = float("-inf")
        self._known: Mapping[str, bool] = {}
        self._looking = asyncio.Lock()

    async def ready(self, _: Request) -> Response:
        """200, or 503 with a sentence for each part that is not there."""
        missing = {part: SAYS[part] for part, there in (await self.parts()).items() if not there}
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        answer = {"ready": not missing, "missing": missing}
        return JSONResponse(answer, status, headers=_NOT_KEPT)

    async def parts(self) -> Mapping[str, bool]:
        """Each part of SAYS, and whether it is there."""
        async with self._looking:
            if self._clock() - self._looked >= _LOOK_SECONDS:
                self._known = await self._look()
                self._looked = self._clock()
            return self._known

    async def _look(self) -> Mapping[str, bool]:
        looks = {
            "database": _ask_database,
            "queue": _ask_queue,
            "home": _write_home,
            "worker": _find_worker,
        }
        found = await asyncio.gather(*(self._there(part, look) for part, look in looks.items()))
        return dict(zip(looks, found, strict=True))

    async def _there(self, part: str, look: Callable[[Settings], bool]) -> bool:
        try:
            # Not Starlette's threads: those would be waited for to the end.
            return await asyncio.wait_for(asyncio.to_thread(look, self._settings), _PATIENCE)
        # Whatever is wrong with a part, the answer is that it is not there.
        except Exception as error:  # noqa: BLE001
            _LOG.warning("Not ready: %s: %s", SAYS[part], error or type(error).__name__)
            return False


def _ask_database(settings: Settings) -> bool:
    with session(settings) as opened:
        return bool(opened.execute(text("SELECT count(*) FROM alembic_version")).scalar_one())


def _ask_queue(settings: Settings) -> bool:
    open_queue(settings).list_workflows(limit=1, load_input=False, load_output=False)
    return True


def _write_home(settings: Settings) -> bool:
    with tempfile.NamedTemporaryFile(dir=settings.home, prefix=".probe.") as probe:
        probe.write(bytes(1))
        probe.flush()
    return True


def _find_worker(settings: Settings) -> bool:
    return worker_alive(settings.home)

"""GET /metrics: what Prometheus asks for, in its own text format.

Numbers and the names of kinds and queues, nothing of any project. What is counted by this process
alone (open sockets, its memory) is so for each web process; everything about jobs is the home's.
"""

import logging
import shutil
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access import acting
from core.errors import GraftError
from core.jobs.counts import in_queues
from core.jobs.tally import BOUNDS, Tally, tallies
from core.settings import Settings
from core.web.health import Readiness

_LOG = logging.getLogger(__name__)


class Sessions:
    """Counts the sockets of browsers: Streamlit has one open for each tab that shows a page."""

    open = 0

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        Sessions.open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            Sessions.open -= 1


class Metrics:
    """Gathers the numbers when they are asked for."""

    def __init__(self, settings: Settings, readiness: Readiness) -> None:
        self._settings = settings
        self._readiness = readiness

    async def __call__(self, _: Request) -> Response:
        """All of them as text, for administrators and their tokens."""
        actor = acting()
        if not (actor.machine or actor.admin):
            return PlainTextResponse("Only an administrator of this server may read this.\n", 403)
        parts = await self._readiness.parts()
        content = await run_in_threadpool(self._text, dict(parts))
        headers = {"Cache-Control": "no-store"}
        return Response(content, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=headers)

    def _text(self, parts: dict[str, bool]) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(_Figures(self._settings, parts))
        return generate_latest(registry)


class _Figures(Collector):
    """Those of one moment."""

    def __init__(self, settings: Settings, parts: dict[str, bool]) -> None:
        self._settings, self._parts = settings, parts

    def collect(self) -> Iterator[Metric]:
        """Each family with its samples."""
        up = GaugeMetricFamily("graft_up", "Whether a part is there: 1 or 0.", labels=["part"])
        for part, there in self._parts.items():
            up.add_metric([part], there)
        yield up
        if self._parts["queue"]:
            yield from _waiting_and_running(self._settings)
        yield from _ended(tallies(self._settings.home))
        yield from _disk(self._settings)
        yield GaugeMetricFamily(
            "graft_sessions", "Pages that are open at this web process.", value=Sessions.open
        )


def _waiting_and_running(settings: Settings) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("graft_jobs_waiting", "Jobs that wait.", labels=["queue"])
    running = GaugeMetricFamily("graft_jobs_running", "Jobs that were begun.", labels=["queue"])
    try:
        for queue, count in in_queues(settings).items():
            waiting.add_metric([queue], count.waiting)
            running.add_metric([queue], count.running)
    except GraftError as error:  # away since it was looked after
        _LOG.warning("The jobs could not be counted: %s", error)
        return
    yield waiting
    yield running


def _ended(known: dict[str, Tally]) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "graft_jobs_ended", "Jobs that ended, by kind and how.", labels=["kind", "outcome"]
    )
    seconds = HistogramMetricFamily(
        "graft_job_seconds", "Working time of the jobs that finished, by kind.", labels=["kind"]
    )
    for kind, tally in known.items():
        for outcome in ("finished", "failed", "stopped"):
            ended.add_metric([kind, outcome], getattr(tally, outcome))
        so_far, buckets = 0, []
        for bound, within in zip(BOUNDS, tally.within, strict=True):
            so_far += within
            buckets.append((str(bound), so_far))
        buckets.append(("+Inf", tally.finished))
        seconds.add_metric([kind], buckets, tally.seconds)
    yield ended
    yield seconds


def _disk(settings: Settings) -> Iterator[Metric]:
    try:
        disk = shutil.disk_usage(settings.home)
    except OSError as error:
        _LOG.warning("The disk could not be measured: %s", error.strerror)
        return
    of_home = "of the disk that holds the home folder."
    yield GaugeMetricFamily("graft_disk_used_bytes", f"Bytes in use {of_home}", value=disk.used)
    yield GaugeMetricFamily("graft_disk_free_bytes", f"Free bytes {of_home}", value=disk.free)

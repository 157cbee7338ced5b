"""Who may ask, how much at once and for how long; and what is counted. A file beside server.py."""

import asyncio
import hmac
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MiB = 1024 * 1024
OPEN_PATHS = (
    "/healthz",
    "/readyz",
    "/docs",
    "/openapi.json",
    "/v2/health/live",
    "/v2/health/ready",
)
"""They tell nothing of the model, and need no token."""
_AGAIN = {"Retry-After": "1"}
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class Limits:
    """What a request may cost."""

    body_bytes: int = 64 * MiB
    all_bodies_bytes: int = 256 * MiB
    """Of all requests under way together."""
    json_bytes: int = 16 * MiB
    """Of text, which takes several times its length once it is understood."""
    images: int = 64
    pixels: int = 100_000_000
    """Of one image, which also has so much memory and time to be read:"""
    reading_bytes: int = 768 * MiB
    reading_seconds: float = 20.0
    in_flight: int = 32
    seconds: float = 60.0


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in ASCII, whatever letters a name has."""
    return Response(json.dumps(content), status, headers, "application/json")


class Metrics:
    """What was asked since the start, as Prometheus reads it."""

    def __init__(self) -> None:
        self.codes: Counter[int] = Counter()
        self.within: Counter[float] = Counter()
        self.seconds = 0.0
        self.images = 0
        self.in_flight = 0
        self.last = time.monotonic()

    def note(self, code: int, seconds: float) -> None:
        """A request was answered."""
        self.codes[code] += 1
        self.seconds += seconds
        self.within.update(limit for limit in _BUCKETS if seconds <= limit)

    def text(self) -> str:
        """In Prometheus's format."""
        n, name = self.codes.total(), "graft_request_seconds"
        lines = ["# TYPE graft_requests_total counter"]
        lines += [f'graft_requests_total{{code="{c}"}} {k}' for c, k in sorted(self.codes.items())]
        lines += [f"# TYPE {name} histogram"]
        lines += [f'{name}_bucket{{le="{limit}"}} {self.within[limit]}' for limit in _BUCKETS]
        lines += [f'{name}_bucket{{le="+Inf"}} {n}']
        lines += [f"{name}_sum {self.seconds:.6f}", f"{name}_count {n}"]
        lines += ["# TYPE graft_images_total counter", f"graft_images_total {self.images}"]
        lines += ["# TYPE graft_in_flight gauge", f"graft_in_flight {self.in_flight}"]
        return "\n".join(lines) + "\n"


class Gate:
    """Stands before the app: turns away what is foreign or too much, and counts the rest."""

    def __init__(self, app: ASGIApp, *, limits: Limits, token: str, metrics: Metrics) -> None:
        """Without a `token` whoever reaches the port may ask."""
        self._app, self._limits, self._metrics = app, limits, metrics
        self._token = token.encode()
        self._bytes = 0
        """Of all bodies under way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, code = time.monotonic(), 500

        async def noting(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await send(message)

        try:
            if refusal := self._refusal(scope):
                await _refused(refusal)(scope, receive, noting)
            else:
                await self._admit(scope, receive, noting)
        finally:
            self._metrics.last = time.monotonic()
            self._metrics.note(code, self._metrics.last - began)

    def _refusal(self, scope: Scope) -> HTTPException | None:
        headers = Headers(scope=scope)
        if not _is_own_page(headers):
            return HTTPException(403, "Pages from other sites may not use this server.")
        if scope["path"] not in OPEN_PATHS and not self._knows(headers):
            needed = {"WWW-Authenticate": "Bearer"}
            return HTTPException(401, "Send the token: Authorization: Bearer …", needed)
        announced = headers.get("content-length", "")[:20]
        if announced.isdecimal() and int(announced) > self._limits.body_bytes:
            return self._too_large()
        if scope["method"] == "POST" and self._metrics.in_flight >= self._limits.in_flight:
            return HTTPException(503, "Too many requests at once. Try again in a moment.", _AGAIN)
        return None

    def _knows(self, headers: Headers) -> bool:
        """Whether the token is there; clients of Custom Vision send it as Prediction-Key."""
        if not self._token:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else headers.get("prediction-key", "")
        return hmac.compare_digest(given.encode(), self._token)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, whole, started = 0, False, False

        async def counted() -> Message:
            nonlocal size, whole
            message = await receive()
            more = len(message.get("body", b""))
            whole = not message.get("more_body", False)
            size += more
            self._bytes += more
            if size > self._limits.body_bytes:
                raise self._too_large()
            if self._bytes > self._limits.all_bodies_bytes:
                raise HTTPException(503, "Too much is arriving at once. Try again.", _AGAIN)
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        asks = scope["method"] == "POST"
        self._metrics.in_flight += asks
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, counted, noting)
        except TimeoutError:
            if not started:
                late = HTTPException(408, "The request did not arrive in time.")
                slow = HTTPException(503, "That took too long. Send fewer images at once.", _AGAIN)
                await _refused(slow if whole else late)(scope, receive, send)
        finally:
            self._metrics.in_flight -= asks
            self._bytes -= size

    def _too_large(self) -> HTTPException:
        most = self._limits.body_bytes // MiB
        return HTTPException(413, f"A request has at most {most} MB: send fewer images at once.")


def _refused(why: HTTPException) -> Response:
    """What is still to come of the body shall not be waited for."""
    headers = {**(why.headers or {}), "Connection": "close"}
    return as_json({"error": why.detail}, why.status_code, headers)


def _is_own_page(headers: Headers) -> bool:
    """Whether no page of another origin sent this; programs send no Origin."""
    origin = headers.get("origin")
    own = origin is None or origin.partition("://")[2] == headers.get("host", "")
    return own and headers.get("sec-fetch-site", "none") in ("none", "same-origin")

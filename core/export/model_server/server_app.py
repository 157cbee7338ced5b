"""All addresses of the server, and the process that answers them. A file beside server.py."""

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import classify
import server_customvision
import server_kserve
import uvicorn
from server_docs import OPENAPI, PAGE, POLICY
from server_limits import Gate, Limits, Metrics, MiB, as_json
from server_model import ServedModel, images_of
from server_reading import Readers
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

_MOST_READERS = 8
_MOST_CONNECTIONS = 512
_MOST_WAITING = 2048
"""Connections that are not accepted yet."""
_GOODBYE_SECONDS = 5
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_UNSAID = {
    404: "There is nothing at this address: /docs lists all.",
    405: "This address takes another method: see /docs.",
}
_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def serve(chosen: argparse.Namespace, token: str) -> int:
    """Answer until a signal; gives the exit code. `chosen` are the options of server.py."""
    limits = Limits(
        body_bytes=chosen.max_megabytes * MiB,
        all_bodies_bytes=max(4, chosen.max_in_flight // 8) * chosen.max_megabytes * MiB,
        images=chosen.max_images,
        pixels=chosen.max_megapixels * 1_000_000,
        in_flight=chosen.max_in_flight,
        seconds=chosen.timeout,
    )
    try:
        bound = _bound(chosen.host, chosen.port)
    except OSError as error:
        sys.stderr.write(
            f"{chosen.host}:{chosen.port} cannot be used ({error.strerror}): choose another one "
            "with --host or --port.\n"
        )
        return 1
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    address = f"http://{host}:{bound.getsockname()[1]}"
    if chosen.host not in _LOOPBACK and not token:
        sys.stderr.write("Whoever reaches this port can ask the model: set GRAFT_TOKEN.\n")
    names = [name.strip() for name in chosen.allowed_hosts.split(",") if name.strip()]
    hosts = [*_LOOPBACK, "[::1]", *names] if chosen.host in _LOOPBACK else ["*"]
    try:
        model = loaded(chosen, limits)
    except Exception as error:  # noqa: BLE001  # a file can be anything
        sys.stderr.write(f"{chosen.model} is no model of Graft's ({error}): export it again.\n")
        return 1
    said = f"Serving {model.name} at {address} ({address}/docs)\n"
    app = application(model, limits, token, hosts=hosts, idle=chosen.idle, said=said)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    uvicorn.Server(config).run([bound])
    return 0


def loaded(chosen: argparse.Namespace, limits: Limits) -> ServedModel:
    """The model, one thread for each of the requests that this computer answers at once."""
    run, about = classify.load(chosen.model, threads=1)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = max(1, cores or 1)
    readers = Readers(
        about,
        n=min(threads, _MOST_READERS),
        pixels=limits.pixels,
        memory=limits.reading_bytes,
        seconds=limits.reading_seconds,
    )
    return ServedModel(run, about, chosen.name, readers, threads=threads)


def application(
    model: ServedModel,
    limits: Limits,
    token: str,
    *,
    hosts: list[str],
    idle: float = 0.0,
    said: str = "",
) -> Starlette:
    """The ASGI app. It ends this process after `idle` seconds without a request (0: never), and
    writes what shall be `said` once it is ready."""
    metrics = Metrics()

    def count(images: int) -> None:
        metrics.images += images

    async def predict(request: Request) -> Response:
        rows = await model.rows(await images_of(request, limits.images))
        count(len(rows))
        answer = {"model": model.name, "predictions": rows}
        if all("error" in row for row in rows):
            return as_json({"error": rows[0]["error"], **answer}, 422)
        return as_json(answer)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_SAFE)

    async def counted(_: Request) -> Response:
        return PlainTextResponse(metrics.text(), headers=_SAFE)

    async def openapi(_: Request) -> Response:
        return as_json(OPENAPI)

    async def page(_: Request) -> Response:
        return HTMLResponse(PAGE, headers={**_SAFE, "Content-Security-Policy": POLICY})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await model.readers.start()
        watching = asyncio.create_task(_end_when_idle(metrics, idle))
        sys.stdout.write(said)
        sys.stdout.flush()
        yield
        watching.cancel()
        model.readers.close()

    return Starlette(
        routes=[
            Route("/predict", predict, methods=["POST"]),
            Route("/healthz", healthy),
            Route("/readyz", healthy),
            Route("/metrics", counted),
            Route("/openapi.json", openapi),
            Route("/docs", page),
            *server_kserve.routes(model, limits, count),
            *server_customvision.routes(model, limits, count),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
            Middleware(Gate, limits=limits, token=token, metrics=metrics),
        ],
        exception_handlers={HTTPException: _told, ClientDisconnect: _gone},
        lifespan=lifespan,
    )


async def _told(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code in (413, 503):  # what is still to come shall not be waited for
        headers["Connection"] = "close"
    said = error.detail
    if said == HTTPStatus(error.status_code).phrase:  # by whom there was nothing to say
        said = _UNSAID.get(error.status_code, said)
    return as_json({"error": said}, error.status_code, headers)


async def _gone(_: Request, __: Exception) -> Response:
    return as_json({"error": "The connection was lost."}, 400)


async def _end_when_idle(metrics: Metrics, seconds: float) -> None:
    while seconds:
        await asyncio.sleep(min(1.0, seconds))
        if not metrics.in_flight and time.monotonic() - metrics.last > seconds:
            signal.raise_signal(signal.SIGTERM)
            return


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that whoever is told of it at the start is not refused. It
    names TCP: only then are small answers sent at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # a port that was in use a moment ago counts as free
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(_MOST_WAITING)
    return made

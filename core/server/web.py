"""The web server: uvicorn on a port of its own making, with bounded connections.

It binds its port itself rather than being handed a socket: only then does it send small answers
at once (TCP_NODELAY); without, each waits some 44 ms on a connection that stays open
(benchmarks/serving.py).
"""

import sys
from collections.abc import Mapping
from typing import Any

import uvicorn

from core.log_form import begin_log
from core.process import raise_file_limit
from core.server.connections import BoundedHTTP, BoundedState, BoundedWebSocket, Sockets
from core.settings import Settings

_OTHER_FILES = 256
"""File descriptors that are kept for everything but connections."""
_GOODBYE_SECONDS = 5


def run(app: str, settings: Settings, options: Mapping[str, Any]) -> int:
    """Serve an ASGI app, given as "module:name", until a signal; gives the exit code.

    `options` go to `uvicorn.Config`: address, port, certificate, sizes and pings of WebSockets.
    """
    server = bounded_server(app, settings, options)
    server.run()
    return 0 if server.started else 1


def bounded_server(app: Any, settings: Settings, options: Mapping[str, Any]) -> uvicorn.Server:
    """A server, not running yet, for an ASGI app or the name of one."""
    config = uvicorn.Config(
        app,
        http=BoundedHTTP,
        ws=BoundedWebSocket,
        access_log=False,
        log_config=begin_log(settings.logs),
        lifespan="on",
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
        **options,
    )
    files = raise_file_limit()
    most = min(settings.max_connections, files - _OTHER_FILES if files else sys.maxsize)
    server = uvicorn.Server(config)
    server.server_state = BoundedState(Sockets(most, settings.max_connections_per_address))
    return server

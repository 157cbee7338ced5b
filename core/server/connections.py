"""Bounded connections: how many may be open, and how long one may take to say what it wants.

uvicorn has no time limit for a request's header, so a few hundred sockets that never finish one
would use up every file descriptor (slow loris). Here a newcomer takes the place of whoever has
been waiting longest without having asked for anything.
"""

import asyncio
from collections import Counter
from typing import Any, cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

HEADER_SECONDS = 10.0
"""How long a header may take: from the connection on, or from the end of the answer before."""
BODY_SECONDS = 60.0
"""How long the body of a request may pause."""

Transport = asyncio.Transport


class Sockets:
    """All open sockets of the server, and which of them wait without a request."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._address_of: dict[Transport, str] = {}
        self._per_address: Counter[str] = Counter()
        # Oldest first, as dicts are; all of them, and those of each address.
        self._waiting: dict[Transport, None] = {}
        self._waiting_from: dict[str, dict[Transport, None]] = {}

    def admit(self, transport: Transport) -> bool:
        """Count a new socket, which waits at first; False when there is no room for it."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._per_address[address] >= self._most_per_address:
            if not self._make_room(self._waiting_from.get(address, {})):
                return False
        elif len(self._address_of) >= self._most and not self._make_room(self._waiting):
            return False
        self._address_of[transport] = address
        self._per_address[address] += 1
        self.wait(transport)
        return True

    def wait(self, transport: Transport) -> None:
        """This one has no request under way (any more)."""
        if (address := self._address_of.get(transport)) is not None:
            self._waiting[transport] = None
            self._waiting_from.setdefault(address, {})[transport] = None

    def ask(self, transport: Transport) -> None:
        """This one has sent a whole header, and may stay."""
        if transport in self._waiting:
            address = self._address_of[transport]
            del self._waiting[transport], self._waiting_from[address][transport]
            if not self._waiting_from[address]:
                del self._waiting_from[address]

    def leave(self, transport: Transport) -> None:
        """This one is closed. Harmless to repeat."""
        self.ask(transport)
        if (address := self._address_of.pop(transport, None)) is not None:
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]

    def _make_room(self, waiting: dict[Transport, None]) -> bool:
        longest = next(iter(waiting), None)
        if longest is None:
            return False
        self.leave(longest)
        longest.abort()
        return True


class BoundedState(ServerState):
    """What all connections of a server share."""

    def __init__(self, sockets: Sockets) -> None:
        super().__init__()
        self.sockets = sockets


class BoundedHTTP(H11Protocol):
    """One HTTP connection, with its place among the others and its time limits."""

    _timer: asyncio.TimerHandle | None = None

    @property
    def _sockets(self) -> Sockets:
        return cast(BoundedState, self.server_state).sockets

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take it in, or close it at once."""
        if self._sockets.admit(transport):
            super().connection_made(transport)
            self._limit(HEADER_SECONDS)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place away."""
        if self.transport is not None:
            self._unlimit()
            self._sockets.leave(self.transport)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on with the request, and with the time that it has."""
        super().data_received(data)
        self._keep_time()

    def on_response_complete(self) -> None:
        """The next request has its time from now on."""
        super().on_response_complete()
        self._keep_time()

    def _keep_time(self) -> None:
        if self.transport.is_closing():
            return
        if self.transport.get_protocol() is not self:  # it is a WebSocket from now on
            self._sockets.ask(self.transport)
            self._unlimit()
            return
        match self.conn.their_state:
            case h11.IDLE:  # no whole header yet: what trickles in does not lengthen its time
                if self._timer is None:
                    self._sockets.wait(self.transport)
                    self._limit(HEADER_SECONDS)
            case h11.SEND_BODY:
                self._sockets.ask(self.transport)
                self._unlimit()
                self._limit(BODY_SECONDS)
            case _:
                self._sockets.ask(self.transport)
                self._unlimit()

    def _limit(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _unlimit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_reading():
            self._limit(BODY_SECONDS)  # it is we who have not taken what it sent
        else:
            self.transport.abort()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """What an HTTP connection becomes: it keeps its place until it closes."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._sockets = cast(BoundedState, server_state).sockets

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place away."""
        self._sockets.leave(self.transport)
        super().connection_lost(exc)

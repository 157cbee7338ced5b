"""Open WebSockets, and the one who watches over them: a socket outlives the request that opened it,
so whoever is signed out would go on through it."""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import GraftError
from core.people import revoking
from core.people.actors import still_good

_LOG = logging.getLogger(__name__)
LOOK_EVERY = 2.0
"""Seconds between two looks at the database; what this process revokes itself it hears at once."""
_POLICY_VIOLATION = 1008


class _Socket:
    """One of them, with the mark of whoever opened it."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.cut = asyncio.Event()
        self.closed = False


class OpenSockets:
    """All of this process."""

    def __init__(
        self, good: Callable[[Collection[str]], set[str]] = still_good, every: float = LOOK_EVERY
    ) -> None:
        self._good = good
        self._every = every
        self._open: set[_Socket] = set()
        self._watching: asyncio.Task[None] | None = None

    async def run(
        self, mark: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the app serve a socket, for as long as its mark is good."""
        socket = _Socket(mark)
        self._open.add(socket)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="sockets")
            self._watching.add_done_callback(_say_why)
        cutting = asyncio.create_task(self._close(socket, send))
        try:
            await app(scope, _until_cut(socket, receive), _unless_cut(socket, send))
        finally:
            socket.closed = True
            self._open.discard(socket)
            cutting.cancel()

    async def _close(self, socket: _Socket, send: Send) -> None:
        await socket.cut.wait()
        if not socket.closed:
            with suppress(RuntimeError, OSError):  # it may close at this very moment
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _watch(self) -> None:
        """Look again and again, as long as any is open. If that fails for good, all are cut: then
        nobody knows any more who may go on."""
        loop, hurried = asyncio.get_running_loop(), asyncio.Event()

        def hurry() -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(hurried.set)

        revoking.listen(hurry)
        try:
            while self._open:
                with suppress(TimeoutError):
                    await asyncio.wait_for(hurried.wait(), self._every)
                hurried.clear()
                await self._look()
        finally:
            revoking.forget(hurry)
            for socket in self._open:
                socket.cut.set()

    async def _look(self) -> None:
        asked = set(self._open)
        try:
            good = await run_in_threadpool(self._good, {socket.mark for socket in asked})
        except GraftError as error:  # pages say the same; what is open stays until it is known
            _LOG.warning("Who is signed in cannot be looked up: %s", error)
            return
        for socket in asked:
            if socket.mark not in good:
                socket.cut.set()


def _say_why(watching: "asyncio.Task[None]") -> None:
    """Why the watcher ended, said at once and not when the task is thrown away."""
    if not watching.cancelled() and (error := watching.exception()):
        _LOG.error("Open sockets cannot be watched and were cut.", exc_info=error)


def _until_cut(socket: _Socket, receive: Receive) -> Receive:
    async def received() -> Message:
        coming = asyncio.ensure_future(receive())
        cutting = asyncio.ensure_future(socket.cut.wait())
        try:
            await asyncio.wait({coming, cutting}, return_when=asyncio.FIRST_COMPLETED)
            if socket.cut.is_set():
                return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}
            message: Message = coming.result()
        finally:
            coming.cancel()
            cutting.cancel()
        socket.closed = message["type"] == "websocket.disconnect"
        return message

    return received


def _unless_cut(socket: _Socket, send: Send) -> Send:
    async def sent(message: Message) -> None:
        if socket.cut.is_set():
            return
        socket.closed = message["type"] == "websocket.close"
        await send(message)

    return sent

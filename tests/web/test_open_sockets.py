"""Open sockets end when whoever opened them is signed out, whatever the app is doing."""

import asyncio
from collections.abc import Callable, Collection

import pytest

from core.errors import DatabaseUnavailable
from core.people import revoking
from core.web.open_sockets import OpenSockets


class Browser:
    """The other side of a socket."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[dict] = asyncio.Queue()
        self.got: list[dict] = []

    async def receive(self) -> dict:
        return await self.coming.get()

    async def send(self, message: dict) -> None:
        self.got.append(message)

    def closed(self) -> bool:
        return {"type": "websocket.close", "code": 1008} in self.got


async def echo(_scope: object, receive: Callable, send: Callable) -> None:
    """An app that answers, and after the end still says something."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
    await send({"type": "websocket.send", "text": "too late"})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def opened(sockets: OpenSockets, mark: str) -> tuple[Browser, asyncio.Task]:
    browser = Browser()
    running = asyncio.create_task(sockets.run(mark, echo, {}, browser.receive, browser.send))
    await browser.coming.put({"type": "websocket.connect"})
    await browser.coming.put({"type": "websocket.receive", "text": "hello"})
    await until(lambda: len(browser.got) == 2)
    return browser, running


def test_whoever_is_signed_out_is_cut_off_at_once_and_nobody_else():
    good = {"a", "b"}

    async def go() -> None:
        # As if the next look were in an hour: only what this process says itself is heard before.
        sockets = OpenSockets(lambda marks: good & set(marks), every=3600)
        (first, cut), (second, going) = await opened(sockets, "a"), await opened(sockets, "b")
        good.discard("a")
        await asyncio.to_thread(revoking.revoked)
        await until(cut.done)
        await until(first.closed)
        await first.coming.put({"type": "websocket.receive", "text": "more"})
        await second.coming.put({"type": "websocket.receive", "text": "more"})
        await until(lambda: len(second.got) == 3)
        assert [each.get("text") for each in first.got] == [None, "hello", None]
        assert not going.done()
        await second.coming.put({"type": "websocket.disconnect", "code": 1001})
        await until(going.done)
        assert not second.closed()
        assert sockets._open == set()

    asyncio.run(go())


def test_what_another_process_revokes_is_found_by_looking():
    good = {"a"}

    async def go() -> None:
        sockets = OpenSockets(lambda marks: good & set(marks), every=0.02)
        browser, running = await opened(sockets, "a")
        good.clear()
        await until(running.done)
        await until(browser.closed)

    asyncio.run(go())


def test_while_the_database_is_away_sockets_stay_and_later_they_are_looked_at_again():
    looks: list[int] = []

    def good(_marks: Collection[str]) -> set[str]:
        looks.append(1)
        if len(looks) < 4:
            raise DatabaseUnavailable("It is away.")
        return set()

    async def go() -> None:
        _, running = await opened(OpenSockets(good, every=0.02), "a")
        await until(lambda: len(looks) == 3)
        assert not running.done()
        await until(running.done)

    asyncio.run(go())


@pytest.mark.filterwarnings("ignore")
def test_when_the_watcher_itself_fails_all_are_cut():
    def broken(_marks: Collection[str]) -> set[str]:
        raise RuntimeError("a mistake of ours")

    async def go() -> None:
        browser, running = await opened(OpenSockets(broken, every=0.02), "a")
        await until(running.done)
        await until(browser.closed)

    asyncio.run(go())

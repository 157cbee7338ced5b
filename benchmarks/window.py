"""A browser's window without a browser: it asks for a page all that a browser asks for.

It speaks the protocol of Streamlit's own script (BackMsg and ForwardMsg, in protobuf), fetches the
images that a page names, and while somebody looks lets the page's timers run. Twenty browsers would
need more of a small machine than the server that they ask. Scripts and styles are not fetched: a
browser has them after the first page.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 120.0
_FIRST = ("/_stcore/health", "/_stcore/host-config")
_HASH = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_SEEN = 30
"""Images that are in sight: the rest is fetched when somebody scrolls."""
_AT_ONCE = 6
"""Connections of a browser to one server."""


class NotShown(Exception):
    """A page that failed, or that had no title in the end."""


@dataclass
class _Page:
    """What is known of the page that is shown."""

    name: str
    query: str
    script: str = ""
    titled: bool = False
    images: dict[str, None] = field(default_factory=dict)
    timers: dict[str, float] = field(default_factory=dict)
    """Seconds between two runs of a fragment, by its id."""
    begun: dict[str, float] = field(default_factory=dict)
    """Those that the run under way began."""


class Window:
    """One window, whose socket stays open for as long as its page is looked at."""

    def __init__(self, address: str, project: str) -> None:
        self._address = address
        self._project = project
        self._socket: ClientConnection | None = None
        self._page = _Page("", "")
        self._http = httpx.AsyncClient(
            base_url=address,
            headers={"Accept": "text/html,*/*"},
            timeout=PATIENCE,
            limits=httpx.Limits(max_connections=_AT_ONCE),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._leave()
        await self._http.aclose()

    async def view(self, page: str) -> float:
        """Open a page of the project; gives the seconds until all of it has come. Raises NotShown,
        TimeoutError."""
        await self._leave()
        self._page = _Page(page, f"project={self._project}")
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            await self._get(f"/{page}?{self._page.query}")
            await asyncio.gather(*map(self._get, _FIRST))
            self._socket = await connect(
                f"{self._address.replace('http', 'ws', 1)}/_stcore/stream",
                origin=self._address,
                subprotocols=["streamlit"],
                max_size=None,
            )
            await self._run()
            if not self._page.titled:
                raise NotShown(page)
            await asyncio.gather(*map(self._image, list(self._page.images)[:_SEEN]))
        return time.monotonic() - began

    async def look(self, seconds: float) -> None:
        """Leave the page open for so long; its timers run meanwhile."""
        until = time.monotonic() + seconds
        ran = dict.fromkeys(self._page.timers, time.monotonic())
        while timers := self._page.timers:
            due, first = min((ran.get(each, 0.0) + every, each) for each, every in timers.items())
            if due >= until:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await asyncio.wait_for(self._run(first), PATIENCE)
            ran[first] = time.monotonic()
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def _run(self, fragment: str = "") -> None:
        """Have the page, or a part of it, run, and take in what it says."""
        if self._socket is None:
            raise NotShown(self._page.name)
        self._page.begun = {}
        asked = BackMsg()
        asked.rerun_script.query_string = self._page.query
        asked.rerun_script.page_name = self._page.name
        asked.rerun_script.page_script_hash = self._page.script
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.is_auto_rerun = bool(fragment)
        asked.rerun_script.context_info.timezone = "Europe/Berlin"
        await self._socket.send(asked.SerializeToString())
        async for content in self._socket:
            if isinstance(content, bytes) and self._is_last(content):
                return
        raise NotShown(self._page.name)

    def _is_last(self, content: bytes) -> bool:
        """Take in one message; whether the run is over."""
        message = ForwardMsg.FromString(content)
        match message.WhichOneof("type"):
            case "new_session":
                self._page.script = message.new_session.page_script_hash
            case "auto_rerun":
                timer = message.auto_rerun
                self._page.begun[timer.fragment_id] = max(0.1, timer.interval)
            case "delta":
                element = message.delta.new_element
                if element.WhichOneof("type") == "exception":
                    raise NotShown(f"{self._page.name}: {element.exception.message}")
                self._page.titled |= element.heading.tag == "h1"
                self._page.images |= {found.decode(): None for found in _HASH.findall(content)}
            case "script_finished":
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    return False
                if message.script_finished != ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
                    self._page.timers.clear()  # the whole page ran, and began those that it has
                self._page.timers |= self._page.begun
                return True
        return False

    async def _get(self, path: str) -> None:
        (await self._asked(path)).raise_for_status()

    async def _asked(self, path: str) -> httpx.Response:
        """The answer. As a browser does, ask again where a connection that was kept open is closed
        by the server at this very moment."""
        try:
            return await self._http.get(path)
        except httpx.RemoteProtocolError:
            return await self._http.get(path)

    async def _image(self, image: str) -> None:
        answer = await self._asked(f"/graft/thumb/{self._project}/{image}")
        if answer.status_code != httpx.codes.NOT_FOUND:  # the hash of something else
            answer.raise_for_status()

    async def _leave(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

"""Asking an ASGI app past every client's notion of a decent request, and counting what it reads."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.types import ASGIApp

BODY = b"x" * 1000
HOST = "testserver"
OWN = [("origin", f"http://{HOST}")]


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    """403 for a socket that was closed before it was open, 101 for one that was opened."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    read: int = 0
    """Bytes of the request's body that were taken."""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def ask(app: ASGIApp, method: str, address: str, headers: list[tuple[str, str]]) -> Answer:
    """A request with a body of a thousand bytes."""
    return asyncio.run(_ask(app, method, address, headers))


async def _ask(app, method, address, headers) -> Answer:
    answer = Answer()

    async def receive() -> dict:
        if answer.read:
            await asyncio.sleep(0)
            return {"type": "http.disconnect"}
        answer.read += len(BODY)
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(k.decode(), v.decode()) for k, v in message["headers"]]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(_scope("http", address, headers, method=method, scheme="http"), receive, send)
    return answer


def open_socket(app: ASGIApp, address: str, headers: list[tuple[str, str]]) -> Answer:
    """Ask for a socket, and leave as soon as it is open."""
    return asyncio.run(_open_socket(app, address, headers))


async def _open_socket(app, address, headers) -> Answer:
    answer, asked = Answer(), False

    async def receive() -> dict:
        nonlocal asked
        if asked:
            answer.read += 1  # a message of the browser's would be taken here
            return {"type": "websocket.disconnect", "code": 1001}
        asked = True
        return {"type": "websocket.connect"}

    async def send(message: dict) -> None:
        if answer.status == 0:
            answer.status = 101 if message["type"] == "websocket.accept" else 403

    more = {"scheme": "ws", "subprotocols": ["streamlit"]}
    await app(_scope("websocket", address, headers, **more), receive, send)
    return answer


def _scope(kind: str, address: str, headers: list[tuple[str, str]], **more) -> dict:
    path, _, query = address.partition("?")
    sent = [("host", HOST), *headers]
    return {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "path": path,
        "raw_path": quote(path).encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent],
        "client": ("192.0.2.7", 1), "server": (HOST, 80), **more,
    }  # fmt: skip

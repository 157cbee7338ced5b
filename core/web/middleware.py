"""What holds for every answer of the server: who may ask, and what a browser may do with it."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.web.origin import address_of, from_own_pages, host_allowed

REFUSED_PATHS = re.compile(
    r"/_stcore/(upload_file|metrics|agent)(/|$)|^/(auth/log(in|out)|oauth2callback)$"
)
"""Streamlit's own routes that Graft has no use for: its upload keeps every byte in memory and
asks nobody who they are; people sign in elsewhere (core.web.sign_in)."""

_OWN_POLICY = "/graft/page/"
"""What lies there comes with a policy that is stricter than that of the app."""
_POLICY_VIOLATION = 1008
"""The WebSocket's code for it; before the socket is open, the server says 403."""


class Guard:
    """Refuses foreign names, foreign pages' sockets and unused routes; adds security headers."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str] = (), path: str = "") -> None:
        """`allowed_hosts` as in Streamlit's server.allowedHosts; empty accepts any host. `path`:
        below which the app is served."""
        self._app = app
        self._own_policy = path + _OWN_POLICY
        self._allowed_hosts = tuple(allowed_hosts)
        self._script_hashes = " ".join(inline_script_hashes(streamlit_index()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                own = (
                    scope["path"].startswith(self._own_policy)
                    and "content-security-policy" in added
                )
                self._add_headers(added, headers.get("host", ""), keep_policy=own)
            await send(message)

        app = self._app
        if not self._known(headers):
            app = PlainTextResponse("There is no page at this address.", 400)
        elif REFUSED_PATHS.search(scope["path"]):
            app = PlainTextResponse("Not used here.", 404)
        await app(scope, receive, send_with_headers)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A socket carries all that a person may do, so no page but Graft's own may open one."""
        headers = Headers(scope=scope)
        unused = REFUSED_PATHS.search(scope["path"])
        if unused or not self._known(headers) or not from_own_pages(headers):
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(_with_plain_origin(scope, headers), receive, send)

    def _known(self, headers: Headers) -> bool:
        hosts = headers.getlist("host")
        return len(hosts) == 1 and host_allowed(hosts[0], self._allowed_hosts)

    def _add_headers(self, headers: MutableHeaders, host: str, *, keep_policy: bool) -> None:
        named = host if address_of(host) else "localhost"  # nothing malformed into the policy
        if not keep_policy:
            headers["Content-Security-Policy"] = content_policy(named, self._script_hashes)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"


def _with_plain_origin(scope: Scope, headers: Headers) -> Scope:
    """The same scope with an Origin that is the Host to the letter.

    Streamlit compares the text, and asks a service on the Internet for this computer's own address
    when `https://graft.example` is not `graft.example:443`.
    """
    origin, host = headers.get("origin"), headers["host"]
    if origin is None or origin.partition("://")[2] == host:
        return scope
    plain = f"{origin.partition('://')[0]}://{host}".encode("latin-1")
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]
    return {**scope, "headers": [*others, (b"origin", plain)]}


def content_policy(host: str, script_hashes: str = "") -> str:
    """The Content-Security-Policy: everything comes from this server, nothing goes to any other.

    Streamlit styles elements inline, and loads component code from blob URLs it makes itself.
    """
    rules = {
        "default-src": "'self'",
        "script-src": f"'self' blob: {script_hashes}".strip(),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "font-src": "'self' data:",
        # 'self' covers WebSockets only in newer browsers.
        "connect-src": f"'self' ws://{host} wss://{host}",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def streamlit_index() -> str:
    """The HTML page that Streamlit serves, found without importing Streamlit."""
    spec = find_spec("streamlit")
    if spec is None or spec.origin is None:
        return ""
    index = Path(spec.origin).parent / "static" / "index.html"
    return index.read_text(encoding="utf-8") if index.exists() else ""


def inline_script_hashes(html: str) -> Iterable[str]:
    """CSP sources that allow exactly the inline scripts of this page and no other."""
    for script in re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL):
        made = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        yield f"'sha256-{made}'"

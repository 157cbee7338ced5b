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

REFUSED_PATHS = re.compile(r"/_stcore/(upload_file|metrics|agent)(/|$)")
"""Streamlit's own routes that Graft has no use for: its upload keeps every byte in memory and
asks nobody who they are."""

_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")


class Guard:
    """Refuses foreign host names and unused routes, and adds the security headers."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str] = ()) -> None:
        """`allowed_hosts` as in Streamlit's server.allowedHosts; empty accepts any host."""
        self._app = app
        self._allowed_hosts = tuple(allowed_hosts)
        self._script_hashes = " ".join(inline_script_hashes(streamlit_index()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), host)
            await send(message)

        app = self._app
        if not _HOST.fullmatch(host) or not host_allowed(host, self._allowed_hosts):
            app = PlainTextResponse("This address is not served here.", 400)
        elif REFUSED_PATHS.search(scope["path"]):
            app = PlainTextResponse("Not used here.", 404)
        await app(scope, receive, send_with_headers)

    def _add_headers(self, headers: MutableHeaders, host: str) -> None:
        headers["Content-Security-Policy"] = content_policy(host, self._script_hashes)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"


def content_policy(host: str, script_hashes: str = "") -> str:
    """The Content-Security-Policy: everything comes from this server, nothing goes elsewhere.

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


def host_allowed(host: str, allowed: Sequence[str]) -> bool:
    """Whether a Host header (port ignored) is in the list; `*.example.org` covers subdomains."""
    name = re.sub(r":\d+$", "", host).strip("[]").lower()
    for pattern in (entry.strip("[]").lower() for entry in allowed):
        if pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:])):
            return True
    return not allowed


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
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        yield f"'sha256-{digest}'"

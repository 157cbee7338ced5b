"""Who asks, decided for every request and every socket before anything of it is read.

Stands inside `Guard`, around all routes, Streamlit's own included. Open to everybody is what
`_OPEN` names and nothing else. For the rest it finds the actor by a token, by the word of a proxy,
or by a cookie; a socket is let go on only for as long as its mark is good (`open_sockets`).
"""

import hmac
import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access import NOBODY, Actor, acting_as
from core.errors import GraftError
from core.people.actors import actor_of, remembered
from core.people.users import add_vouched_for, by_subject
from core.projects.people_tables import digest_of
from core.settings import Settings
from core.web import cookies
from core.web.open_sockets import OpenSockets
from core.web.origin import from_own_pages
from core.web.paths import address, home

_LOG = logging.getLogger(__name__)
MARK_HEADER = "x-graft-sign-in"
"""Set here and nowhere else: the mark of whoever asks (core.people.actors)."""
PROXY_SECRET_HEADER = "x-graft-proxy-secret"
_OTHERS_HEADERS = re.compile(
    r"x-graft-(sign-in|user|actor|proxy-secret)|(x-)?(remote|forwarded|webauth)-(user|name|email"
    r"|groups|preferred-username|access-token)|x-auth-request-.*|x-authenticated-user"
)
"""In which somebody may say who she is: nobody further in is to see or believe them."""
_SECRET = "[A-Za-z0-9_-]{20,100}"
_ALWAYS = re.compile(r"/healthz|/readyz|/_stcore/health")
_OPEN = re.compile(
    r"/graft/sign-in(/out|/password|/oidc|/oidc/callback)?"
    rf"|/graft/sign-in/(set-up|password)/{_SECRET}|/graft/share/{_SECRET}"
)
_FOR_PROGRAMS = re.compile(r"/(api|graft)/.*|/metrics", re.DOTALL)
"""Where a token is taken."""
_READING = ("GET", "HEAD")
_POLICY_VIOLATION = 1008
_LAST = {"Connection": "close", "Cache-Control": "no-store"}
"""With a refusal: what is still to come of the body shall not be waited for."""
_REFUSED: dict[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "Sign in to do this.",
    HTTPStatus.FORBIDDEN: "Only Graft's own pages may do this.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nobody can be signed in at the moment. Try again in a moment.",
}


class People:
    """Lets in whoever is known, as whom they are known."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        sockets: Callable[[], OpenSockets] = OpenSockets,
    ) -> None:
        self._app = app
        self._settings = settings
        self._sockets = sockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "http" and _ALWAYS.fullmatch(self._inner_path(scope)):
            with acting_as(NOBODY):  # whatever the database says or does not say
                await self._app(self._as(scope, ""), receive, send)
            return
        try:
            mark, actor = await self._who(scope, headers)
        except GraftError as error:
            _LOG.warning("Who asks cannot be looked up: %s", error)
            await _refuse(HTTPStatus.SERVICE_UNAVAILABLE, scope, receive, send)
            return
        if scope["type"] == "http":
            await self._request(scope, receive, send, mark, actor)
        elif actor is None or mark.startswith("token:"):
            await _refuse(HTTPStatus.UNAUTHORIZED, scope, receive, send)
        else:
            # Nobody acts here: pages are drawn in threads of their own, which ask for themselves.
            await self._sockets.run(mark, self._app, self._as(scope, mark), receive, send)

    async def _request(
        self, scope: Scope, receive: Receive, send: Send, mark: str, actor: Actor | None
    ) -> None:
        is_open = _OPEN.fullmatch(self._inner_path(scope)) is not None
        if actor is None and not is_open:
            if self._is_page(scope):
                await _to_sign_in(scope)(scope, receive, send)
            else:
                await _refuse(HTTPStatus.UNAUTHORIZED, scope, receive, send)
            return
        by_token = mark.startswith("token:")
        foreign = not from_own_pages(Headers(scope=scope))
        if scope["method"] not in _READING and foreign and not by_token:
            await _refuse(HTTPStatus.FORBIDDEN, scope, receive, send)
            return
        with acting_as(actor or NOBODY):
            await self._app(self._as(scope, mark if actor else ""), receive, send)

    async def _who(self, scope: Scope, headers: Headers) -> tuple[str, Actor | None]:
        """The mark and the actor; of a token that is good for nothing no other way is tried.
        Raises GraftError while the database does not answer."""
        for mark in await self._marks(scope, headers):
            known = remembered(mark, use=True)
            actor = known or await run_in_threadpool(actor_of, mark, use=True)
            if actor is not None or mark.startswith("token:"):
                return mark, actor
        return "", None

    async def _marks(self, scope: Scope, headers: Headers) -> Iterable[str]:
        authorization = headers.getlist("authorization")
        bearer = [each[7:].strip() for each in authorization if each[:7].lower() == "bearer "]
        if bearer and _FOR_PROGRAMS.fullmatch(self._inner_path(scope)):
            return [f"token:{digest_of(bearer[0])}" if len(authorization) == 1 else "token:"]
        found = []
        if self._settings.login == "proxy":
            if (subject := self._said_by_proxy(headers)) is not None:
                url = self._settings.metadata_url
                found.append(f"user:{await run_in_threadpool(_vouched_for, subject, url)}")
        elif cookie := cookies.read(headers, cookies.SIGN_IN):
            found.append(f"session:{digest_of(cookie)}")
        if cookie := cookies.read(headers, cookies.SHARE):
            found.append(f"share:{digest_of(cookie)}")
        return found

    def _said_by_proxy(self, headers: Headers) -> str | None:
        """Whom the proxy names, if it was the proxy; None otherwise, and for nobody."""
        secret = self._settings.proxy_secret.get_secret_value().encode()
        shown = headers.getlist(PROXY_SECRET_HEADER)
        named = headers.getlist(self._settings.proxy_header)
        if len(shown) != 1 or len(named) != 1 or not secret or not named[0].strip():
            return None
        if not hmac.compare_digest(shown[0].encode("latin-1"), secret):
            return None
        raw = named[0].strip().encode("latin-1")  # as headers are read; names are in UTF-8
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def _inner_path(self, scope: Scope) -> str:
        """What is asked for, below `settings.path`; as it stands where it is not below that."""
        path: str = scope["path"]
        below = self._settings.path + "/"
        return path[len(below) - 1 :] if path.startswith(below) else path

    def _is_page(self, scope: Scope) -> bool:
        """Whether a person looks at the answer, and not a page or a program."""
        headers, inner = Headers(scope=scope), self._inner_path(scope)
        if scope["method"] not in _READING or inner.startswith(("/api/", "/_stcore/")):
            return False
        mode = headers.get("sec-fetch-mode")
        return mode == "navigate" if mode else "text/html" in headers.get("accept", "")

    def _is_others(self, header: str) -> bool:
        own = self._settings.proxy_header.lower()
        return header == own or _OTHERS_HEADERS.fullmatch(header) is not None

    def _as(self, scope: Scope, mark: str) -> Scope:
        """The same, with our word about who it is in place of anybody else's."""
        token = mark.startswith("token:")
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if not self._is_others(name.lower().decode("latin-1"))
            and not (token and name.lower() in (b"origin", b"sec-fetch-site"))
        ]
        if mark:
            kept.append((MARK_HEADER.encode(), mark.encode()))
        if token:  # which no page of another origin can make a browser send
            kept.append((b"sec-fetch-site", b"same-origin"))
        return {**scope, "headers": kept}


@lru_cache(maxsize=4096)
def _vouched_for(subject: str, _database: str) -> str:
    """The id of the account; it is made when somebody comes for the first time."""
    known = by_subject(f"proxy:{subject}") or by_subject(subject)
    return (known or add_vouched_for(subject, f"proxy:{subject}")).id


def _to_sign_in(scope: Scope) -> Response:
    query = scope["query_string"].decode("latin-1")
    wanted = quote(scope["path"]) + (f"?{query}" if query else "")
    onward = urlencode({"next": wanted}) if wanted != home() and len(wanted) < 2000 else ""
    where = f"{address('sign-in')}?{onward}" if onward else address("sign-in")
    return RedirectResponse(where, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})


async def _refuse(status: HTTPStatus, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    headers = dict(_LAST)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="Graft"'
    await JSONResponse({"error": _REFUSED[status]}, status, headers)(scope, receive, send)

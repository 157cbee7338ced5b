"""The cookies that say who a browser is: HttpOnly, SameSite=Strict, and for https alone where the
browser came by it (then under a name that only https can set)."""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

from core.settings import Settings

SIGN_IN = "graft_sign_in"
SHARE = "graft_share"
_ONLY_HTTPS = "__Host-"
"""Browsers take a cookie with such a name from https alone, and not from another subdomain."""


def by_https(scope: Scope, settings: Settings) -> bool:
    """Whether the browser reached this server by https, be it through a proxy.

    uvicorn believes X-Forwarded-Proto of the proxies that FORWARDED_ALLOW_IPS names; an Origin of
    https is the browser's own word, and harms only whoever makes it up.
    """
    if scope["scheme"] in ("https", "wss") or settings.public_address.startswith("https://"):
        return True
    return Headers(scope=scope).get("origin", "").lower().startswith("https://")


def read(headers: Headers, name: str) -> str:
    """The value; empty where there is none. What https set goes before what anybody could."""
    found = cookie_parser("; ".join(headers.getlist("cookie")))
    return found.get(_ONLY_HTTPS + name) or found.get(name, "")


def keep(
    response: Response,
    name: str,
    value: str,
    *,
    seconds: float,
    https: bool,
    lax: bool = False,
) -> None:
    """Have the browser keep it. `lax`: it comes along when another site leads back here."""
    response.set_cookie(
        _ONLY_HTTPS + name if https else name,
        value,
        max_age=int(seconds),
        secure=https,
        httponly=True,
        samesite="lax" if lax else "strict",
    )


def drop(response: Response, name: str) -> None:
    """Have the browser forget it."""
    response.delete_cookie(name, httponly=True, samesite="strict")
    response.delete_cookie(_ONLY_HTTPS + name, secure=True, httponly=True, samesite="strict")

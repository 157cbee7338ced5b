"""Who asks: the names a server goes by, and whether a request comes from its own pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._\-]{1,253})(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.+)", re.IGNORECASE)
_USUAL_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, as a Host header names them."""

    name: str
    """In lower case; an IPv6 address in its brackets."""
    port: int | None
    """None for the usual one of whatever scheme it is reached by."""


def address_of(host: str) -> Address | None:
    """What a Host header says; None when it is not well-formed."""
    found = _HOST.fullmatch(host)
    if found is None or (found[2] and not 0 < int(found[2]) < 65536):
        return None
    return Address(found[1].lower(), int(found[2]) if found[2] else None)


def from_own_pages(headers: Headers) -> bool:
    """Whether a page of this very server sent the request: same host, same port.

    Browsers send Origin with each WebSocket and each upload, and no page can change it. Whoever
    leaves it out must have the browser's word in Sec-Fetch-Site; a program can send an Origin.
    """
    origins, site = headers.getlist("origin"), headers.get("sec-fetch-site")
    if not origins:
        return site == "same-origin"
    return len(origins) == 1 and _same(origins[0], headers.get("host", ""))


def _same(origin: str, host: str) -> bool:
    found, server = _ORIGIN.fullmatch(origin), address_of(host)
    page = address_of(found[2]) if found else None
    if found is None or page is None or server is None or page.name != server.name:
        return False
    # Behind a proxy that speaks TLS, the scheme of the page is not the one that is spoken here;
    # either way the port that stands in neither header is the usual one of the page's scheme.
    usual = _USUAL_PORT[found[1].lower()]
    return (page.port or usual) == (server.port or usual)


def host_allowed(host: str, allowed: Sequence[str]) -> bool:
    """Whether a Host header (port ignored) is in the list; `*.example.org` covers subdomains.

    An empty list allows any, but nothing malformed.
    """
    address = address_of(host)
    if address is None:
        return False
    name = address.name.strip("[]")
    for pattern in (entry.strip("[]").lower() for entry in allowed):
        if pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:])):
            return True
    return not allowed

"""Pages that once were at another address: an old bookmark leads to where they are now."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

Query = Mapping[str, str]


def _as_it_is(_: Query) -> Query:
    return {}


def _watching(query: Query) -> Query:
    """The run whose training was shown was named as on every other page."""
    return {"watch": query["run"]} if "run" in query else {}


_MOVED: dict[str, tuple[str, Callable[[Query], Query]]] = {
    "pictures": ("images", _as_it_is),
    "faults": ("check-data", _as_it_is),
    "backbone": ("train", lambda _: {"change": "backbone"}),
    "strategy": ("train", lambda _: {"change": "method"}),
    "training": ("train", _watching),
    "try": ("use", _as_it_is),
    "take-away": ("use", _as_it_is),
}
"""By the old address: the new one, and what is added to the query."""


def moved(path: str = "") -> list[Route]:
    """A route for each old address; the query, which names the project, is taken along.

    `path`: below which the pages are.
    """
    return [
        Route(f"/{old}", _to(f"{path}/{new}", added), methods=["GET"])
        for old, (new, added) in _MOVED.items()
    ]


def _to(new: str, added: Callable[[Query], Query]) -> Callable[[Request], RedirectResponse]:
    def redirected(request: Request) -> RedirectResponse:
        query = request.query_params
        whole = urlencode({**dict(added(query)), **dict(query)})
        where = f"{new}?{whole}" if whole else new
        return RedirectResponse(where, HTTPStatus.PERMANENT_REDIRECT)

    return redirected

"""Where Graft's own addresses begin: at the server's root, or below GRAFT_PATH behind a proxy."""

from starlette.routing import Route

from core.settings import get_settings


def base() -> str:
    """What comes before every address of ours, like "/graft" or "/team/graft"."""
    return f"{get_settings().path}/graft"


def home() -> str:
    """Where the projects are."""
    return f"{get_settings().path}/"


def address(*parts: object) -> str:
    """One of them: `address("thumb", hash)`. The parts are safe in a URL as they are."""
    return "/".join([base(), *map(str, parts)])


def api_address(*parts: str) -> str:
    """The same for programs: `api_address("log.csv")`."""
    return "/".join([f"{get_settings().path}/api", *parts])


def below(path: str, route: Route) -> Route:
    """The same route below a path."""
    return Route(path + route.path, route.endpoint, methods=list(route.methods or ()))

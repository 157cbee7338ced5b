"""Where this server is reached, for links that are printed."""

from core.settings import Settings


def public_address(settings: Settings) -> str:
    """As people type it, with `settings.path` and without a slash at the end."""
    named = settings.public_address.rstrip("/")
    if not named:
        return local_address(settings)
    return named if named.endswith(settings.path) else named + settings.path


def local_address(settings: Settings) -> str:
    """As programs on this machine reach it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://{in_address(host)}:{settings.port}{settings.path}"


def in_address(host: str) -> str:
    """The host as an address bears it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def link(settings: Settings, purpose: str, secret: str) -> str:
    """The whole address of a link from `core.people.links`."""
    return f"{public_address(settings)}/graft/sign-in/{purpose}/{secret}"

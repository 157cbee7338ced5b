"""Nobody is let in by mistake: what has to be settled about people before anything is served."""

import ipaddress
import socket

from core.errors import CannotStart
from core.people.addresses import link
from core.people.links import set_up_link
from core.settings import Settings

_LEAST_SECRET = 32


def require_login(settings: Settings, listens_on: str | None) -> None:
    """Raises CannotStart where people of other machines would own everything, or where what is
    needed to tell who they are is missing. `listens_on` is empty for every address."""
    match settings.login:
        case "none" if not _is_loopback(listens_on or ""):
            raise CannotStart(
                f"Graft would listen on {listens_on or 'every address'}, where other machines "
                "reach it, and with GRAFT_LOGIN=none whoever does may see and delete everything. "
                "Set GRAFT_LOGIN=password, so that people sign in (or proxy, or oidc), or let it "
                "listen on 127.0.0.1 alone."
            )
        case "proxy" if len(settings.proxy_secret.get_secret_value()) < _LEAST_SECRET:
            raise CannotStart(
                "GRAFT_LOGIN=proxy needs GRAFT_PROXY_SECRET, at least 32 characters that the proxy "
                "sends in the header X-Graft-Proxy-Secret; `openssl rand -hex 32` makes one."
            )
        case "oidc" if lacking := _lacking_for_oidc(settings):
            raise CannotStart(f"GRAFT_LOGIN=oidc needs {' and '.join(lacking)} as well.")


def set_up_address(settings: Settings) -> str:
    """What to print where nobody has an account yet: the link that makes the first administrator,
    good for a day and once. Otherwise nothing."""
    if settings.login != "password" or (secret := set_up_link()) is None:
        return ""
    return (
        "Nobody has an account yet. Open this link within a day to make the first one:\n"
        f"{link(settings, 'set-up', secret)}\n"
    )


def _lacking_for_oidc(settings: Settings) -> list[str]:
    given = {
        "GRAFT_OIDC_ISSUER": settings.oidc_issuer,
        "GRAFT_OIDC_CLIENT_ID": settings.oidc_client_id,
        "GRAFT_OIDC_CLIENT_SECRET": settings.oidc_client_secret.get_secret_value(),
    }
    return [name for name, value in given.items() if not value]


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address, whatever it is called."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None) if host else []
    except OSError:
        return False
    addresses = {str(each[4][0]).partition("%")[0] for each in found}
    return bool(addresses) and all(ipaddress.ip_address(each).is_loopback for each in addresses)

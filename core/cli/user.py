"""`user`: who has an account on a server where people sign in."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import UTC, datetime

from core.cli._command import Command, program
from core.cli._terminal import Terminal
from core.errors import BadRecipe
from core.settings import Settings

_ACTIONS = ("list", "add", "disable", "enable", "reset")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=_ACTIONS,
        metavar="ACTION",
        help="list, add, disable, enable or reset; default: list",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose account")
    parser.add_argument(
        "--admin", action="store_true", help="with add: may do everything on this server"
    )
    parser.add_argument(
        "--subject",
        default="",
        metavar="WHO",
        help="with add: how the proxy calls the person, or the e-mail address that the OpenID "
        "Connect provider has verified",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.people import users
    from core.projects.database import migrate

    if chosen.action != "list" and chosen.name is None:
        raise BadRecipe(f"Name the person: {program()} user {chosen.action} NAME")
    migrate(settings)
    match chosen.action:
        case "add":
            return _add(chosen, settings, terminal)
        case "disable":
            users.disable(users.named(chosen.name).id)
            said = f"“{chosen.name}” is signed out and can no longer sign in."
            terminal.result({"disabled": chosen.name}, said)
        case "enable":
            users.enable(users.named(chosen.name).id)
            terminal.result({"enabled": chosen.name}, f"“{chosen.name}” can sign in again.")
        case "reset":
            found = users.named(chosen.name)
            users.reset(found.id)
            _show_link(found.id, found.name, settings, terminal)
        case _:
            _list(terminal)
    return 0


def _add(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.people import users

    subject = chosen.subject.strip()
    subject = subject.lower() if settings.login == "oidc" else subject
    made = users.add(chosen.name, admin=chosen.admin, subject=subject)
    if settings.login in ("proxy", "oidc"):
        terminal.result({"added": made.name}, f"“{made.name}” can sign in.")
    else:
        _show_link(made.id, made.name, settings, terminal)
    return 0


def _show_link(user_id: str, name: str, settings: Settings, terminal: Terminal) -> None:
    """The one thing that is printed and kept nowhere."""
    from core.people.addresses import link
    from core.people.links import PASSWORD, password_link

    address = link(settings, PASSWORD, password_link(user_id))
    said = f"With this link “{name}” sets a password, once and within a day:\n{address}"
    terminal.result({"name": name, "link": address}, said)


def _list(terminal: Terminal) -> None:
    from core.people.users import User, list_users

    def line(user: User) -> str:
        notes = [
            f"since {datetime.fromtimestamp(user.created_at, UTC):%d %B %Y}",
            "administrator" if user.admin else "",
            "disabled" if user.disabled_at else "",
            "" if user.has_password or user.subject else "no password yet",
        ]
        return f"{user.name}, {', '.join(note for note in notes if note)}"

    found = list_users()
    lines = [line(user) for user in found] or ["Nobody has an account."]
    terminal.result([asdict(user) for user in found], "\n".join(lines))


COMMAND = Command(
    "list accounts, add or disable one, or send somebody a link to set a password",
    ("user", "user add Anna --admin", "user reset Anna"),
    _run,
    _add_arguments,
    order=52,
)

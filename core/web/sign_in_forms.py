"""The forms of the sign-in pages, as HTML. What people typed is escaped; sentences are said in the
reader's language."""

from html import escape
from urllib.parse import urlencode

from core.web.paths import address, home
from core.web.plain_page import speaking


def paragraph(language: str, sentence: str) -> str:
    """One sentence."""
    return f"<p>{speaking(language)(sentence)}</p>"


def account_form(language: str, login: str, name: str, onward: str, wrong: str) -> str:
    """What there is to do for whoever is not signed in, by how people sign in on this server."""
    say = speaking(language)
    if login == "proxy":
        return paragraph(
            language,
            "You come to this server without having signed in where one does. Open it at the "
            "address that you were given, or ask an administrator.",
        )
    if login == "oidc":
        where = escape(f"{address('sign-in', 'oidc')}?{urlencode({'next': onward})}")
        link = f'<p><a class="button" href="{where}" autofocus>{say("Sign in")}</a></p>'
        return _wrong(language, wrong) + paragraph(language, _PROVIDER) + link
    fields = (
        _field(say("Name"), "name", name, kind="text", fill="username", first=not name)
        + _field(say("Password"), "password", fill="current-password", first=bool(name))
        + f'<input type="hidden" name="next" value="{escape(onward)}">'
    )
    forgotten = f'<p class="soft">{say(_FORGOTTEN)}</p>'
    own = address("sign-in")
    return _form(fields, say("Sign in"), _wrong(language, wrong), action=own) + forgotten


def password_form(
    language: str, button: str, name: str, wrong: str, *, choose_name: bool = False
) -> str:
    """A new password, twice; for the first account a name as well."""
    say = speaking(language)
    if choose_name:
        who = _field(say("Name"), "name", name, kind="text", fill="username", first=True)
    else:
        who = f'<p><bdi translate="no">{escape(name)}</bdi></p>' + _username(name)
    return _form(who + _new(language, first=not choose_name), say(button), _wrong(language, wrong))


def changing_form(language: str, name: str, wrong: str) -> str:
    """The old password, and the new one twice."""
    say = speaking(language)
    old = _field(say("Current password"), "old", fill="current-password", first=True)
    fields = _username(name) + old + _new(language)
    others = f'<p class="soft">{say(_OTHERS_END)}</p>'
    back = f'<p><a href="{home()}">{say("Back to the projects")}</a></p>'
    return _form(fields, say("Change the password"), _wrong(language, wrong)) + others + back


def bare_form(language: str, button: str) -> str:
    """A button alone."""
    return _form("", speaking(language)(button), "", focus=True)


_FORGOTTEN = "Forgot the password? An administrator can send you a link to set a new one."
_LEAST = "At least 10 characters."
_OTHERS_END = "Wherever else you are signed in, that ends."
_PROVIDER = "You sign in with your organisation's account."


def _wrong(language: str, sentence: str) -> str:
    if not sentence:
        return ""
    return f'<p class="wrong" role="alert" id="wrong">{speaking(language)(sentence)}</p>'


def _new(language: str, *, first: bool = False) -> str:
    say = speaking(language)
    least = f'<p class="soft" id="least">{say(_LEAST)}</p>'
    new = _field(say("New password"), "new", fill="new-password", first=first, about="least")
    return new + _field(say("The same again"), "again", fill="new-password") + least


def _username(name: str) -> str:
    """For programs that keep passwords: whose it is."""
    return f'<input type="hidden" autocomplete="username" name="user" value="{escape(name)}">'


def _field(
    label: str,
    name: str,
    value: str = "",
    *,
    kind: str = "password",
    fill: str,
    first: bool = False,
    about: str = "",
) -> str:
    extra = " autofocus" if first else ""
    if about:
        extra += f' aria-describedby="{about}"'
    if kind == "text":
        extra += ' autocapitalize="none" spellcheck="false"'
    return (
        f'<label>{label}<input type="{kind}" name="{name}" value="{escape(value)}" '
        f'autocomplete="{fill}" maxlength="1000" required{extra}></label>'
    )


def _form(fields: str, button: str, wrong: str, *, action: str = "", focus: bool = False) -> str:
    to = f' action="{action}"' if action else ""
    at_once = " autofocus" if focus else ""
    return f'{wrong}<form method="post"{to}>{fields}<button{at_once}>{button}</button></form>'

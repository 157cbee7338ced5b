"""Who is in front of the screen."""

import streamlit as st

from core import access
from core.access import Actor, acting
from core.people import sign_ins
from core.people.actors import actor_of
from core.settings import get_settings
from core.web import paths
from core.web.people import MARK_HEADER
from pages.components import text


def ask_who_acts() -> None:
    """From now on whoever is not known may do nothing in this process, and a page asks anew, at
    each of its runs, who it is drawn for: a fragment runs by itself, without any other page."""
    access.look_up_with(_who)
    access.deny_by_default()


def person() -> None:
    """In the top bar, on a server where people sign in: her name, and behind it the way out."""
    login, actor = get_settings().login, acting()
    if login == "none" or actor.machine:
        return
    with st.container(key="person", width="content"):
        if not actor.id:
            st.html(f'<a href="{paths.address("sign-in")}" target="_self">Sign in</a>')
            return
        with st.popover(text.plain(actor.name, 30), icon=":material/person:", type="tertiary"):
            st.html(f"Signed in as {text.bdi(actor.name)}")
            st.html('<a href="account" target="_self">Account</a>')
            if login == "password":
                where = paths.address("sign-in", "password")
                st.html(f'<a href="{where}" target="_self">Change the password</a>')
            if login != "proxy":
                st.button("Sign out", key="sign-out", on_click=_sign_out)


def _sign_out() -> None:
    """The server then cuts every socket of this browser, and connection.js leads to the sign-in."""
    kind, _, digest = (_mark() or "").partition(":")
    if kind == "session":
        sign_ins.end(digest)


def _who() -> Actor | None:
    """By the mark that the middleware put on the socket through which this page is drawn."""
    mark = _mark()
    return actor_of(mark) if mark else None


def _mark() -> str | None:
    marks = st.context.headers.get_all(MARK_HEADER)
    return marks[0] if len(marks) == 1 else None

"""Who is in front of the screen."""

import streamlit as st

from core import access
from core.access import Actor
from core.people.actors import actor_of
from core.web.people import MARK_HEADER


def ask_who_acts() -> None:
    """From now on whoever is not known may do nothing in this process, and a page asks anew, at
    each of its runs, who it is drawn for: a fragment runs by itself, without any other page."""
    access.look_up_with(_who)
    access.deny_by_default()


def _who() -> Actor | None:
    """By the mark that the middleware put on the socket through which this page is drawn."""
    mark = _mark()
    return actor_of(mark) if mark else None


def _mark() -> str | None:
    marks = st.context.headers.get_all(MARK_HEADER)
    return marks[0] if len(marks) == 1 else None

"""A place of its own on the page for what comes and goes, so that nothing below it ever moves.

Streamlit knows fragments, and what the browser has drawn, by where they stand. If something
appears above a fragment while a person presses a button in it, that press names a fragment that is
no longer there and is thrown away; text half typed and open lists below are lost, too.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

P = ParamSpec("P")
R = TypeVar("R")


def placeholder(part: Callable[P, R]) -> Callable[P, R]:
    """A part of a page that takes up one place also while it shows nothing."""

    @wraps(part)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with st.container():
            return part(*args, **kwargs)

    return drawn

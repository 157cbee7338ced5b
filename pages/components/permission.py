"""What whoever looks at a page may do in its project: what she may not is not offered.

The core refuses it all the same; a page only does not lead there.
"""

import time
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec

import streamlit as st

from core.access import Action, Actor, acting, actions_of

_P = ParamSpec("_P")
LOOK_ONLY = "You may look at this project, not change it."


def allowed(action: Action = "edit", project: str = "") -> bool:
    """Whether the person at this page may do this in a project: the one in the page's address where
    none is named."""
    actor = acting()
    if actor.machine:
        return True
    # Asked by many buttons of a page at once, so each answer is good for a second.
    within = project or st.query_params.get("project", "")
    return action in _actions(actor, within, int(time.monotonic()))


@lru_cache(maxsize=4096)
def _actions(actor: Actor, project: str, _second: int) -> frozenset[Action]:
    return actions_of(actor, project)


def may_begin() -> bool:
    """Whether there is a person here, or the machine, who may have projects of her own."""
    actor = acting()
    return actor.machine or (actor.id != "" and actor.actions is None)


def only_for(action: Action = "edit") -> Callable[[Callable[_P, None]], Callable[_P, None]]:
    """A part of a page that is not drawn for whoever may not do what it is for."""

    def guarded(part: Callable[_P, None]) -> Callable[_P, None]:
        @wraps(part)
        def drawn(*args: _P.args, **kwargs: _P.kwargs) -> None:
            if allowed(action):
                part(*args, **kwargs)

        return drawn

    return guarded


def say_look_only() -> None:
    """The one sentence at the top for whoever may not change anything."""
    if not allowed("edit"):
        st.html(f'<p class="muted small" role="note">{LOOK_ONLY}</p>')

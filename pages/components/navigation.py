"""Moving to another page or address while what is left still refreshes by itself.

The browser goes on asking for such refreshes until it hears of the new page. Streamlit would keep
what arrives so late and do it after the new page is drawn, for the old page: the browser takes that
for a move back, throws the new page away, and stays white. If one arrives before the new page is
begun, Streamlit makes one request of both, with the page and the address of the later one: the move
is lost. On the same page, a late refresh would see the old address, and draw the page anew with it:
what a person just chose would be lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec
from urllib.parse import parse_qsl

import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequestType

HERE = "page-here"
ADDRESS = "address-here"

P = ParamSpec("P")


def refuse_late_refreshes() -> None:
    """From now on, in this process, a refresh gives way to whatever else is asked for: the browser
    will ask again."""
    request = AppSession.request_rerun

    @wraps(request)
    def request_rerun(session: AppSession, asked: ClientState | None) -> None:
        if not (asked and is_late(session, asked)):
            request(session, asked)

    AppSession.request_rerun = request_rerun  # type: ignore[assignment,method-assign]


def is_late(session: AppSession, asked: ClientState) -> bool:
    """Whether this is a refresh of a page that is no longer shown, or of one about to be drawn."""
    if not asked.is_auto_rerun:
        return False
    if asked.page_script_hash != session._pages_manager.current_page_script_hash:
        return True
    runner = session._scriptrunner
    waiting = runner._requests if runner else None
    return bool(
        waiting
        and waiting._state is ScriptRequestType.RERUN
        and not waiting._rerun_data.fragment_id_queue
    )


def move(page: st.Page) -> None:
    """Before anything of a page is drawn: forget what refreshed by itself on the page before.

    Later requests for it are then refused. One that is waiting already goes under in the rerun,
    which takes its place.
    """
    before = st.session_state.get(HERE, page.url_path)
    st.session_state[HERE] = page.url_path
    context = get_script_run_ctx()
    if before != page.url_path and context:
        context.fragment_storage.clear()
        st.rerun()


@contextmanager
def address_kept() -> Iterator[None]:
    """While a whole page is drawn: remember the address with which that ended."""
    # Asked for now: to ask the session for it in the end might begin another run in the midst.
    kept: dict[str, str] = st.session_state.setdefault(ADDRESS, {})
    try:
        yield
    finally:
        if context := get_script_run_ctx():
            kept["query"] = context.query_string


def refreshing(every: float) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A part of a page that is drawn anew by itself; `every` is the pause in seconds.

    It sees the address that the page was drawn with last, even if the browser that asked for it
    had not yet heard of that one.
    """

    def decorate(part: Callable[P, None]) -> Callable[P, None]:
        @wraps(part)
        def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
            context = get_script_run_ctx()
            kept = st.session_state.get(ADDRESS)
            if context and context.fragment_ids_this_run and kept:
                now = dict(parse_qsl(kept["query"], keep_blank_values=True))
                if st.query_params.to_dict() != now:
                    st.query_params.from_dict(now)
            part(*args, **kwargs)

        return st.fragment(drawn, run_every=every)

    return decorate

"""The web app as one ASGI application: `streamlit run app.py`, or `python -m core serve`."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from core.errors import GraftError
from core.faults import translate
from core.process import begin, settle
from core.server.launch import ensure_worker
from core.server.login import require_login, set_up_address
from core.server.starting import SERVED, give_up, prepare, require_same_path
from core.settings import known_settings
from core.web.metrics import Sessions
from core.web.middleware import Guard
from core.web.people import People
from core.web.routes import routes
from pages.components.navigation import refuse_late_refreshes
from pages.components.person import ask_who_acts

log = logging.getLogger("graft")
begin()
try:
    settings = known_settings()
    require_login(settings, st.get_option("server.address"))
    require_same_path(settings, st.get_option("server.baseUrlPath"))
except GraftError as error:
    give_up(error)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Before the first page: a home, tables and a worker."""
    await run_in_threadpool(get_ready)
    yield


def get_ready() -> None:
    """All that has to be there before the first page, or a sentence and the end."""
    try:
        prepare(settings)
        if SERVED not in os.environ:  # whoever serves says it where a person reads it
            sys.stdout.write(set_up_address(settings))
            sys.stdout.flush()
        ensure_worker(settings)
    except GraftError as error:
        give_up(error)
    # Streamlit looks for garbage after every run of a page, and nobody's page goes on meanwhile.
    # Through all that is loaded here that takes 90 ms, without it 3.
    settle()


def say_plainly(error: Exception) -> bool:
    """Show a sentence instead of a traceback; what went wrong in detail goes to the log."""
    known = translate(error, settings)  # a full disk is nobody's mistake
    if known is not None:
        if known is not error:
            log.warning("A page could not be shown: %s", known, exc_info=error)
        st.error(str(known), icon=":material/error:")
        return True
    log.error("A page failed.", exc_info=error)
    st.error(
        "Something went wrong on this page. Your images and models are safe. Reload the page; "
        "if it happens again, the details are in the server's log.",
        icon=":material/error:",
    )
    return True


middleware = [
    Middleware(Guard, allowed_hosts=st.get_option("server.allowedHosts"), path=settings.path)
]
refuse_late_refreshes()
if settings.login != "none":
    ask_who_acts()
    middleware.append(Middleware(People, settings=settings))
middleware.append(Middleware(Sessions))
app = st.App(
    "pages/index.py",
    lifespan=lifespan,
    routes=routes(settings),
    middleware=middleware,
    on_script_error=say_plainly,
)

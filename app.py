"""The web app as one ASGI application: `streamlit run app.py`, or `python -m core serve`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from core import GraftError, ensure_worker, get_settings, migrate
from core.web.middleware import Guard
from core.web.routes import routes

log = logging.getLogger("graft")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Before the first page: tables and a worker."""
    settings = get_settings()
    await run_in_threadpool(migrate, settings)
    await run_in_threadpool(ensure_worker, settings)
    yield


def say_plainly(error: Exception) -> bool:
    """Show a sentence instead of a traceback; what went wrong in detail goes to the log."""
    if isinstance(error, GraftError):
        st.error(str(error), icon=":material/error:")
        return True
    log.error("A page failed.", exc_info=error)
    st.error(
        "Something went wrong on this page. Your pictures and models are safe. Reload the page; "
        "if it happens again, the details are in the server's log.",
        icon=":material/error:",
    )
    return True


app = st.App(
    "pages/index.py",
    lifespan=lifespan,
    routes=routes(get_settings()),
    middleware=[Middleware(Guard, allowed_hosts=st.get_option("server.allowedHosts"))],
    on_script_error=say_plainly,
)

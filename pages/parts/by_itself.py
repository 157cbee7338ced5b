"""A job that a page needs before it can show anything: begun by itself, watched, gone on with."""

from pathlib import Path
from typing import Any

import streamlit as st

from core import JobStatus, new_job, recent_jobs, status, submit
from pages.parts import progress, text
from pages.parts.steady import steady


@steady
def job_by_itself(kind: str, *, begin: bool = True, **args: Any) -> JobStatus | None:
    """The newest job of this kind with these arguments, drawn while it is not finished.

    Where there is none, one is begun, unless `begin` says otherwise; then None.
    """
    known = recent_jobs(kind, **args)
    if not known and not begin:
        return None
    if not known:
        known = [begin_job(kind, **args)]
    now = status(known[0])
    if now.active:
        progress.watch(known[0], stoppable=True)
    elif now.state != "finished":
        _ended_early(known[0], now)
    return now


def begin_job(kind: str, **args: Any) -> Path:
    """Hand one in; gives its folder."""
    folder = new_job()
    submit(kind, folder, args)
    return folder


def _ended_early(folder: Path, now: JobStatus) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(f'<p role="status">{text.html(now.sentence, 400)}</p>', width="stretch")
        progress.offer_to_go_on(folder, "Go on")

"""Jobs that a page asks for: answers to a choice, and what it needs before it can show anything."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import NotFound
from core.jobs.asked_for import asked_for
from core.jobs.kinds import get_kind
from core.jobs.queue import job_folder, new_job, resume, status, stop, submit
from core.jobs.recent import recent_jobs
from core.jobs.status import JobStatus
from pages.components import progress, text
from pages.components.permission import allowed
from pages.components.placeholder import placeholder


def answering_job(kind: str, **args: Any) -> Path:
    """The job that answers this choice, begun or resumed; the one before it is stopped."""
    folder = _begun_or_resumed(kind, args)
    former = st.session_state.get(f"answering-{kind}")
    st.session_state[f"answering-{kind}"] = folder.name
    if former and former != folder.name:  # a slider passes many values
        with suppress(NotFound):
            stop(job_folder(former))
    return folder


@placeholder
def required_job(kind: str, *, begin: bool = True, **args: Any) -> JobStatus | None:
    """The newest job of this kind with these arguments, drawn while it is not finished.

    Where there is none, one is begun, unless `begin` says otherwise, or who looks may not: then
    None.
    """
    known = recent_jobs(kind, **args)
    if not known and begin and not allowed(get_kind(kind).action):
        st.html('<p class="muted">This was not worked out yet.</p>')
        return None
    if not known and not begin:
        return None
    folder = known[0] if known else asked_for(kind, **args)
    now = status(folder)
    if now.active:
        progress.watch(folder, stoppable=True)
    elif now.state != "finished":
        _ended_early(folder, now)
    return now


def begin_job(kind: str, **args: Any) -> Path:
    """Submit one; gives its folder."""
    folder = new_job()
    submit(kind, folder, args)
    return folder


def _begun_or_resumed(kind: str, args: Mapping[str, Any]) -> Path:
    folder = asked_for(kind, **args)
    if status(folder).state == "stopped":
        resume(folder)
    return folder


def _ended_early(folder: Path, now: JobStatus) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(f'<p role="status">{text.html(now.sentence, 400)}</p>', width="stretch")
        progress.offer_to_go_on(folder, now)

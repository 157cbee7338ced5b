"""Short jobs that answer a question about a choice: one for each question, the former one left."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from core import NotFound, job_folder, new_job, recent_jobs, resume, status, stop, submit


def asked(kind: str, **args: Any) -> Path:
    """The job that answers this, begun or gone on with where need be; the former one is stopped."""
    folder = _job(kind, args)
    former = st.session_state.get(f"asked-{kind}")
    st.session_state[f"asked-{kind}"] = folder.name
    if former and former != folder.name:  # a slider passes many values
        with suppress(NotFound):
            stop(job_folder(former))
    return folder


def _job(kind: str, args: dict[str, Any]) -> Path:
    known = recent_jobs(kind, **args)
    if not known:
        folder = new_job()
        submit(kind, folder, args)
        return folder
    if status(known[0]).state == "stopped":
        resume(known[0])
    return known[0]

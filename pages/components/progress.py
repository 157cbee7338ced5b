"""How a job is doing, as it goes on."""

from pathlib import Path
from typing import Literal

import streamlit as st

from core.jobs.kinds import kinds
from core.jobs.queue import resume, status, stop
from core.jobs.status import JobStatus
from pages.components import text
from pages.components.navigation import refreshing
from pages.components.permission import allowed

ButtonKind = Literal["primary", "secondary", "tertiary"]
"""How much a button stands out."""


def bar(fraction: float | None, label: str) -> str:
    """A progress bar as HTML; without a fraction it only says that something moves."""
    if fraction is None:
        return f'<div class="bar unknown" role="progressbar" aria-label="{label}"><i></i></div>'
    percent = round(100 * fraction)
    return (
        f'<div class="bar" role="progressbar" aria-label="{label}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )


def show(now: JobStatus) -> None:
    """Phase, bar, count and time left of a job that is not over."""
    facts = []
    if now.place:
        facts.append(f"number {now.place} in the queue")
    if now.progress and now.progress.total and now.state == "running" and not now.of:
        facts.append(f"{now.progress.done:,} of {now.progress.total:,}")
    if now.of:
        facts.append(f"step {now.step:,} of {now.of:,}")
    if now.seconds_left is not None:
        facts.append(f"{text.duration(now.seconds_left)} left")
    phase = text.html(now.phase or now.sentence, 200)
    waiting = None if now.state == "queued" else now.fraction
    st.html(
        f'<p class="card-title">{phase}</p>'
        f'<div style="margin:.5rem 0">{bar(waiting, "Progress")}</div>'
        f'<p class="facts">{"".join(f"<span>{fact}</span>" for fact in facts) or "&nbsp;"}</p>'
        # Told aloud only when the phase changes, not at every tick.
        f'<p class="unseen" role="status" aria-live="polite">{phase}</p>'
    )


@refreshing(0.4)
def watch(folder: Path, *, title: str = "", stoppable: bool = False, skipped: bool = False) -> None:
    """A job as it goes on; draws the page anew when it is over.

    `title` says what it is when its phases alone do not; `skipped` lists what it leaves out.
    """
    now = status(folder)
    if not now.active:
        st.rerun(scope="app")
    with st.container(border=True):
        if title:
            st.html(f'<p class="muted small">{title}</p>')
        show(now)
        stopping = now.state == "stopping"
        if (
            stoppable
            and may_steer(now)
            and st.button("Stop", icon=":material/stop_circle:", disabled=stopping)
        ):
            stop(folder)
            st.rerun(scope="fragment")
    if skipped:
        show_skipped(now)


def may_steer(now: JobStatus) -> bool:
    """Whether who looks may stop this job, or have it go on."""
    known = kinds().get(now.kind)
    return allowed(known.action if known else "manage")


def offer_to_go_on(
    folder: Path,
    now: JobStatus,
    label: str = "",
    *,
    icon: str = ":material/restart_alt:",
    kind: ButtonKind = "secondary",
) -> None:
    """The button that takes up a job which ended early; none where it would only fail again."""
    label = label or ("Resume" if now.state == "stopped" else "Try again")
    if now.can_resume and may_steer(now) and st.button(label, icon=icon, type=kind):
        resume(folder)
        st.rerun()


def show_skipped(now: JobStatus) -> None:
    """The files that were left out, each with its reason."""
    if not now.skipped:
        return
    title = f"{text.count(len(now.skipped), 'file')} left out"
    with st.expander(title, icon=":material/info:"):
        rows = "".join(
            f"<tr><td>{text.bdi(one.name)}</td><td>{text.html(one.reason, 400)}</td></tr>"
            for one in now.skipped[:200]
        )
        more = len(now.skipped) - 200
        st.html(
            '<div class="scroll"><table class="table"><thead><tr><th>File</th><th>Why</th></tr>'
            f"</thead><tbody>{rows}</tbody></table></div>"
            + (f'<p class="muted small">and {more:,} more</p>' if more > 0 else "")
        )

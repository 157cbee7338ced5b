"""How a job is doing, as it goes on."""

import streamlit as st

from core import JobStatus
from pages.parts import text


def bar(fraction: float | None, label: str) -> str:
    """A progress bar as HTML; without a fraction it only says that something moves."""
    if fraction is None:
        return f'<div class="bar unknown" role="progressbar" aria-label="{label}"><i></i></div>'
    percent = round(100 * fraction)
    return (
        f'<div class="bar" role="progressbar" aria-label="{label}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )


def show(status: JobStatus) -> None:
    """Phase, bar, count and time left of a job that is not over."""
    facts = []
    if status.place:
        facts.append(f"place {status.place} in the queue")
    if status.progress and status.progress.total and status.state == "running" and not status.of:
        facts.append(f"{status.progress.done:,} of {status.progress.total:,}")
    if status.of:
        facts.append(f"step {status.step:,} of {status.of:,}")
    if status.seconds_left is not None:
        facts.append(f"{text.duration(status.seconds_left)} left")
    phase = text.html(status.phase or status.sentence, 200)
    waiting = None if status.state == "queued" else status.fraction
    st.html(
        f'<p class="card-title">{phase}</p>'
        f'<div style="margin:.5rem 0">{bar(waiting, "Progress")}</div>'
        f'<p class="facts">{"".join(f"<span>{fact}</span>" for fact in facts) or "&nbsp;"}</p>'
        # Told aloud only when the phase changes, not at every tick.
        f'<p class="unseen" role="status" aria-live="polite">{phase}</p>'
    )


def show_skipped(status: JobStatus) -> None:
    """The files that were left out, each with its reason."""
    if not status.skipped:
        return
    title = f"{text.count(len(status.skipped), 'file')} left out, and why"
    with st.expander(title, icon=":material/info:"):
        rows = "".join(
            f"<tr><td>{text.bdi(one.name)}</td><td>{text.html(one.reason, 400)}</td></tr>"
            for one in status.skipped[:200]
        )
        more = len(status.skipped) - 200
        st.html(
            '<div class="scroll"><table class="table"><thead><tr><th>File</th><th>Why</th></tr>'
            f"</thead><tbody>{rows}</tbody></table></div>"
            + (f'<p class="muted small">… and {more:,} more.</p>' if more > 0 else "")
        )

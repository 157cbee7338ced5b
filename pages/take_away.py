"""Take away: the model as a ZIP that works without this app."""

from decimal import Decimal
from pathlib import Path

import streamlit as st

from core import RunRow, new_job, recent_jobs, status, submit
from pages.parts import progress, text
from pages.parts.frame import frame, need_model
from pages.parts.runs import choose_run

INSIDE = (
    ("model.safetensors", "what it learned"),
    ("model.json", "its classes, how pictures are prepared, and its scores"),
    ("known.safetensors", "what new pictures are compared with, to tell unknown ones"),
    ("MODEL_CARD.md", "a card that says what it is for, and where its limits are"),
    ("predict.py", "a short program that asks it about a picture"),
)


def offer(run: RunRow) -> None:
    rows = "".join(f"<tr><td><code>{name}</code></td><td>{what}</td></tr>" for name, what in INSIDE)
    st.html(
        '<p class="muted">One ZIP file. Whoever gets it needs Python with torch, timm, safetensors '
        "and pillow, and nothing of Graft.</p>"
        f'<table class="table" style="margin:.8rem 0 0"><tbody>{rows}</tbody></table>'
    )
    if st.button("Make the ZIP file", type="primary", icon=":material/package_2:"):
        folder = new_job()
        submit("export", folder, {"run": run.id, "file": str(folder / "model.zip")})
        st.rerun()


def plain_number(value: float) -> str:
    """0.0000002 rather than 2e-07."""
    return format(Decimal(f"{value:.1e}").normalize(), "f")


def ready(folder: Path) -> None:
    result = status(folder).result or {}
    difference, n = result.get("greatest_difference", 0.0), result.get("images", 0)
    with st.container(border=True):
        st.html(
            '<p class="score-words">Your model is ready to go.</p>'
            f"<p>It was run on {text.count(n, 'picture')} in a clean process. The greatest "
            f"difference to the answers given here was <b>{plain_number(difference)}</b> "
            "in a probability between 0 and 1.</p>"
        )
        st.link_button(
            "Download the ZIP file",
            f"/graft/download/{folder.name}",
            type="primary",
            icon=":material/download:",
        )


def story(run: RunRow) -> None:
    """All that is known about the run, on one page to pass on."""
    st.subheader("A report to keep or to send", anchor=False)
    st.html(
        '<p class="muted">One page for the browser or the printer, with nothing to fetch: what was '
        "learned from, how, the scores and how far to trust them, examples, limits, and how to "
        "make it again. For a PDF, open it and print it into a file. "
        '<span class="term">(HTML)</span></p>'
    )
    written = recent_jobs("report", run=run.id)
    now = status(written[0]) if written else None
    if now and now.active:
        progress.watch(written[0])
        return
    if now and now.state == "failed":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
    with st.container(horizontal=True):
        if now and now.state == "finished":
            st.link_button(
                "Download the report",
                f"/graft/download/{written[0].name}",
                icon=":material/download:",
            )
        label = "Write it anew" if now else "Write the report"
        if st.button(label, icon=":material/description:", type="tertiary" if now else "secondary"):
            submit("report", new_job(), {"run": run.id})
            st.rerun()


place = frame("take_away")
need_model(place)
st.title("Take the model away", anchor=False)
run = choose_run(place, "Which model", place.finished, place.run(place.finished))
exports = recent_jobs("export", run=run.id)
newest = status(exports[0]) if exports else None
if newest and newest.active:
    progress.watch(exports[0], title="Packing the model, then running it in a clean process")
elif newest and newest.state == "finished":
    ready(exports[0])
    with st.expander("What is inside, and make it again"):
        offer(run)
else:
    if newest:
        st.error(text.markdown(newest.sentence, 600), icon=":material/error:")
        progress.offer_to_go_on(exports[0], "Try again")
    offer(run)
story(run)

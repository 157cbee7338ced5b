"""Take away: the model as a ZIP that works without this app."""

from decimal import Decimal
from pathlib import Path

import streamlit as st

from core import RunRow, new_job, recent_jobs, resume, status, submit
from pages.parts import progress, text
from pages.parts.frame import frame, need_model
from pages.parts.runs import run_title

INSIDE = (
    ("model.safetensors", "what it learned"),
    ("model.json", "its classes, how pictures are prepared, and its scores"),
    ("README.md", "a card that says what it is for, and where its limits are"),
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


place = frame("take_away")
need_model(place)
st.title("Take the model away", anchor=False)
run = place.run(place.finished)
if len(place.finished) > 1:
    run = st.selectbox(
        "Which model",
        place.finished,
        index=[one.id for one in place.finished].index(run.id),
        format_func=lambda one: text.plain(run_title(one), 120),
    )
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
        if st.button("Try again"):
            resume(exports[0])
            st.rerun()
    offer(run)

"""Export: the model as a ZIP that works without this app, and its report."""

from decimal import Decimal
from pathlib import Path

import streamlit as st

from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.projects import RunRow
from pages.components import progress, text
from pages.components.progress import ButtonKind

INSIDE = (
    ("model.safetensors", "what it learned"),
    ("model.json", "its classes, how images are prepared, and its scores"),
    ("reference_features.safetensors", "what new images are compared with, to tell unknown ones"),
    ("MODEL_CARD.md", "a card that says what it is for, and where its limits are"),
    ("predict.py", "a short program that asks it about an image"),
    ("image_reading.py", "how that program reads image files, with the two beside it"),
)


def offer(run: RunRow) -> None:
    rows = "".join(f"<tr><td><code>{name}</code></td><td>{what}</td></tr>" for name, what in INSIDE)
    st.html(
        '<p class="muted">One ZIP file. Whoever gets it needs Python with torch, timm, safetensors '
        "and pillow, and nothing of Graft.</p>"
        f'<table class="table" style="margin:.8rem 0 0"><tbody>{rows}</tbody></table>'
    )
    if st.button("Make the ZIP file", type="primary", icon=":material/package_2:"):
        submit("export", new_job(), {"run": run.id})
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
            f"<p>It was run on {text.count(n, 'image')} in a clean process. The greatest "
            f"difference to the answers given here was <b>{plain_number(difference)}</b> "
            "in a probability between 0 and 1.</p>"
        )
        st.link_button(
            "Download the ZIP file",
            f"/graft/download/{folder.name}",
            type="primary",
            icon=":material/download:",
        )


FORMS = {"pdf": ("PDF", ":material/picture_as_pdf:"), "html": ("web page", ":material/public:")}


def story(run: RunRow) -> None:
    """All that is known about the run, on pages to pass on."""
    st.header("A report to keep or to send", anchor=False)
    st.html(
        '<p class="muted">What was learned from, how, the scores and how far to trust them, '
        "examples, limits, and how to make it again. The PDF is for printing; the web page is one "
        "file that needs nothing else.</p>"
    )
    made = {form: recent_jobs("report", run=run.id, form=form) for form in FORMS}
    for jobs in made.values():
        if jobs and status(jobs[0]).active:
            progress.watch(jobs[0])
            return
    for form, jobs in made.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            document(run, form, jobs[0] if jobs else None)


def document(run: RunRow, form: str, written: Path | None) -> None:
    """One form of the report: to write, to fetch, to write anew."""
    name, icon = FORMS[form]
    now = status(written) if written else None
    if now and now.state == "failed":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
    label, again = f"Write the report as a {name}", False
    if written and now and now.state == "finished":
        address = f"/graft/download/{written.name}"
        st.link_button(f"Download the {name}", address, icon=":material/download:")
        label, again = "Update", True
    kind: ButtonKind = "tertiary" if again else "secondary"
    if st.button(label, icon=None if again else icon, type=kind, key=f"write-{form}"):
        submit("report", new_job(), {"run": run.id, "form": form})
        st.rerun()


def export_model(run: RunRow) -> None:
    """The model as one file, and what there is to read about it."""
    with st.container():
        exports = recent_jobs("export", run=run.id)
        newest = status(exports[0]) if exports else None
        if newest and newest.active:
            progress.watch(
                exports[0], title="Packing the model, then running it in a clean process"
            )
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

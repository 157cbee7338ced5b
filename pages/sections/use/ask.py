"""Asking the model about new images: one, many, a folder, or from the camera."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import GraftError
from core.jobs.queue import job_folder, new_job, status, submit
from core.projects import RunRow
from core.settings import get_settings
from core.web.predictions import job_predictions
from core.web.uploads import issue_upload, received, upload_folder
from pages.components import progress, text
from pages.components.upload import drop_zone
from pages.sections.results.calibration_summary import sets_in_words, unknown_in_words
from pages.sections.results.score import report_of
from pages.sections.use.explanation import why, why_button

TOP = 4
PER_PAGE = 24


def bring(run: RunRow) -> None:
    if "try" not in st.session_state:
        st.session_state["try"] = issue_upload(get_settings().home)
    arrived = drop_zone(
        st.session_state["try"],
        key="try-it",
        headline="Drop pictures to ask about",
        hint="One or many. They are looked at here and not added to your pictures.",
        button="Choose images",
        folders=True,
        camera=True,
    )
    if not arrived:
        return
    del st.session_state["try"]
    files = received(upload_folder(get_settings().home, arrived.upload))
    folder = new_job()
    submit(
        "predict",
        folder,
        {
            "run": run.id,
            "files": [str(file.path) for file in files],
            "names": [file.name for file in files],
            "upload": arrived.upload,
        },
    )
    st.query_params["asked"] = folder.name
    st.rerun()


def answers(folder: Path, run: RunRow) -> None:
    now = status(folder)
    if now.active:
        progress.watch(folder)
        return
    if now.state != "finished":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
        return
    rows = job_predictions(folder)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.subheader(f"{text.count(len(rows), 'answer')}", anchor=False)
        st.link_button("Save as CSV", f"/graft/download/{folder.name}", icon=":material/download:")
    page, pages = 1, -(-len(rows) // PER_PAGE)
    if pages > 1:
        page = st.pagination(pages, key=f"answers-{folder.name}")
    why()
    with st.grid(3, min_column_width=250, gap="small"):
        for row in rows[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with st.container(border=True, height="stretch"):
                st.html(answer(row))
                if brought := uploaded(row):
                    why_button(run, brought, file=brought)


def uploaded(row: Mapping[str, Any]) -> str:
    """Where the picture of an answer lies; empty for one that could not be read."""
    *_, upload, number = row.get("preview", "//").split("/")
    if "error" in row or not number.isdecimal():
        return ""
    try:
        return str(upload_folder(get_settings().home, upload) / number)
    except GraftError:
        return ""


def answer(row: Mapping[str, Any]) -> str:
    name = text.bdi(row["image"].rsplit("/", 1)[-1], 40)
    source, alt = row.get("preview", ""), text.html(row["image"])
    picture = f'<img class="asked" src="{source}" alt="{alt}" loading="lazy">'
    if "error" in row:
        return (
            f'<p class="card-title">{name}</p><p class="wrong">{text.html(row["error"], 300)}</p>'
        )
    if row.get("tasks"):
        strange = '<span class="chip warn">unknown</span>' if row.get("ood") else ""
        answers = "".join(
            f'<p class="muted small">{text.bdi(task, 40)}</p>{shares(each)}'
            for task, each in row["tasks"].items()
        )
        return f'{picture}<p class="muted small">{name} {strange}</p>{answers}'
    below = f'<p class="muted small">{name}</p>'
    return f"{picture}{shares(row, below)}"


def shares(told: Mapping[str, Any], below: str = "") -> str:
    """The likeliest class, what stands below it, and bars of the likeliest few."""
    top = sorted(told["probabilities"].items(), key=lambda pair: -pair[1])[:TOP]
    bars = "".join(
        f"<div>{text.bdi(label, 24)}{progress.bar(share, text.html(label))}"
        f'<span class="n">{text.percent(share)}</span></div>'
        for label, share in top
    )
    return f'{said(told)}{below}<div class="shares" style="margin-top:.5rem">{bars}</div>'


def said(row: Mapping[str, Any]) -> str:
    """The answer in words: a class, one of several, or none of them."""
    label = text.bdi(row["label"], 40)
    if row.get("ood"):
        return (
            '<p class="card-title said">Unknown <span class="chip warn">like none of your classes'
            f'</span></p><p class="muted small">If it is one of them after all: {label}</p>'
        )
    others = (row.get("prediction_set") or [])[1:]
    if not others:
        return f'<p class="card-title said">{label}</p>'
    listed = ", ".join(text.bdi(name, 30) for name in others[:TOP])
    more = f" and {len(others) - TOP} more" if len(others) > TOP else ""
    return f'<p class="card-title said">{label}</p><p class="small">or {listed}{more}</p>'


def about(run: RunRow) -> None:
    """What "or" and "unknown" mean for this model, and how often they are wrong."""
    report = report_of(run)
    if report and (found := report.calibration):
        st.html(f'<p class="muted small">{sets_in_words(found)} {unknown_in_words(found)}</p>')


def test_images(run: RunRow) -> None:
    """Where images are dropped, and the answers to those that were."""
    bring(run)
    asked = st.query_params.get("asked")
    if asked:
        try:
            answers(job_folder(asked), run)
        except GraftError as error:
            st.error(str(error))
    about(run)

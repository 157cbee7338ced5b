"""Pictures: bring them, see them, and meet the first model."""

from collections import Counter
from pathlib import Path

import streamlit as st

from core import Dataset, JobStatus, recent_jobs, status
from pages.parts import progress, text
from pages.parts.again import offer_again
from pages.parts.bring import bring
from pages.parts.class_table import ROLES, change_classes, class_table
from pages.parts.data_pages import data_pages
from pages.parts.every_picture import every_picture
from pages.parts.faults import faults_card
from pages.parts.first_model import first_model
from pages.parts.frame import frame, onward, problem
from pages.parts.last_change import last_change
from pages.parts.outlook import more_pictures
from pages.parts.place import Place
from pages.parts.samples import begin_sample, sample_cards
from pages.parts.steady import steady
from pages.parts.understanding import understanding_of


def import_ended(folder: Path, now: JobStatus) -> None:
    if now.state == "failed":
        st.error(text.plain(now.sentence, 600).replace("$", r"\$"), icon=":material/error:")
    if now.state in ("failed", "stopped"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html('<p class="muted">The import did not finish.</p>', width="content")
            progress.offer_to_go_on(folder, "Go on with it")
    if not understanding_of(folder, now):
        for note in now.notes:
            st.info(text.markdown(note, 400), icon=":material/info:")
    progress.show_skipped(now)


@steady
def teach_again(place: Place) -> None:
    """After a change: the first model knows the pictures as they were."""
    if place.first_model or not place.automatic or problem(place):
        return
    said = "<p>The first model has learned from these pictures as they were before.</p>"
    if offer_again(place, place.automatic[0], said):
        st.rerun()


@steady
def told(place: Place, import_job: Path | None, fault: str) -> None:
    """What the last import said, and what stands in the way of learning."""
    if import_job:
        now = status(import_job)
        # What an import said is over once the pictures were changed since.
        made = (now.result or {}).get("dataset", place.versions[0])
        if now.state != "finished" or made == place.versions[0]:
            import_ended(import_job, now)
    if fault:
        st.warning(text.markdown(fault, 600), icon=":material/warning:")


def others(dataset: Dataset) -> str:
    """How many pictures there are that belong to none of the classes, and what they are for."""
    counted = Counter(item.role for item in dataset.items)
    return "".join(f" · {counted[role]:,} {said}" for role, said in ROLES.items() if counted[role])


def overview(place: Place, import_job: Path | None) -> None:
    dataset = place.dataset
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.title(
            f"{text.count(len(dataset.labelled), 'picture')} in "
            f"{text.count(len(dataset.classes), 'class', 'classes')}{others(dataset)}",
            anchor=False,
        )
    fault = problem(place)
    told(place, import_job, fault)
    last_change(place)
    first_model(place)
    teach_again(place)
    faults_card(place)
    more_pictures(place)
    by_class, every = st.tabs(["By class", "Every picture"])
    with by_class:
        class_table(place)
        change_classes(place)
    with every:
        every_picture(place)
    if dataset.source or dataset.licence:
        st.html(
            f'<p class="muted small">Source: {text.html(dataset.source or "not stated", 300)}'
            f" Licence: {text.html(dataset.licence or 'not stated', 200)}</p>"
        )
    with st.expander(
        "Add more pictures", icon=":material/add_photo_alternate:", expanded=bool(fault)
    ):
        bring(place)
    if not fault:
        onward("Choose a backbone", "backbone")


here = frame("pictures")
if here.dataset:
    data_pages("pictures")
jobs = recent_jobs("import", project=here.project.id)
newest = status(jobs[0]) if jobs else None
if newest and newest.active:
    st.title("Taking in your pictures", anchor=False)
    progress.watch(jobs[0], stoppable=True, skipped=True)
elif here.dataset:
    overview(here, jobs[0] if jobs else None)
else:
    if newest:
        import_ended(jobs[0], newest)
    st.title("Bring your pictures", anchor=False)
    if here.damage:
        st.error(here.damage, icon=":material/error:")
    bring(here)
    st.subheader("Or begin with a sample", anchor=False)
    picked = sample_cards()
    if picked:
        begin_sample(here.project.id, picked)
        st.rerun()

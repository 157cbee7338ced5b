"""Images: add them, see them, and get a first score."""

from collections import Counter
from pathlib import Path

import streamlit as st

from core.dataset.manifest import Dataset
from core.jobs.confirming import needs_confirmation
from core.jobs.first_run import first_run
from core.jobs.queue import status
from core.jobs.recent import recent_jobs
from core.jobs.status import JobStatus
from pages.components import progress, text
from pages.components.frame import frame, lead, onward, problem
from pages.components.permission import allowed, only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, load_dataset
from pages.sections.images.add_images import bring
from pages.sections.images.all_images import every_picture
from pages.sections.images.class_table import ROLES, change_classes, class_table
from pages.sections.images.first_model import first_model
from pages.sections.images.image_pages import image_pages
from pages.sections.images.last_change import last_change
from pages.sections.images.problems import faults_card
from pages.sections.images.samples import begin_sample, sample_cards
from pages.sections.images.understanding import understanding_of
from pages.sections.train.pretraining_analysis import more_pictures
from pages.sections.train.retrain import offer_again


def import_ended(folder: Path, now: JobStatus) -> None:
    if now.state == "failed":
        st.error(text.plain(now.sentence, 600).replace("$", r"\$"), icon=":material/error:")
    if now.state in ("failed", "stopped"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html('<p class="muted">The import did not finish.</p>', width="content")
            progress.offer_to_go_on(folder, now)
    if not understanding_of(folder, now):
        for note in now.notes:
            st.info(text.markdown(note, 400), icon=":material/info:")
    progress.show_skipped(now)


@placeholder
@only_for()
def teach_again(context: ProjectContext) -> None:
    """After a change: the first model knows the images as they were."""
    if context.first_model or not context.automatic or problem(context):
        return
    said = "<p>The first model was trained before you changed the images.</p>"
    if offer_again(context, context.automatic[0], said):
        st.rerun()


@placeholder
def told(context: ProjectContext, import_job: Path | None, fault: str) -> None:
    """What the last import said, and what stands in the way of learning."""
    if import_job:
        now = status(import_job)
        # What an import said is over once the images were changed since.
        made = (now.result or {}).get("dataset", context.versions[0])
        if now.state != "finished" or made == context.versions[0]:
            import_ended(import_job, now)
    if fault:
        st.warning(text.markdown(fault, 600), icon=":material/warning:")


def counted(dataset: Dataset) -> str:
    """How many images there are, in classes and beside them."""
    roles = Counter(item.role for item in dataset.items)
    labelled = roles.pop("labelled", 0)
    parts = [f"{roles[role]:,} {said}" for role, said in ROLES.items() if roles[role]]
    if labelled or dataset.classes:
        classes = text.count(len(dataset.classes), "class", "classes")
        parts.insert(0, f"{text.count(labelled, 'image')} in {classes}")
    return " · ".join(parts)


@placeholder
@only_for()
def sort_them(dataset: Dataset) -> None:
    """The way to classes, where images are not sorted yet."""
    n = sum(item.role == "unlabelled" for item in dataset.items)
    if not n:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="sort-them"):
        unsorted = text.count(n, "image is not sorted yet.", "images are not sorted yet.")
        st.html(
            f"<p><b>{unsorted}</b> Graft groups images that look alike, and you name the "
            "groups.</p>",
            width="stretch",
        )
        lead("Sort them", "label", primary=not dataset.classes)


@placeholder
@only_for()
def first_score(context: ProjectContext, import_job: Path | None) -> None:
    """For classes that were made here: the score that comes by itself after an import."""
    waits = import_job is not None and needs_confirmation(import_job)
    if context.automatic or problem(context) or waits:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html("<p>Your classes are ready for a first score.</p>", width="stretch")
        if st.button("Get a first score", type="primary", icon=":material/speed:"):
            first_run(context.project.id, load_dataset(context.images_version))
            st.rerun()


def overview(context: ProjectContext, import_job: Path | None) -> None:
    dataset = context.dataset
    st.title(counted(dataset), anchor=False)
    fault = problem(context)
    last_change(context)
    first_model(context)
    told(context, import_job, fault if dataset.classes else "")
    sort_them(dataset)
    first_score(context, import_job)
    teach_again(context)
    faults_card(context)
    by_class, every = st.tabs(["By class", "All images"])
    with by_class:
        class_table(context)
        change_classes(context)
    with every:
        every_picture(context)
    more_pictures(context)
    if dataset.source or dataset.licence:
        st.html(
            f'<p class="muted small">Source: {text.html(dataset.source or "not stated", 300)}'
            f" Licence: {text.html(dataset.licence or 'not stated', 200)}</p>"
        )
    if allowed():
        more(context, fault)


def more(context: ProjectContext, fault: str) -> None:
    with st.expander(
        "Add more images", icon=":material/add_photo_alternate:", expanded=bool(fault)
    ):
        bring(context)
    if not fault:
        onward("Train a model", "train")


context = frame("images")
if context.newest:
    image_pages("images")
jobs = recent_jobs("import", project=context.project.id)
newest = status(jobs[0]) if jobs else None
if newest and newest.active:
    st.title("Adding your images", anchor=False)
    progress.watch(jobs[0], stoppable=True, skipped=True)
elif context.newest:
    overview(context, jobs[0] if jobs else None)
else:
    if newest:
        import_ended(jobs[0], newest)
    st.title("Add images" if allowed() else "No images yet", anchor=False)
    if context.damage:
        st.error(context.damage, icon=":material/error:")
    if not allowed():
        st.stop()
    bring(context)
    st.header("Or start with a sample", anchor=False)
    picked = sample_cards()
    if picked:
        begin_sample(context.project.id, picked)
        st.rerun()

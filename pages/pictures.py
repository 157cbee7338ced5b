"""Pictures: bring them, see them, and meet the first model."""

from pathlib import Path

import streamlit as st

from core import (
    JobStatus,
    discard,
    get_settings,
    new_job,
    open_upload,
    received,
    recent_jobs,
    resume,
    status,
    stop,
    submit,
    upload_folder,
)
from pages.parts import progress, text
from pages.parts.class_table import change_classes, class_table
from pages.parts.data_pages import data_pages
from pages.parts.every_picture import every_picture
from pages.parts.faults import faults_card
from pages.parts.first_model import first_model
from pages.parts.frame import frame, onward, problem
from pages.parts.last_change import last_change
from pages.parts.place import Place
from pages.parts.samples import begin_sample, sample_cards
from pages.parts.upload import drop_zone

ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")


def begin_import(place: Place, upload: str, into_class: str | None = None) -> None:
    newest = place.versions[0] if place.dataset else None
    submit(
        "import",
        new_job(),
        {
            "project": place.project.id,
            "upload": upload,
            "title": place.project.title,
            "into_class": into_class,
            "add_to": newest,
        },
    )
    st.session_state.pop("upload", None)
    st.query_params.pop("upload", None)
    st.rerun()


def bring(place: Place) -> None:
    """The drop zone; loose pictures are asked for their class before they are taken in."""
    waiting = st.query_params.get("upload")
    if waiting:
        name_class(place, waiting)
        return
    if "upload" not in st.session_state:
        st.session_state["upload"] = open_upload(get_settings().home)
    arrived = drop_zone(
        st.session_state["upload"],
        key="bring",
        headline="Drop your pictures here",
        hint="A folder, ZIP or TAR with one sub-folder for each class. Or loose pictures of a "
        "single class, class by class.",
        button="Choose files or an archive",
        folders=True,
        archives=True,
    )
    if arrived:
        names = [file.name for file in received(upload_folder(get_settings().home, arrived.upload))]
        if all("/" not in name and not name.lower().endswith(ARCHIVE_ENDINGS) for name in names):
            st.query_params["upload"] = arrived.upload
            st.rerun()
        begin_import(place, arrived.upload)


def name_class(place: Place, upload: str) -> None:
    files = received(upload_folder(get_settings().home, upload))
    known = place.dataset.classes if place.dataset else ()
    with st.container(border=True):
        these = f"do these {len(files):,} pictures" if len(files) > 1 else "does this picture"
        st.subheader(f"Which class {these} show?", anchor=False)
        name = st.selectbox(
            "Class",
            known,
            index=None,
            accept_new_options=True,
            placeholder="Type a name, or choose one you have",
            format_func=text.plain,
        )
        with st.container(horizontal=True):
            if st.button("Add them", type="primary", disabled=not name):
                begin_import(place, upload, into_class=name)
            if st.button("Throw them away", type="tertiary"):
                discard(get_settings().home, upload)
                st.query_params.pop("upload")
                st.session_state.pop("upload", None)
                st.rerun()


@st.fragment(run_every=1.0)
def importing(folder: Path) -> None:
    now = status(folder)
    if not now.active:
        st.rerun(scope="app")
    with st.container(border=True):
        progress.show(now)
        if st.button("Stop", icon=":material/stop_circle:", disabled=now.state == "stopping"):
            stop(folder)
            st.rerun(scope="fragment")
    progress.show_skipped(now)


def import_ended(folder: Path, now: JobStatus) -> None:
    if now.state == "failed":
        st.error(text.plain(now.sentence, 600).replace("$", r"\$"), icon=":material/error:")
    if now.state in ("failed", "stopped"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html('<p class="muted">The import did not finish.</p>', width="content")
            if st.button("Go on with it", icon=":material/restart_alt:"):
                resume(folder)
                st.rerun()
    for note in now.notes:
        st.info(text.markdown(note, 400), icon=":material/info:")
    progress.show_skipped(now)


def overview(place: Place, import_job: Path | None) -> None:
    dataset = place.dataset
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.title(
            f"{text.count(len(dataset.items), 'picture')} in "
            f"{text.count(len(dataset.classes), 'class', 'classes')}",
            anchor=False,
        )
    if import_job:
        import_ended(import_job, status(import_job))
    fault = problem(place)
    if fault:
        st.warning(text.markdown(fault, 600), icon=":material/warning:")
    last_change(place)
    first_model(place)
    faults_card(place)
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
    importing(jobs[0])
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

"""Projects: begin one, open one, rename, delete and get back, or delete for good."""

import time

import streamlit as st

from core.dataset.samples import SAMPLES
from core.errors import GraftError
from core.jobs.removal import delete_project, purge_project
from core.projects import Project, create_project, list_projects, rename_project, restore_project
from core.settings import get_settings
from pages.components import text
from pages.components.frame import brand
from pages.components.gallery import strip
from pages.components.permission import allowed, may_begin
from pages.components.project_context import ProjectContext
from pages.sections.images.samples import begin_sample, sample_cards
from pages.sections.results.score import report_of, short


def hero() -> None:
    st.html(
        '<div class="hero"><h1>Show it images.<br>It learns to tell them apart.</h1>'
        "<p>Bring a few hundred images. Graft takes a network pretrained on a million photographs "
        "and trains it on yours. No programming, and nothing leaves this computer.</p></div>"
    )


def begin() -> None:
    with st.form("begin", border=True):
        title = st.text_input(
            "What should it recognise?",
            placeholder="For example: leaves in my garden",
            max_chars=120,
        )
        if st.form_submit_button("Start a project", type="primary", icon=":material/add:"):
            try:
                project = create_project(title)
            except GraftError as error:
                st.error(str(error))
            else:
                st.switch_page("images.py", query_params={"project": project.id})


def samples() -> None:
    st.header("Or try a sample", anchor=False)
    chosen = sample_cards()
    if chosen:
        project = create_project(SAMPLES[chosen].title)
        begin_sample(project.id, chosen)
        st.switch_page("images.py", query_params={"project": project.id})


def card(project: Project) -> None:
    context = ProjectContext(project)
    dataset = context.newest
    images = [item.image for item in dataset.items] if dataset else []
    shown = images[:: max(1, len(images) // 8)][:8]
    with st.container(border=True, height="stretch", key=f"card-project-{project.id}"):
        st.html(
            f'<h2 class="card-title">{text.bdi(project.title)}</h2>'
            f'<p class="facts" style="margin:.2rem 0 .6rem">{facts(context)}</p>'
            + (strip(shown, "", project=project.id) if shown else '<div class="strip"></div>')
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            step = "results" if context.finished else "images"
            if st.button("Open", key=f"open-{project.id}", type="primary"):
                st.switch_page(f"{step}.py", query_params={"project": project.id})
            if allowed("edit", project.id) and st.button(
                "Rename", key=f"rename-{project.id}", type="tertiary"
            ):
                rename(project)
            if allowed("manage", project.id) and st.button(
                "Delete", key=f"delete-{project.id}", type="tertiary"
            ):
                delete_project(project.id)
                st.session_state["deleted"] = project.id
                st.rerun()


def facts(context: ProjectContext) -> str:
    dataset = context.newest
    if dataset is None:
        return f"<span>{context.damage or 'No images yet'}</span>"
    parts = [
        text.count(len(dataset.items), "image"),
        text.count(len(dataset.classes), "class", "classes"),
    ]
    kept = context.kept
    if kept and (report := report_of(kept)):
        parts.append(short(report))
    return "".join(f"<span>{part}</span>" for part in parts)


@st.dialog("Rename this project")
def rename(project: Project) -> None:
    title = st.text_input("New name", value=project.title, max_chars=120)
    if st.button("Rename", type="primary"):
        try:
            rename_project(project.id, title)
        except GraftError as error:
            st.error(str(error))
        else:
            st.rerun()


def undo() -> None:
    deleted = st.session_state.get("deleted")
    if not deleted:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo"):
        st.html(f'<p role="status">Project deleted. {kept_for()}</p>', width="content")
        if st.button("Undo", icon=":material/undo:"):
            del st.session_state["deleted"]
            restore_project(deleted)
            st.rerun()


def kept_for() -> str:
    days = get_settings().trash_days
    return f"Deleted projects are kept for {text.count(days, 'day')}."


def trash() -> None:
    deleted = [one for one in list_projects(deleted=True) if allowed("manage", one.id)]
    if not deleted:
        return
    with st.expander(f"Trash ({len(deleted)})", icon=":material/delete:", key="trash"):
        st.html(f'<p class="muted">{kept_for()}</p>')
        for project in deleted:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(f"{text.bdi(project.title)} {days_left(project)}", width="stretch")
                if st.button("Restore", key=f"restore-{project.id}"):
                    restore_project(project.id)
                    st.session_state.pop("deleted", None)
                    st.rerun()
                purge(project)


def days_left(project: Project) -> str:
    kept = get_settings().trash_days * 86_400 - (time.time() - (project.deleted_at or 0))
    days = max(0, int(kept // 86_400))
    left = f"{text.count(days, 'day')} left" if days else "less than a day left"
    return f'<span class="muted">{left}</span>'


def purge(project: Project) -> None:
    with st.popover("Delete now"):
        st.html(
            "<p>This deletes its images, models and results, and cannot be undone. Images that "
            "other projects use are kept.</p>"
        )
        if st.button("Delete for good", type="primary", key=f"purge-{project.id}"):
            st.session_state.pop("deleted", None)
            try:
                purge_project(project.id)
            except GraftError as error:  # somebody restored it meanwhile
                st.error(str(error))
            else:
                st.rerun()


brand()
projects = list_projects()
undo()
if projects:
    st.title("Your projects", anchor=False)
    with st.grid(3, min_column_width=270, gap="small"):
        for one in projects:
            card(one)
    st.space("small")
    if may_begin():
        st.header("Start another project", anchor=False)
else:
    hero()
if may_begin():
    begin()
    samples()
trash()

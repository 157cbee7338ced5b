"""Versions: what was changed when, what is different between two, and any of them to keep."""

from collections.abc import Sequence

import streamlit as st

from core.dataset import edits
from core.dataset.manifest import Item
from core.export.datasheet import sheet as data_sheet
from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.projects.versions import Version, history
from core.projects.versions import use as use_version
from core.web.paths import address
from pages.components import progress, text
from pages.components.clock import when
from pages.components.frame import empty, frame, onward
from pages.components.gallery import thumb
from pages.components.permission import allowed
from pages.components.project_context import ProjectContext, load_dataset
from pages.sections.images.image_pages import image_pages
from pages.sections.images.last_change import last_change
from pages.sections.images.problems import faults_of

PER_PAGE = 12
SHOWN = 24


def made_by(version: Version) -> str:
    """Who made it, as HTML; empty where that is not known."""
    return f"<span>by {text.bdi(version.made_by, 40)}</span>" if version.made_by else ""


def counted(version: Version) -> str:
    images = text.count(version.images, "image")
    return f"{images} in {text.count(version.classes, 'class', 'classes')}"


def listing(context: ProjectContext, past: Sequence[Version]) -> None:
    """The history, newest first."""
    newest_first = list(enumerate(past, start=1))[::-1]
    pages = -(-len(newest_first) // PER_PAGE)
    page = st.pagination(pages, key="history-page") if pages > 1 else 1
    for number, version in newest_first[(page - 1) * PER_PAGE : page * PER_PAGE]:
        state = "here" if version.in_use else "other"
        with st.container(
            horizontal=True, vertical_alignment="center", key=f"version-{state}-{version.id}"
        ):
            st.html(
                f"<p><b>{number}.</b> {text.html(version.sentence.rstrip('.'), 200)}</p>"
                f'<p class="facts"><span>{when(version.created_at)}</span>'
                f"<span>{counted(version)}</span>{made_by(version)}</p>",
                width="stretch",
            )
            if version.in_use:
                st.html('<span class="chip good">in use</span>', width="content")
            elif version.images and allowed():
                st.button(
                    "Use this version",
                    key=f"use-{version.id}",
                    on_click=use_version,
                    args=(context.project.id, version.id),
                )


def compare(past: Sequence[Version]) -> None:
    """Any two versions, image by image."""
    numbers = {version.id: n for n, version in enumerate(past, start=1)}
    there = [version for version in past if version.images]
    if len(there) < 2:
        st.html('<p class="muted">There is only one version so far.</p>')
        return

    def name(version: Version) -> str:
        return text.plain(f"{numbers[version.id]}. {version.sentence}", 90)

    here = next((n for n, version in enumerate(there) if version.in_use), len(there) - 1)
    parents = [n for n, version in enumerate(there) if version.id == there[here].parent]
    first, second = st.columns(2)
    before = first.selectbox(
        "Before", there, index=(parents or [0])[0], format_func=name, key=f"before-{there[here].id}"
    )
    after = second.selectbox(
        "After", there, index=here, format_func=name, key=f"after-{there[here].id}"
    )
    old, new = load_dataset(before.id), load_dataset(after.id)
    found = edits.diff(old, new)
    st.html(f'<p class="said" role="status">{text.html(found.sentence, 300)}.</p>')
    left = len(set(new.dismissed) - set(old.dismissed))
    if left:
        st.html(f'<p class="muted">{text.count(left, "problem")} left as is.</p>')
    moved = [(now, f"{_class(was)} → {_class(now)}") for was, now in found.relabelled]
    section("Added", [(item, _class(item)) for item in found.added])
    section("Removed", [(item, _class(item)) for item in found.removed])
    section("Moved to another class", moved)
    section("Grouped differently", [(now, _class(now)) for _, now in found.regrouped])


def section(title: str, images: Sequence[tuple[Item, str]]) -> None:
    """One kind of difference; `images` with what stands below each, as HTML."""
    if not images:
        return
    figures = "".join(
        f"<figure>{thumb(item.image, item.label or 'no class')}<figcaption>{said}<br>"
        f"{text.bdi(item.name.rsplit('/', 1)[-1], 40)}</figcaption></figure>"
        for item, said in images[:SHOWN]
    )
    more = len(images) - SHOWN
    st.html(
        f'<h2 class="card-title">{title} · {len(images):,}</h2>'
        f'<div class="gallery versions">{figures}</div>'
        + (f'<p class="muted small">and {more:,} more</p>' if more > 0 else "")
    )


def _class(item: Item) -> str:
    return text.bdi(item.label, 30) if item.label else "no class"


def keep(context: ProjectContext, past: Sequence[Version]) -> None:
    """Any version as a ZIP of class folders."""
    there = [version for version in past if version.images][::-1]
    numbers = {version.id: n for n, version in enumerate(past, start=1)}
    at = next((n for n, version in enumerate(there) if version.in_use), 0)
    chosen = st.selectbox(
        "Which version",
        there,
        index=at,
        format_func=lambda v: text.plain(f"{numbers[v.id]}. {v.sentence}", 120),
        key=f"keep-{context.versions[0]}",
    )
    st.html(
        f'<p class="muted small">{counted(chosen)}, one folder per class. You can add the ZIP '
        "to any project again.</p>"
    )
    made = recent_jobs("export-dataset", dataset=chosen.id)
    now = status(made[0]) if made else None
    if now and now.active:
        progress.watch(made[0])
    elif now and now.state == "finished":
        st.link_button(
            "Download the ZIP file",
            address("download", made[0].name),
            type="primary",
            icon=":material/download:",
        )
    elif now:
        st.error(text.markdown(now.sentence, 400), icon=":material/error:")
        progress.offer_to_go_on(made[0], now)
    elif allowed() and st.button("Make the ZIP file", type="primary", icon=":material/folder_zip:"):
        submit("export-dataset", new_job(), {"dataset": chosen.id})
        st.rerun()


def described(context: ProjectContext, past: Sequence[Version]) -> None:
    """The data sheet of the version in use."""
    by_id = {version.id: version for version in past}
    line, here = [], by_id.get(context.versions[0])
    while here is not None:
        line.append(here.sentence)
        here = by_id.get(here.parent or "")
    faults = faults_of(context)
    # Names in it are escaped where it is written.
    sheet = data_sheet(context.dataset, line[::-1], faults.problems if faults.checked else None)
    st.download_button(
        "Save the data sheet",
        sheet,
        "data-sheet.md",
        "text/markdown",
        icon=":material/download:",
        on_click="ignore",
    )
    with st.container(border=True, key="data-sheet"):
        st.markdown(sheet)


context = frame("images")
image_pages("versions")
if not context.versions:
    empty("Add images first", "Every change you make to your images is kept here as a version.")
    onward("Add images", "images")
    st.stop()
st.title("Versions", anchor=False)
st.html(
    '<p class="muted">Every change makes a new version, and none is lost. Each model remembers '
    "the version it was trained on.</p>"
)
past = history(context.project.id)
last_change(context)
what, difference, away, about = st.tabs(["Changes", "Compare", "Export", "Data sheet"])
with what:
    listing(context, past)
with difference:
    compare(past)
with away:
    keep(context, past)
with about:
    if context.newest:
        described(context, past)

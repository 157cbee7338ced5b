"""Bringing images: what they are for, where they come from, and the hand-in of their import."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.dataset.ingest.class_prefixes import prefixes
from core.dataset.ingest.kinds import is_image_name
from core.dataset.ingest.server_folders import list_folders
from core.dataset.ingest.understanding import ClassesFrom
from core.dataset.manifest import Role
from core.jobs.queue import new_job, submit
from core.jobs.upload_ids import issue_upload
from core.settings import get_settings
from core.web.uploads import discard, received, upload_folder
from pages.components import text
from pages.components.project_context import ProjectContext
from pages.components.upload import drop_zone
from pages.components.webcam import webcam

ROLES: dict[Role, str] = {
    "labelled": "Images to train on",
    "unlabelled": "Unlabelled images",
    "source": "Labelled images of a different kind",
}
TERMS = {"labelled": "labelled", "unlabelled": "unlabelled", "source": "source domain"}
WHEN = {
    "labelled": "Sorted into classes, or not yet. Only these count for the score.",
    "unlabelled": "More of the same kind. Label them here with suggestions, or train on them "
    "as they are.",
    "source": "Drawings, catalogue photographs or simulations of the same classes. They help when "
    "you have few images of your own.",
}
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tbz2", ".txz")
TABLE_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".csv.txt", ".tsv.txt", ".xlsx", ".xlsm", ".xls", ".ods"),
    *(".parquet", ".jsonl", ".json", ".xml"),
)


def bring(context: ProjectContext) -> None:
    """All ways in; loose images are asked for their class before they are taken in."""
    role = choose_role()
    waiting = st.query_params.get("upload")
    if waiting:
        _name_class(context, waiting, role)
        return
    on_server = list_folders(get_settings())
    ways = st.tabs(["Files", "Camera", *(["Folder on the server"] if on_server else [])])
    keep = st.session_state.get("bring-keep", False)
    with ways[0]:
        _files(context, role, keep)
    with ways[1]:
        _camera(context, role)
    if on_server:
        with ways[2]:
            _server_folder(context, role, keep, on_server)
    _advanced()


def choose_role() -> Role:
    """What the images are for, with a sentence on when that helps."""
    role = st.segmented_control(
        "What are these images?",
        list(ROLES),
        default="labelled",
        required=True,
        format_func=ROLES.__getitem__,
        key="bring-role",
    )
    st.html(f'<p class="muted small">{WHEN[role]} <span class="term">{TERMS[role]}</span></p>')
    return role


def _files(context: ProjectContext, role: str, keep: bool) -> None:
    upload = _opened("upload")
    hint = (
        "A folder, a ZIP or TAR, or single images."
        if role == "unlabelled"
        else "A folder, ZIP or TAR with one subfolder per class, a table of files and classes, or "
        "unsorted images."
    )
    arrived = drop_zone(
        upload,
        key="bring",
        headline="Drop your images here",
        hint=hint,
        button="Choose files",
        folders=True,
        archives=True,
    )
    if arrived:
        names = [file.name for file in received(upload_folder(get_settings().home, upload))]
        if role != "unlabelled" and all(map(_is_loose, names)) and any(map(is_image_name, names)):
            st.query_params["upload"] = upload
            st.rerun()
        begin_import(context, role, upload=upload, keep=keep)


def _advanced() -> None:
    with st.expander("Advanced", icon=":material/tune:"):
        st.toggle(
            "Keep greyscale, 16-bit and multi-channel images as they are",
            key="bring-keep",
            help="For measurements, X-rays or satellite images. Otherwise every image is converted "
            "to ordinary colour (RGB).",
        )


def _is_loose(name: str) -> bool:
    return "/" not in name and not name.lower().endswith(ARCHIVE_ENDINGS + TABLE_ENDINGS)


def _camera(context: ProjectContext, role: str) -> None:
    upload = _opened("camera-upload")
    classes = context.dataset.classes if context.newest else ()
    arrived = webcam(upload, key="webcam", classes=classes)
    if arrived:
        begin_import(context, role, upload=upload)


def _server_folder(context: ProjectContext, role: str, keep: bool, folders: list[Path]) -> None:
    """A folder that whoever runs the server has opened for this; it stays as it is."""
    with st.container(border=True, horizontal=True, vertical_alignment="bottom"):
        folder = st.selectbox(
            "Folder",
            folders,
            index=None,
            placeholder="Choose a folder with one subfolder per class",
            format_func=lambda path: text.plain(str(path), 120),
        )
        if st.button("Add", type="primary", disabled=folder is None):
            begin_import(context, role, keep=keep, server_folder=str(folder))


def _opened(name: str) -> str:
    """The upload that this browser window fills; its first file makes it."""
    if name not in st.session_state:
        st.session_state[name] = issue_upload(get_settings().home)
    return str(st.session_state[name])


def begin_import(
    context: ProjectContext,
    role: str,
    *,
    into_class: str | None = None,
    keep: bool = False,
    classes: ClassesFrom = "auto",
    **source: str,
) -> None:
    """Hand in the import of `source` (upload or server_folder) and show the page anew."""
    args = {
        "project": context.project.id,
        "title": context.project.title,
        "into_class": into_class,
        "add_to": context.versions[0] if context.newest else None,
        "role": role,
        "keep": keep,
        "read_as": {"classes": classes},
    }
    submit("import", new_job(), args | source)
    for name in ("upload", "camera-upload"):
        st.session_state.pop(name, None)
    st.query_params.pop("upload", None)
    st.rerun()


def _name_class(context: ProjectContext, upload: str, role: str) -> None:
    """Loose images: not sorted yet, or all of one class."""
    names = [file.name for file in received(upload_folder(get_settings().home, upload))]
    n = sum(map(is_image_name, names))
    keep = st.session_state.get("bring-keep", False)
    with st.container(border=True):
        st.header(text.count(n, "image without folders", "images without folders"), anchor=False)
        if role == "unlabelled":
            if st.button("Add without a class", type="primary"):
                begin_import(context, role, upload=upload, keep=keep)
        else:
            _one_class_or_none(context, upload, names, keep)
        if st.button("Discard", type="tertiary"):
            discard(get_settings().home, upload)
            st.query_params.pop("upload")
            st.session_state.pop("upload", None)
            st.rerun()


def _one_class_or_none(
    context: ProjectContext, upload: str, names: Sequence[str], keep: bool
) -> None:
    unsorted, one_class = st.columns(2)
    with unsorted:
        st.html(
            '<p class="card-title">Not sorted yet?</p><p class="muted small">Graft groups '
            "images that look alike, and you name the groups.</p>"
        )
        if st.button("Suggest groups", type="primary", icon=":material/workspaces:"):
            begin_import(context, "unlabelled", upload=upload, keep=keep)
    with one_class:
        question = "All of one class?" if len(names) > 1 else "Already sorted?"
        st.html(f'<p class="card-title">{question}</p>')
        name = _class_of_them(context)
        if st.button("Add to this class", disabled=not name):
            begin_import(context, "labelled", upload=upload, into_class=name, keep=keep)
        if prefixes(names).is_clear and st.button("Take the class from the file name"):
            begin_import(context, "labelled", upload=upload, keep=keep, classes="file-names")


def _class_of_them(context: ProjectContext) -> str | None:
    classes = context.dataset.classes if context.newest else ()
    return st.selectbox(
        "Class",
        classes,
        index=None,
        accept_new_options=True,
        placeholder="Choose or type a class",
        format_func=text.among(classes),
    )

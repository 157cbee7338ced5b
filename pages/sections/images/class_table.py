"""The classes with their counts and some of their images; renaming, merging, deleting them."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.dataset import edits
from core.dataset.manifest import Dataset, Role
from pages.components import text
from pages.components.gallery import strip
from pages.components.permission import only_for
from pages.components.project_context import ProjectContext
from pages.sections.images.add_images import TERMS
from pages.sections.images.last_change import on_change

SOME = 8
ROLES: dict[Role, str] = {"unlabelled": "not sorted yet", "source": "of a different kind"}
"""What else may have been brought, in words."""


def class_table(context: ProjectContext) -> None:
    """One row a class, then one for each kind of images that belong to none of them."""
    dataset = context.dataset
    some: dict[str, list[str]] = {name: [] for name in dataset.counts}
    for item in dataset.labelled:
        if item.label in some and len(some[item.label]) < SOME:
            some[item.label].append(item.image)
    rows = [
        f'<tr><td>{text.bdi(name)}</td><td class="n">{n:,}</td>'
        f"<td>{strip(some[name], '')}</td></tr>"
        for name, n in dataset.counts.items()
    ]
    for role, said in ROLES.items():
        images = [item.image for item in dataset.items if item.role == role]
        if images:
            rows.append(
                f'<tr><td class="muted">{said} <span class="term small">{TERMS[role]}</span></td>'
                f'<td class="n">{len(images):,}</td><td>{strip(images[:SOME], "")}</td></tr>'
            )
    st.html(
        '<div class="scroll"><table class="table"><thead><tr><th>Class</th>'
        '<th class="n">Images</th><th>Examples</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


@only_for()
def change_classes(context: ProjectContext) -> None:
    """Rename a class, merge it into another, or delete it; each can be undone."""
    classes = context.dataset.classes
    version = context.versions[0]
    with st.expander("Rename, merge or delete a class", icon=":material/edit:"):
        name = st.selectbox(
            "Which class",
            classes,
            index=None,
            format_func=text.among(classes),
            placeholder="Choose a class",
            key=f"change-{version}",
        )
        if name is None:
            return
        rename, merge, delete = st.columns(3, vertical_alignment="bottom")
        with rename:
            new = st.text_input("New name", value=name, max_chars=120, key=f"new-{version}-{name}")
            _button(context, "Rename", partial(edits.rename_class, old=name, new=new), new == name)
        with merge:
            into = st.selectbox(
                "Merge into",
                [other for other in classes if other != name],
                index=None,
                format_func=text.among(classes),
                placeholder="Choose another",
                key=f"into-{version}-{name}",
            )
            edit = partial(edits.merge_classes, names=[name, into or name], into=into or name)
            _button(context, "Merge", edit, into is None)
        with delete:
            images = text.count(context.dataset.counts[name], "image")
            st.html(f'<p class="muted small">Deletes the class and its {images}</p>')
            _button(context, "Delete", partial(edits.delete_class, name=name), len(classes) < 2)


def _button(
    context: ProjectContext, label: str, edit: Callable[[Dataset], Dataset], disabled: bool
) -> None:
    st.button(
        label,
        disabled=disabled,
        key=f"{label}-class-{context.versions[0]}",
        on_click=on_change,
        args=(context, edit),
    )

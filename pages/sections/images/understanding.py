"""What was understood of the images that were brought, to confirm it or to read them otherwise."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import streamlit as st

from core.dataset.ingest.understanding import DOUBTFUL, Note, Understanding
from core.dataset.manifest import Part
from core.errors import GraftError
from core.jobs.confirming import can_be_read_again, confirm, needs_confirmation, read_again
from core.jobs.status import JobStatus
from core.settings import get_settings
from pages.components import text
from pages.components.gallery import strip
from pages.components.permission import allowed
from pages.components.placeholder import placeholder

_MOST_CLASSES = 12
_MOST_LEFT_OUT = 6
_PARTS: dict[Part, str] = {
    "train": "for training",
    "val": "for validation",
    "test": "for testing",
}


@placeholder
def understanding_of(folder: Path, now: JobStatus) -> bool:
    """Show it, if the import in this job's folder came so far; says whether it did.

    A doubtful reading stands open and waits for a click, any other can be looked at.
    """
    if now.understanding is None:
        return False
    understood = Understanding.from_dict(now.understanding)
    if now.state != "finished":  # the images are in no version of the project, so not to be had
        understood = replace(understood, thumbnails={})
    waits = now.state == "finished" and needs_confirmation(folder)
    if waits:
        with st.container(border=True, key="understanding"):
            st.header("Is this right?", anchor=False)
            _notes(folder, understood)
            _classes(understood)
            _beside(understood)
            if allowed() and st.button("Looks right", type="primary", icon=":material/check:"):
                _act(lambda: confirm(folder, get_settings()))
    else:
        _notes(folder, understood)
        with st.expander("How your images were read", icon=":material/info:"):
            _classes(understood)
            _beside(understood)
    return True


def _notes(folder: Path, understood: Understanding) -> None:
    """Each note, with a button for its other way to read the same files while they are there."""
    again = (
        allowed() and understood.may_be_read_otherwise and can_be_read_again(folder, get_settings())
    )
    for n, note in enumerate(understood.notes):
        _note(folder, n, note, offers=again)


def _note(folder: Path, n: int, note: Note, *, offers: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.warning if note.weight >= DOUBTFUL else st.info
        show(text.markdown(note.sentence, 600), icon=":material/info:")
        other = note.alternative
        if offers and other and st.button(text.markdown(other.title, 120), key=f"read-{n}"):
            _act(lambda: read_again(folder, other.option, get_settings()))


def _act(action: Callable[[], object]) -> None:
    """Do what a button says, and show the page anew or why it could not be done."""
    try:
        action()
    except GraftError as error:
        st.error(text.markdown(str(error), 600))
    else:
        st.rerun()


def _classes(understood: Understanding) -> None:
    """Every class with its number of images and a few of them."""
    for name, n in [*understood.classes.items()][:_MOST_CLASSES]:
        st.html(
            f"<p>{text.bdi(name, 60)} · {text.count(n, 'image')}</p>"
            f"{strip(understood.thumbnails.get(name, ()), name)}"
        )
    more = len(understood.classes) - _MOST_CLASSES
    if more > 0:
        st.html(f'<p class="muted small">and {text.count(more, "more class", "more classes")}</p>')


def _beside(understood: Understanding) -> None:
    """What else there is: images without a class, a ready split, columns, files left out."""
    lines = []
    if understood.unlabelled:
        lines.append(f"Without a class: {text.count(understood.unlabelled, 'image')}.")
    if any(understood.split.values()):
        parts = ", ".join(f"{understood.split[p]:,} {said}" for p, said in _PARTS.items())
        lines.append(f"Given split: {parts}.")
    used = [column.name for column in understood.columns if column.used]
    if used:
        lines.append("Classes from: " + ", ".join(text.bdi(name, 60) for name in used) + ".")
    for group in understood.left_out[:_MOST_LEFT_OUT]:
        names = ", ".join(text.bdi(name, 60) for name in group.examples)
        lines.append(
            f"Left out {text.count(group.count, 'file')} ({names}): {text.html(group.reason, 400)}"
        )
    if lines:
        st.html("".join(f'<p class="small">{line}</p>' for line in lines))

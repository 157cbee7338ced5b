"""Label the rest: unlabelled images in groups with a suggested class, accepted one by one."""

from pathlib import Path

import streamlit as st

from core.analysis.label_suggestions import Guess, Proposals, Row, label_images, proposals
from core.evaluation.metrics import wilson
from core.jobs.queue import status
from core.jobs.recent import recent_jobs
from core.settings import get_settings
from pages.components import text
from pages.components.frame import frame, need_any_images, onward
from pages.components.gallery import strip, thumb
from pages.components.jobs import begin_job, required_job
from pages.components.permission import allowed
from pages.components.project_context import ProjectContext
from pages.sections.images.image_pages import image_pages
from pages.sections.images.last_change import change, last_change, on_change

COMING = 5
"""Rows that are shown small below the one being decided."""
STYLE = Path(__file__).parent / "components" / "label.css"


class Work:
    """What is still to be decided: the proposals less what has a class by now."""

    def __init__(self, context: ProjectContext, made: Proposals) -> None:
        self.open = {item.image for item in context.dataset.items if item.role == "unlabelled"}
        self.names = {item.image: item.name.rsplit("/", 1)[-1] for item in context.dataset.items}
        self.classes = context.dataset.classes
        doubted = st.session_state.setdefault("doubted", set())
        skipped = st.session_state.setdefault("skipped", set())
        rows = [self._left(row, doubted) for row in made.rows]
        rows = [row for row in rows if row.guesses]
        self.rows = sorted(rows, key=lambda row: row_key(row) in skipped)  # skipped ones last
        known = {guess.image: guess for row in made.rows for guess in row.guesses}
        by_hand = [*made.by_hand, *(known[image] for image in doubted if image in known)]
        self.by_hand = [guess for guess in by_hand if guess.image in self.open]

    def _left(self, row: Row, doubted: set[str]) -> Row:
        left = [g for g in row.guesses if g.image in self.open and g.image not in doubted]
        label = row.label if row.label in self.classes else None  # it may have been renamed
        return Row(label, tuple(left), row.correct, row.n)


def row_key(row: Row) -> str:
    return row.guesses[0].image[:16]


def accept(context: ProjectContext, row: Row, label: str) -> None:
    """The ticked images get the class; the others are put among those to be named by hand."""
    ticked = {g.image for g in row.guesses if st.session_state.get(f"tick-{g.image}", True)}
    labels = dict.fromkeys(ticked, label)
    if not labels or change(context, lambda dataset: label_images(dataset, labels)):
        st.session_state["doubted"] |= {guess.image for guess in row.guesses} - ticked


def skip(row: Row) -> None:
    st.session_state["skipped"].add(row_key(row))


def one_row(context: ProjectContext, work: Work) -> None:
    """The first row, to be decided; what one key does stands on the buttons."""
    row = work.rows[0]
    key = row_key(row)
    with st.container(border=True, key="row"):
        st.html(heading(row))
        decision = st.container(horizontal=True, vertical_alignment="bottom")
        with st.grid(6, min_column_width=84, gap="small"):
            for guess in row.guesses:
                with st.container(key=f"guess-{guess.image[:16]}"):
                    name = work.names[guess.image]
                    st.html(thumb(guess.image, ""))
                    st.checkbox(tick_label(guess, name), value=True, key=f"tick-{guess.image}")
        ticked = sum(st.session_state[f"tick-{g.image}"] for g in row.guesses)
        with decision:  # above the images, however many there are
            label = st.selectbox(
                "Class of this group",
                work.classes,
                index=work.classes.index(row.label) if row.label else None,
                accept_new_options=True,
                placeholder="Choose or type a class",
                format_func=text.among(work.classes),
                key=f"label-{key}",
            )
            st.button(
                accept_label(ticked, label),
                type="primary",
                icon=":material/check:",
                shortcut="a",
                disabled=not label,
                key=f"accept-{key}",
                on_click=accept,
                args=(context, row, label),
            )
            if len(work.rows) > 1:
                st.button("Later", shortcut="s", key=f"skip-{key}", on_click=skip, args=(row,))


def accept_label(ticked: int, label: str | None) -> str:
    if not ticked:
        return "None: label them one by one"
    return f"Accept {ticked} as {text.markdown(label, 30)}" if label else "Choose a class"


def tick_label(guess: Guess, name: str) -> str:
    said = text.markdown(name, 18)
    return f"{said} · {text.percent(guess.probability)}" if guess.label else said


def heading(row: Row) -> str:
    """What is proposed, and how sure, in words."""
    images = text.count(len(row.guesses), "image")
    if row.label is None:
        return (
            f'<p class="score-words">{images} that look alike</p>'
            '<p class="muted small">Name what they show. Untick those that do not belong.</p>'
        )
    mean = sum(guess.probability for guess in row.guesses) / len(row.guesses)
    said = f"{text.percent(mean)} confident on average. Untick those that do not belong."
    if row.n:
        said += (
            f" At this confidence or more, {row.correct} of {row.n} of your labelled images were "
            f"right ({text.likely(wilson(row.correct, row.n))})."
        )
    return (
        f'<p class="score-words">{images}, probably {text.bdi(row.label, 40)}</p>'
        f'<p class="muted small">{said}</p>'
    )


def coming(work: Work) -> None:
    rows = work.rows[1 : 1 + COMING]
    if not rows:
        return
    said = "".join(
        f"<p>{text.bdi(row.label, 30) if row.label else 'Similar images'} "
        f'<span class="muted small">{len(row.guesses)}</span></p>'
        f"{strip([guess.image for guess in row.guesses], '')}"
        for row in rows
    )
    more = len(work.rows) - 1 - len(rows)
    st.html(
        f'<h2 class="card-title">Next</h2><div class="coming">{said}</div>'
        + (
            f'<p class="muted small">and {text.count(more, "more group", "more groups")}</p>'
            * (more > 0)
        )
    )


def by_hand(context: ProjectContext, work: Work) -> None:
    """Images the classifier is least sure of: a class for each teaches it the most."""
    if not work.by_hand:
        st.html('<p class="muted">Nothing left here. Groups are quicker now.</p>')
        return
    st.html(
        '<p class="muted">The model is least confident about these, so their labels usually help '
        "it most. "
        '<span class="term">active learning</span></p>'
    )
    shown, said = work.by_hand[:12], text.among(work.classes)
    with st.grid(4, min_column_width=150, gap="small"):
        for guess in shown:
            with st.container(border=True, key=f"guess-hand-{guess.image[:16]}"):
                st.html(thumb(guess.image, work.names[guess.image]))
                st.selectbox(
                    text.markdown(work.names[guess.image], 24),
                    work.classes,
                    index=None,
                    accept_new_options=True,
                    placeholder=f"{text.plain(guess.label or '', 20)}? "
                    f"{text.percent(guess.probability)}",
                    format_func=said,
                    key=f"hand-{guess.image}",
                )
    picked = {g.image: st.session_state.get(f"hand-{g.image}") for g in shown}
    labels = {image: label for image, label in picked.items() if label}
    st.button(
        f"Save {text.count(len(labels), 'label')}",
        type="primary",
        disabled=not labels,
        key="save-by-hand",
        on_click=on_change,
        args=(context, lambda dataset: label_images(dataset, labels)),
    )


def propose_anew(context: ProjectContext, work: Work, version: str) -> None:
    """Better proposals, from what was confirmed meanwhile."""
    if version == context.versions[0]:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="propose-anew"):
        said = "Your images have changed since these were suggested."
        if not work.rows:
            said = "All groups are done."
        st.html(f'<p class="muted small">{said}</p>', width="stretch")
        if st.button("Suggest again", icon=":material/refresh:", shortcut="n"):
            begin(context)
            st.rerun()


def begin(context: ProjectContext) -> None:
    st.session_state["skipped"], st.session_state["doubted"] = set(), set()
    begin_job("propose", project=context.project.id, dataset=context.versions[0])


def newest_proposals(context: ProjectContext) -> tuple[str, Proposals] | None:
    """What the newest finished job proposed, and for which version."""
    for job in recent_jobs("propose", project=context.project.id):
        result = status(job).result
        made = proposals(result["dataset"], get_settings()) if result else None
        if result and made:
            return result["dataset"], made
    return None


context = frame("images")
image_pages("label")
st.html(STYLE)
need_any_images(context, "Images without a class are labelled here.")
unlabelled = sum(item.role == "unlabelled" for item in context.dataset.items)
if not unlabelled:
    st.title("Every image has a class", anchor=False)
    last_change(context)
    st.html(
        '<p class="muted">Add unlabelled images, and Graft suggests their classes here, group by '
        "group.</p>"
    )
    if allowed():
        onward("Add more images", "images")
    st.stop()
st.title(f"{text.count(unlabelled, 'image')} without a class", anchor=False)
last_change(context)
if not allowed():
    st.stop()
now = required_job("propose", project=context.project.id, begin=False)
known = newest_proposals(context)
if now is None:
    begin(context)
    st.rerun()
if known is None or now.active:
    st.stop()
version, made = known
work = Work(context, made)
rows_tab, hand_tab = st.tabs([f"Groups · {len(work.rows)}", f"One by one · {len(work.by_hand)}"])
with rows_tab:
    if work.rows:
        one_row(context, work)
        coming(work)
    else:
        st.html('<p class="muted">All groups are done.</p>')
with hand_tab:
    by_hand(context, work)
propose_anew(context, work, version)

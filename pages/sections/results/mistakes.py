"""The mistakes, image by image: which classes it mixes up, what to put right, and how."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.checks import checks
from core.checks._runner import problems as known_problems
from core.dataset import edits
from core.dataset.manifest import Dataset
from core.errors import GraftError
from core.evaluation.predictions import Prediction
from core.evaluation.report import Report
from core.projects import Project, RunRow
from core.settings import get_settings
from pages.components import text
from pages.components.gallery import thumb
from pages.components.permission import only_for
from pages.components.project_context import ProjectContext, load_dataset
from pages.sections.images.last_change import change, last_change
from pages.sections.train.retrain import changed_since
from pages.sections.use.explanation import no_why, why, why_button

WORST = 5
PER_PAGE = 12
Which = tuple[str, ...]
EVERY: Which = ("every",)
DOUBTFUL: Which = ("doubtful",)
"""Beside the pairs of classes, which are longer."""

SAID = "The most confident mistakes come first. Often the image is unusual, or its label is wrong."
SAID_OF_DOUBTFUL = (
    "The data check doubts these labels too. Take a look. "
    '<span class="term">confident learning</span>'
)
Places = dict[tuple[str, str], dict[str | None, int]]
"""By name and content: where an image stands in a version, by the class it has there."""


def worst(context: ProjectContext, run: RunRow, report: Report) -> None:
    """The five mistakes it was most confident of, with their images."""
    rows = report.predictions
    wrong = [row for row in rows if not row.correct]
    if not wrong:
        st.success("No mistakes on the test images.", icon=":material/celebration:")
        return
    wrong.sort(key=lambda row: row.confidence, reverse=True)
    shown = "".join(_figure(row, False) for row in wrong[:WORST])
    title = "The worst mistake" if len(wrong) == 1 else f"The worst of {len(wrong):,} mistakes"
    st.header(title if len(wrong) > WORST or len(wrong) == 1 else "Mistakes", anchor=False)
    st.html(f'<div class="gallery wide">{shown}</div>')


def mistakes(context: ProjectContext, run: RunRow, report: Report) -> None:
    """Choose a pair of classes, look, and put the images right where they are what is wrong."""
    rows = report.predictions
    wrong = [n for n, row in enumerate(rows) if not row.correct]
    if not wrong:
        st.success("No mistakes on the test images.", icon=":material/celebration:")
        return
    wrong.sort(key=lambda n: rows[n].confidence, reverse=True)
    fixable = _fixable(context, run, report)
    checked = _checked(run) if fixable else set()
    doubtful = frozenset(n for n in wrong if (rows[n].name, rows[n].image) in checked)
    if fixable:
        last_change(context)
        changed_since(context, run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = _which(run, report, wrong, doubtful)
        shown = [n for n in wrong if _belongs(rows[n], n in doubtful, picked)]
        pages = -(-len(shown) // PER_PAGE)
        here = f"mistakes-{run.id}-{report.task}-{picked}"
        page = st.pagination(pages, key=here, width=260) if pages > 1 else 1
    st.html(f'<p class="muted">{SAID_OF_DOUBTFUL if picked == DOUBTFUL else SAID}</p>')
    why()
    where = _places(context.dataset) if fixable else None
    with st.grid(6, min_column_width=150, gap="small"):
        for n in shown[(page - 1) * PER_PAGE : page * PER_PAGE]:
            with st.container(gap="xxsmall", key=f"mistake-{n}"):
                st.html(f'<div class="gallery wide one">{_figure(rows[n], n in doubtful)}</div>')
                if where is not None:
                    _fixes(context, where, rows[n], f"{run.id}-{n}")
                if rows[n].fold:
                    no_why(f"{run.id}-{n}", "Answered by a model that was not kept")
                else:
                    why_button(run, str(n), image=rows[n].image)


def _fixable(context: ProjectContext, run: RunRow, report: Report) -> bool:
    """Whether an answer can be taken for a label: not where there are several questions."""
    dataset = context.newest
    several = report.task or run.recipe.task or (dataset is not None and dataset.tasks)
    return dataset is not None and not several


def _checked(run: RunRow) -> set[tuple[str, str]]:
    """The images whose label the check suspects, by name and content; none without a check."""
    found = known_problems(run.dataset_id, get_settings()) or []
    try:
        items = load_dataset(run.dataset_id).items
    except GraftError:
        return set()
    doubted = [each for each in found if checks()[each.kind].doubts_labels]
    indices = [index for each in doubted for index in each.indices]
    return {(items[index].name, items[index].image) for index in indices}


def _which(
    run: RunRow, report: Report, wrong: Sequence[int], doubtful: frozenset[int]
) -> tuple[str, ...]:
    """What is chosen: a pair of classes (true, said), EVERY or DOUBTFUL."""
    rows = report.predictions
    counted = Counter((rows[n].true, rows[n].label) for n in wrong)
    said: dict[Which, str] = {EVERY: f"All mistakes ({len(wrong)})"}
    if doubtful:
        said[DOUBTFUL] = f"Label may be wrong ({len(doubtful)})"
    for (true, label), n in counted.most_common():
        said[true, label] = f"{text.plain(true, 40)} taken for {text.plain(label, 40)} ({n})"
    shown = dict(zip(said, text.apart(list(said.values())), strict=True))
    return st.selectbox(
        "Which mistakes", list(said), format_func=shown.__getitem__, width=420,
        key=f"which-mistakes-{run.id}-{report.task}",
    )  # fmt: skip


def _belongs(row: Prediction, doubtful: bool, picked: tuple[str, ...]) -> bool:
    if picked == DOUBTFUL:
        return doubtful
    return picked in (EVERY, (row.true, row.label))


def _figure(row: Prediction, doubtful: bool) -> str:
    chip = '<br><span class="chip warn">label may be wrong</span>' if doubtful else ""
    return (
        f"<figure>{thumb(row.image, row.true)}<figcaption>"
        f'Answer: <b class="wrong">{text.bdi(row.label, 30)}</b> '
        f"({text.percent(row.confidence)})<br>"
        f'Correct: <b class="right">{text.bdi(row.true, 30)}</b><br>'
        f"{text.bdi(row.name.rsplit('/', 1)[-1], 26)}{chip}</figcaption></figure>"
    )


@only_for()
def _fixes(context: ProjectContext, where: Places, row: Prediction, key: str) -> None:
    """Two ways to put the image right, or what has become of it since."""
    labels = where.get((row.name, row.image), {})
    if row.true not in labels:
        st.html(f'<p class="small muted" role="status">{_become(list(labels))}</p>')
        return
    # A class that has another name by now, or none, must not come back by a press.
    if row.label in context.dataset.classes:
        st.button(
            f"It shows “{text.markdown(row.label, 24)}”", icon=":material/drive_file_move:",
            key=f"shows-{key}", on_click=_put_right, args=(context.project, row, row.label),
        )  # fmt: skip
    st.button(
        "Remove it", icon=":material/delete:",
        key=f"gone-{key}", on_click=_put_right, args=(context.project, row, None),
    )  # fmt: skip


def _become(labels: Sequence[str | None]) -> str:
    if not labels:
        return "removed"
    return f"now in class {text.bdi(labels[0], 30)}" if labels[0] else "set aside without a class"


def _put_right(project: Project, row: Prediction, label: str | None) -> None:
    """Move the image to a class, or take it out for None; nothing where that was done before."""

    def edit(dataset: Dataset) -> Dataset:
        at = _places(dataset).get((row.name, row.image), {}).get(row.true)
        if at is None:
            return dataset
        if label is None:
            return edits.remove(dataset, [at])
        return edits.relabel(dataset, [at], label)

    change(
        ProjectContext(project), edit
    )  # as it is now: several may be pressed one after the other


def _places(dataset: Dataset) -> Places:
    places: Places = {}
    for place, item in enumerate(dataset.items):
        places.setdefault((item.name, item.image), {})[item.label] = place
    return places

"""Check data: one problem after the other, each with its fixes, all of it by keyboard."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.checks import Check, Problem
from core.checks import _fixes as fixing
from core.checks import checks as all_checks
from core.dataset import edits
from core.dataset.manifest import Dataset
from pages.components import text
from pages.components.frame import frame, need_any_images
from pages.components.gallery import image_address, strip, thumb
from pages.components.permission import only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext
from pages.sections.images.image_pages import image_pages
from pages.sections.images.last_change import change, last_change, on_change
from pages.sections.images.problems import (
    ended_early,
    faults_of,
    look_again,
    look_by_itself,
    looking,
    nothing_found,
)

MOST_PICTURES = 24
ROWS = 7
"""Problems of a kind that are listed at once, around the open one."""
ICONS = {
    "remove": ":material/delete:",
    "relabel": ":material/drive_file_move:",
    "merge": ":material/merge:",
    "group": ":material/link:",
}


def open_problem(key: str) -> None:
    st.query_params["problem"] = key


def position(problems: list[Problem]) -> int:
    """The open problem: the one in the address, else whatever came into its place."""
    named = st.query_params.get("problem")
    at = next((n for n, problem in enumerate(problems) if problem.key == named), None)
    if at is None:
        at = min(st.session_state.get("fault_at", 0), len(problems) - 1)
        st.query_params["problem"] = problems[at].key
    st.session_state["fault_at"] = at
    return at


def kinds_list(context: ProjectContext, problems: list[Problem], at: int) -> None:
    """Every kind with its count; the open one with its reason and its problems."""
    said = f"{text.count(len(problems), 'problem')} to look at"
    st.html(f'<div role="status"><h2 class="card-title">{said}</h2></div>')
    for check in all_checks().values():
        one_kind(context, check, problems, problems[at])


@placeholder
def one_kind(
    context: ProjectContext, check: Check, problems: list[Problem], chosen: Problem
) -> None:
    """One kind with its count; where the open problem is of it, its reason and its problems."""
    kind = check.kind
    mine = [problem for problem in problems if problem.kind == kind]
    if not mine:
        return
    here = kind == chosen.kind
    with st.container(key=f"kind-{'here' if here else 'other'}-{kind}", gap=None):
        st.button(
            f"{check.title} · {len(mine):,}",
            key=f"kind-{kind}",
            type="tertiary",
            on_click=open_problem,
            args=(mine[0].key,),
        )
        if here:
            st.html(f'<p class="muted small">{text.html(check.advice, 400)}</p>')
            if check.summary and (said := check.summary(mine)):
                st.html(f'<p class="small">{text.html(said, 200)}</p>')
            rows(context, mine, chosen)
            all_together(context, mine)


def rows(context: ProjectContext, mine: list[Problem], chosen: Problem) -> None:
    at = mine.index(chosen)
    start = max(0, min(at - ROWS // 2, len(mine) - ROWS))
    for n, problem in enumerate(mine[start : start + ROWS], start=start):
        mark = "row-here" if problem is chosen else "row"
        with st.container(key=f"{mark}-{problem.key}"):
            st.button(
                f"{n + 1}. {text.markdown(row_name(context, problem), 30)}",
                key=f"open-{problem.key}",
                type="tertiary",
                on_click=open_problem,
                args=(problem.key,),
            )
    more = len(mine) - start - ROWS
    if more > 0:
        st.html(f'<p class="muted small">and {more:,} more</p>')


def row_name(context: ProjectContext, problem: Problem) -> str:
    """The first file concerned, in a word."""
    if problem.indices:
        return context.dataset.items[problem.indices[0]].name.rsplit("/", 1)[-1]
    return problem.names[0].rsplit("/", 1)[-1] if problem.names else problem.suggestion


@only_for()
def all_together(context: ProjectContext, mine: list[Problem]) -> None:
    groups = fixing.groups_of(mine)
    if len(groups) > 1:
        st.button(
            f"Keep all {len(groups):,} together",
            icon=":material/link:",
            key="all-together",
            help="Each set then stays whole: all for training, or all for testing.",
            on_click=on_change,
            args=(context, lambda dataset: fixing.kept_together(dataset, mine)),
        )


def decide_on(context: ProjectContext, problem: Problem) -> None:
    """The open problem: what it is, its images, and what can be done."""
    title = text.html(all_checks()[problem.kind].title)
    st.html(
        f'<p class="muted small">{title}</p>'
        f'<p class="fault" role="status">{text.html(problem.sentence, 700)}</p>'
    )
    fixes(context, problem)
    pictures(context.dataset, problem)
    compare_with(context.dataset, problem)


def pictures(dataset: Dataset, problem: Problem) -> None:
    figures = []
    for index in problem.indices[:MOST_PICTURES]:
        item = dataset.items[index]
        label = text.bdi(item.label, 40) if item.label else "no class"
        whole = image_address(item.image, size="image")
        facts = (
            f"{item.facts.width} × {item.facts.height} {item.facts.format}" if item.facts else ""
        )
        figures.append(
            f'<figure><a href="{whole}" target="_blank" rel="noopener">'
            f"{thumb(item.image, item.label or 'no class')}</a><figcaption>"
            f'<span class="chip">{label}</span> {text.bdi(item.name, 60)}'
            f'<br><span class="muted">{text.html(facts) if facts else ""}</span>'
            "</figcaption></figure>"
        )
    size = "few" if len(figures) <= 4 else "many"
    if figures:
        st.html(f'<div class="decide {size}">{"".join(figures)}</div>')
    more = len(problem.indices) - MOST_PICTURES
    if more > 0:
        st.html(f'<p class="muted small">and {more:,} more images</p>')
    if problem.names:
        files = "".join(f"<li>{text.bdi(name, 120)}</li>" for name in problem.names[:50])
        st.html(f'<ul class="files">{files}</ul>')


def compare_with(dataset: Dataset, problem: Problem) -> None:
    """What the classes in question usually look like, where the question is which of them."""
    if not all_checks()[problem.kind].doubts_labels:
        return
    shown = set(problem.indices)
    names = {dataset.items[place].label for place in problem.indices} | {
        fix.label for fix in problem.fixes if fix.label
    }
    said = []
    for name in sorted(name for name in names if name in dataset.classes):
        others = [
            item.image
            for index, item in enumerate(dataset.items)
            if item.label == name and item.role == "labelled" and index not in shown
        ]
        some = others[:: max(1, len(others) // 7)][:7]
        said.append(f'<p class="small">Other images in {text.bdi(name, 40)}</p>{strip(some, "")}')
    st.html(f'<div class="beside">{"".join(said)}</div>')


@only_for()
def fixes(context: ProjectContext, problem: Problem) -> None:
    """A button for each fix, and one to leave it; 1, 2, 3 and X press them.

    A suggested class is often wrong: there, "Keep" comes first, and no button stands out.
    """
    doubtful = all_checks()[problem.kind].relabel
    with st.container(horizontal=True, key="fixes"):
        if doubtful:
            leave(context, problem, "Keep")
        for n, fix in enumerate(problem.fixes[:9], start=1):
            st.button(
                text.markdown(fix.title),
                key=f"fix-{problem.key}-{n}",
                type="primary" if n == 1 and not doubtful else "secondary",
                icon=ICONS[fix.kind],
                shortcut=str(n),
                on_click=settle,
                args=(context, problem, partial(fixing.fixed, fix=fix)),
            )
        if doubtful:
            another_class(context, problem)
        else:
            leave(context, problem, "Leave as it is")


def leave(context: ProjectContext, problem: Problem, label: str) -> None:
    """The button after which nobody is asked about this again."""
    st.button(
        label,
        key=f"leave-{problem.key}",
        shortcut="x",
        on_click=settle,
        args=(
            context,
            problem,
            partial(edits.dismiss, key=problem.key, sentence=problem.sentence),
        ),
    )


def settle(context: ProjectContext, problem: Problem, edit: Callable[[Dataset], Dataset]) -> None:
    """Do it, if this is still the open problem.

    Who walks on quickly may press a key while the buttons of the problem before are still there.
    """
    if st.query_params.get("problem") == problem.key:
        change(context, edit)


def another_class(context: ProjectContext, problem: Problem) -> None:
    with st.popover("Another class", icon=":material/drive_file_move:"):
        name = st.selectbox(
            "Which class is it?",
            context.dataset.classes,
            index=None,
            accept_new_options=True,
            format_func=text.among(context.dataset.classes),
            key=f"class-{problem.key}",
        )
        st.button(
            "Move",
            type="primary",
            disabled=not name,
            key=f"move-{problem.key}",
            on_click=settle,
            args=(
                context,
                problem,
                partial(edits.relabel, places=problem.indices, label=name or ""),
            ),
        )


def walk(problems: list[Problem], at: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="walk"):
        st.button(
            "Previous",
            key=f"previous-{problems[at].key}",
            shortcut="k",
            disabled=at == 0,
            on_click=open_problem,
            args=(problems[max(0, at - 1)].key,),
        )
        st.html(f'<p class="muted">{at + 1:,} of {len(problems):,}</p>', width="content")
        st.button(
            "Next",
            key=f"next-{problems[at].key}",
            shortcut="j",
            disabled=at == len(problems) - 1,
            on_click=open_problem,
            args=(problems[min(len(problems) - 1, at + 1)].key,),
        )


context = frame("images")
image_pages("check_data")
need_any_images(context, "Your images are checked here.")
st.title("Check data", anchor=False)
last_change(context)
faults = look_by_itself(context, faults_of(context), at_once=True)
early = ended_early(faults)
with st.container():
    if faults.job and faults.looking:
        looking(context, faults.job, len(faults.problems) if faults.checked is None else 10**9)
if faults.problems:
    at = position(faults.problems)
    with st.container(key="faults"):
        left, right = st.columns([3, 7], gap="medium")
        with right, st.container(border=True, key="fault"):
            walk(faults.problems, at)
            decide_on(context, faults.problems[at])
        with left, st.container(key="kinds", gap="xsmall"):
            kinds_list(context, faults.problems, at)
elif faults.checked and not faults.looking:
    nothing_found()
if not faults.looking and not early:
    look_again(context, faults)

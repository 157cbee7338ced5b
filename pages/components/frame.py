"""The top of every page: the app's name, the project's name, and the steps."""

from dataclasses import dataclass

import streamlit as st

from pages.components import text
from pages.components.progress import ButtonKind
from pages.components.project_context import ProjectContext, address, here


@dataclass(frozen=True)
class Step:
    """One step of the guide."""

    page: str
    title: str


STEPS = (
    Step("pictures", "Pictures"),
    Step("backbone", "Backbone"),
    Step("strategy", "Way to learn"),
    Step("training", "Train"),
    Step("results", "Results"),
    Step("try_it", "Try it"),
    Step("take_away", "Take away"),
)


def frame(page: str) -> ProjectContext:
    """Draw the top of a step's page. Without a project in the address, says so and ends there."""
    context = here()
    if context is None:
        brand()
        empty("Which project?", "This page belongs to a project. Choose one, or begin a new one.")
        onward("Show my projects", "home")
        st.stop()
    brand(context.project.title)
    _steps(page, context)
    return context


def brand(project: str = "") -> None:
    """The app's name, which leads home, and the project's name."""
    with st.container(horizontal=True, vertical_alignment="center", key="brand", gap="small"):
        st.page_link("home.py", label="Graft", icon=":material/psychiatry:", query_params={})
        if project:
            st.html(f'<span class="where">{text.bdi(project, 60)}</span>', width="content")


def _steps(page: str, context: ProjectContext) -> None:
    done = _done(context)
    with st.container(horizontal=True, key="steps"):
        for n, step in enumerate(STEPS, start=1):
            state = "here" if step.page == page else "done" if step.page in done else "open"
            mark = "check_circle" if step.page in done else f"counter_{n}"
            with st.container(key=f"step-{state}-{step.page}", width="content"):
                st.page_link(
                    f"{step.page}.py",
                    label=step.title,
                    icon=f":material/{mark}:",
                    query_params=address(),
                )
    number = [step.page for step in STEPS].index(page) + 1
    st.html(f'<p class="next">Step {number} of {len(STEPS)} · {_next(context, done)}</p>')


def _done(context: ProjectContext) -> set[str]:
    done = {"pictures"} if context.newest and trainable(context) else set()
    params = st.query_params
    done |= {name for name in ("backbone", "strategy") if params.get(name)}
    if context.finished:
        done |= {"backbone", "strategy", "training", "results"}
    return done


def trainable(context: ProjectContext) -> bool:
    """Whether the newest pictures can teach a classifier."""
    dataset = context.newest
    return dataset is not None and not problem(context)


def problem(context: ProjectContext) -> str:
    """Why the newest pictures cannot teach a classifier yet; empty when they can."""
    from core.errors import UnusableDataset

    if context.newest is None:
        return context.damage or "There are no pictures yet."
    try:
        context.dataset.require_trainable()
    except UnusableDataset as error:
        return str(error)
    return ""


def _next(context: ProjectContext, done: set[str]) -> str:
    active = [run for run in context.runs if context.statuses[run.id].active]
    if context.newest is None:
        return "Next: bring pictures."
    if not trainable(context):
        return "Next: more pictures are needed before anything can be learned."
    if active:
        return "A model is being made right now."
    if not context.runs:
        return "Next: choose a backbone and a way to learn, then train."
    if not context.finished:
        return "Next: train a model."
    if len(context.finished) == 1 and context.finished[0].origin == "automatic":
        return "Your first model is ready. Try it, or choose another way to learn to beat it."
    return "A model is ready. Compare the results, try them, take a model away."


def empty(title: str, sentence: str) -> None:
    """What is shown where nothing is yet, with what to do about it."""
    st.html(f'<div class="empty"><h2>{title}</h2><p>{sentence}</p></div>')


def onward(label: str, page: str, *, primary: bool = True, **changes: str | None) -> None:
    """The button in the middle that leads to another page of this project."""
    with st.container(horizontal=True, horizontal_alignment="center"):
        lead(label, page, primary=primary, **changes)


def lead(label: str, page: str, *, primary: bool = False, **changes: str | None) -> None:
    """The same button, wherever it is put."""
    kind: ButtonKind = "primary" if primary else "secondary"
    if st.button(label, type=kind, key=f"lead-{page}-{label}", icon=":material/arrow_forward:"):
        st.switch_page(f"{page}.py", query_params=address(**changes))


def need_pictures(context: ProjectContext) -> None:
    """End the page with a way out when there is nothing to learn from."""
    fault = problem(context)
    if fault:
        empty("First, pictures", text.html(fault, 600))
        onward("Bring pictures", "pictures")
        st.stop()


def need_model(context: ProjectContext) -> None:
    """End the page with a way out when there is no finished model."""
    if context.finished:
        return
    need_pictures(context)
    if any(status.active for status in context.statuses.values()):
        empty(
            "A model is on its way",
            "It is being trained right now. This page fills when it is done.",
        )
        onward("Watch it learn", "training")
    else:
        empty("No model yet", "Choose how to learn, press start, and come back here.")
        onward("Choose a way to learn", "strategy")
    st.stop()

"""What a run is started with besides backbone and method: options, image size, evaluation."""

from typing import Any

import streamlit as st

from core.projects import RunRow
from core.recipe import Recipe
from core.strategies import strategies as all_strategies
from core.training.evaluation_mode import has_given_split, usual_evaluation
from core.transfer.option_info import OptionInfo
from core.transfer.option_info import describe as describe_strategy
from pages.components import text
from pages.components.jobs import stop_answering
from pages.components.project_context import ProjectContext
from pages.sections.images.aspect_ratio import choose_fit
from pages.sections.results.runs import backbone_title, begin_run, open_training, run_titles
from pages.sections.train.augmentation_preview import CHOICES, choose_variations, show_variations
from pages.sections.train.method_choice import family_of
from pages.sections.train.strategy_options import changed, option
from pages.sections.train.sweep import EVALUATIONS

START = "start-training"


def choose_recipe(context: ProjectContext, strategy: str, backbone: str) -> Recipe:
    """Some options in plain sight, how images are varied, then the rest."""
    dataset = context.dataset
    known = all_strategies()[strategy]
    start = ""
    if "earlier" in known.needs:
        start = choose_earlier(context, "goes-on", "Which model should be trained further?")
        backbone = next(run.recipe.backbone for run in context.finished if run.id == start)
        st.html(
            '<p class="muted small">It keeps its own network, '
            f"{text.html(backbone_title(backbone))}.</p>"
        )
    infos = describe_strategy(
        known, len(dataset.labelled), len(dataset.classes), family_of(backbone)
    )
    key = f"{strategy}-{backbone}"
    chosen = {}
    task = "" if "tasks" in known.needs else choose_question(context)
    classes = (dataset.for_task(task) if task else dataset).classes
    main = [info for info in infos if info.main and info.name not in CHOICES]
    if main:
        for column, info in zip(st.columns(len(main)), main, strict=True):
            with column:
                chosen[info.name] = option(info, key, dataset.tasks, classes)
    fit = choose_fit(context)
    teacher = (
        choose_earlier(context, "teacher", "Which model is the teacher?")
        if known.needs & {"teacher"}
        else ""
    )
    varied = st.container()
    with varied:
        varies = choose_variations(infos, key)
    rest = [info for info in infos if not info.main and info.name not in CHOICES]
    further, shared = advanced(context, strategy, backbone, rest, key)
    shared["start"] = start or shared.get("start", "")
    recipe = Recipe(
        dataset=context.images_version, backbone=backbone, strategy=strategy, fit=fit, task=task,
        teacher=teacher, options=changed(chosen | varies | further, infos), **shared,
    )  # fmt: skip
    begin_when_pressed(context, recipe)
    if varies:
        with varied:
            show_variations(recipe)
    return recipe


def advanced(
    context: ProjectContext, strategy: str, backbone: str, infos: list[OptionInfo], key: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Folded away: further options, and what every strategy shares, as fields of the recipe."""
    folded = st.expander("Advanced", icon=":material/tune:")
    with folded, st.grid(3, min_column_width=220, gap="small"):
        chosen = {info.name: option(info, key) for info in infos}
        shared: dict[str, Any] = shared_options()
        earlier = [run for run in context.finished if run.recipe.backbone == backbone]
        if earlier and "earlier" not in all_strategies()[strategy].needs:
            shared["start"] = choose_earlier(
                context, "start", "Start from an earlier model", earlier
            )
        alone = not all_strategies()[strategy].needs & {"teacher", "earlier"}
        if alone and not shared.get("start"):
            shared["evaluation"] = choose_evaluation(context, strategy)
    return chosen, shared


def choose_question(context: ProjectContext) -> str:
    """Which of several label columns is learned; empty where there is one."""
    tasks = context.dataset.tasks
    if len(tasks) < 2:
        return ""
    return st.radio(
        "Which column should it learn?", tasks, format_func=text.among(tasks), horizontal=True,
        key="option-task", help="Your table has several columns of classes (label columns).",
    )  # fmt: skip


def choose_earlier(
    context: ProjectContext, key: str, question: str, among: list[RunRow] | None = None
) -> str:
    """The id of a finished run; empty for none of them, where that is possible."""
    rows = [run.id for run in among or context.finished]
    choices = ["", *rows] if among else rows
    titles = run_titles(context)
    return st.selectbox(
        question,
        choices,
        format_func=lambda run: titles[run] if run else "No, from the pretrained network",
        key=f"option-{key}",
    )


def choose_evaluation(context: ProjectContext, strategy: str) -> str:
    """What it is tested on: as few or as many images as there is time for."""
    if has_given_split(context.dataset):
        return "holdout"
    usual = usual_evaluation(context.dataset, all_strategies()[strategy])
    ways = sorted(EVALUATIONS, key=lambda way: way != usual)
    return st.radio(
        "Test on which images?", ways, format_func=EVALUATIONS.get,
        key=f"option-evaluation-{strategy}",
        help="Testing all in turn is more reliable, but trains several models: each image is "
        "tested by one that was not trained on it (cross-validation).",
    )  # fmt: skip


def shared_options() -> dict[str, Any]:
    holdout = st.slider(
        "Test images, %", 5, 50, 20, step=5, key="option-holdout",
        help="The model never sees these images during training (held-out test set).",
    )  # fmt: skip
    size = st.number_input(
        "Image size in px", 32, 1024, None, step=32, key="option-size",
        placeholder="the network’s own size",
        help="If empty, the size the network was pretrained with.",
    )  # fmt: skip
    seed = st.number_input(
        "Seed", 0, None, 0, key="option-seed",
        help="Fixes everything random: the same seed gives the same model.",
    )  # fmt: skip
    return {"holdout": holdout / 100, "size": size or 0, "seed": seed}


def begin_when_pressed(context: ProjectContext, recipe: Recipe) -> None:
    """Submit the run and leave, before anything is drawn that refreshes by itself: such a refresh,
    still on its way, would arrive on the next page and take that for this one. What it costs is no
    longer measured: that would only slow it down."""
    if st.session_state.get(START):
        stop_answering("estimate")
        open_training(begin_run(context, recipe))


def start_button() -> None:
    """The button whose press `begin_when_pressed` finds."""
    st.button("Start training", type="primary", icon=":material/play_arrow:", key=START)

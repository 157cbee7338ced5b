"""Way to learn: how what the network knows is carried over, how long it takes, and start."""

from typing import Any

import streamlit as st

from core.backbones.catalogue import CATALOGUE
from core.backbones.catalogue import DEFAULT as DEFAULT_BACKBONE
from core.projects import RunRow
from core.recipe import Recipe
from core.strategies import recommended
from core.strategies import strategies as all_strategies
from core.training.evaluation_mode import has_given_split, usual_evaluation
from core.transfer.option_info import OptionInfo
from core.transfer.option_info import describe as describe_strategy
from core.transfer.strategy import Situation, Strategy, lacking, looks_at
from pages.components import text
from pages.components.frame import frame, need_pictures
from pages.components.progress import ButtonKind
from pages.components.project_context import ProjectContext, go
from pages.sections.images.aspect_ratio import choose_fit
from pages.sections.images.channel_form import say_form
from pages.sections.images.class_table import ROLES
from pages.sections.results.runs import backbone_title, begin_run, run_titles
from pages.sections.train.augmentation_preview import CHOICES, choose_variations, show_variations
from pages.sections.train.cost_estimate import estimate, estimates
from pages.sections.train.strategy_options import changed, layers, option
from pages.sections.train.sweep import EVALUATIONS, try_several

OFFERED_FIRST = 3
COSTS = {
    "seconds": "seconds",
    "minutes": "some minutes, seconds on a GPU",
    "many minutes": "many minutes, a few on a GPU",
}
START = "start-training"
LOOKS = {"Yes": True, "No": False, "Not sure": None}


def there(context: ProjectContext) -> set[str]:
    """What there is of all that strategies need."""
    has: set[str] = {item.role for item in context.dataset.items}
    has |= {"teacher", "earlier"} if context.finished else set()
    return has | ({"tasks"} if len(context.dataset.tasks) > 1 else set())


def choose(context: ProjectContext, backbone: str) -> str | None:
    """The strategies as cards; gives the one in the address, if it can be used here."""
    known, has, family = all_strategies(), there(context), family_of(backbone)
    why_not = {name: lacking(each, has=has, family=family) for name, each in known.items()}
    best, reason = recommended(situation(context), has=has, family=family)
    st.html(
        f'<p class="next">We would try <b>{text.html(known[best].title)}</b>: '
        f"{text.html(reason[0].lower() + reason[1:], 300)}{unused(context, known[best])}</p>"
    )
    chosen = st.query_params.get("strategy")
    chosen = chosen if chosen in known and not why_not[chosen] else None
    names = sorted(known, key=lambda name: (name != best, known[name].rank))
    takes = measured(context, backbone, [name for name in names if not why_not[name]])
    with st.grid(3, min_column_width=270, gap="small"):
        for name in names[:OFFERED_FIRST]:
            card(name, chosen == name, why_not[name], takes[name])
    rest = names[OFFERED_FIRST:]
    if rest:
        more = st.expander("More ways to learn", expanded=chosen in rest)
        with more, st.grid(3, min_column_width=270, gap="small"):
            for name in rest:
                card(name, chosen == name, why_not[name], takes[name])
    return chosen


def unused(context: ProjectContext, strategy: Strategy) -> str:
    """Which added pictures this way to learn leaves aside, as a sentence; empty for none."""
    there = {item.role for item in context.dataset.items} - looks_at(strategy)
    left = [said for role, said in ROLES.items() if role in there]
    if not left:
        return ""
    return (
        f" It does not use the pictures that are {' or '.join(left)}; ways that do stand under "
        "“More ways to learn”."
    )


def measured(context: ProjectContext, backbone: str, names: list[str]) -> dict[str, str]:
    """What each way costs, in words: measured on this computer once somebody asks for it."""
    known = all_strategies()
    alone = [name for name in names if not known[name].needs & {"teacher", "earlier"}]
    recipes = [usual_recipe(context, backbone, name) for name in alone]
    seconds = estimates(recipes, "How long would each take on this computer?", "measure-all")
    took = {
        name: f"{text.duration(each)} on this computer"
        for name, each in zip(alone, seconds, strict=False)
        if each is not None
    }
    return {name: COSTS[each.cost] for name, each in known.items()} | took


def usual_recipe(context: ProjectContext, backbone: str, strategy: str) -> Recipe:
    """With everything as proposed."""
    evaluation = usual_evaluation(context.dataset, all_strategies()[strategy])
    return Recipe(
        dataset=context.versions[0], backbone=backbone, strategy=strategy, evaluation=evaluation
    )


def situation(context: ProjectContext) -> Situation:
    """What the pictures say by themselves, and two questions for what they do not say."""
    with st.container(horizontal=True, gap="large"):
        look = answer("Do your pictures look like everyday photographs?", "photos", list(LOOKS))
        later = answer("Will camera, light or place be another one later?", "later", ["Yes", "No"])
    roles = [item.role for item in context.dataset.items]
    return Situation(
        images=len(context.dataset.labelled),
        fewest=min(context.dataset.counts.values()),
        unlabelled=roles.count("unlabelled"),
        source=roles.count("source"),
        tasks=len(context.dataset.tasks),
        photographs=LOOKS[look],
        changes=later == "Yes",
    )


def answer(question: str, name: str, answers: list[str]) -> str:
    """What is answered; at first the last of these. Kept in the address, like what is chosen."""
    key, usual = f"ask-{name}", answers[-1]
    kept = st.query_params.get(name)
    st.session_state.setdefault(key, kept if kept in answers else usual)

    def keep() -> None:
        st.query_params[name] = st.session_state[key]

    return st.radio(question, answers, horizontal=True, key=key, on_change=keep)


def card(name: str, is_chosen: bool, why_not: str, takes: str) -> None:
    strategy = all_strategies()[name]
    key = f"card-{'chosen' if is_chosen else 'open'}-{name}"
    with st.container(border=True, height="stretch", key=key):
        st.html(
            f'<h3 class="card-title">{text.html(strategy.title)}</h3>'
            f'<p class="term small">{text.html(strategy.term)}</p>'
            f"{layers(strategy)}"
            f'<p style="margin-top:.4rem">{text.html(strategy.advice, 400)}</p>'
            f'<p class="muted small"><b>When it hurts:</b> {text.html(strategy.hurts, 300)}</p>'
            f'<p class="facts"><span>takes {takes}</span></p>'
        )
        if why_not:
            st.html(f'<p class="muted small">Not now: {text.html(why_not, 300)}</p>')
        label = "Chosen" if is_chosen else "Choose"
        kind: ButtonKind = "primary" if is_chosen else "secondary"
        pressed = st.button(label, key=f"choose-{name}", type=kind, disabled=bool(why_not))
        if pressed and not is_chosen:
            st.query_params["strategy"] = name
            st.rerun()


def choose_recipe(context: ProjectContext, strategy: str, backbone: str) -> Recipe:
    """Some options in plain sight, how pictures are varied with those pictures, then the rest."""
    dataset = context.dataset
    known = all_strategies()[strategy]
    start = ""
    if "earlier" in known.needs:
        start = choose_earlier(context, "goes-on", "Which model goes on?")
        backbone = next(run.recipe.backbone for run in context.finished if run.id == start)
        st.html(
            '<p class="muted small">It goes on with the network that it has, '
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
        choose_earlier(context, "teacher", "Which model teaches?")
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
        dataset=context.versions[0], backbone=backbone, strategy=strategy, fit=fit, task=task,
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
                context, "start", "Begin from an earlier model", earlier
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
        "Which question shall it learn?", tasks, format_func=text.among(tasks), horizontal=True,
        key="option-task", help="Your table has several columns of classes (label columns).",
    )  # fmt: skip


def family_of(backbone: str) -> str:
    """Which kind of network it is; a common one when it is none of the catalogue."""
    return CATALOGUE[backbone].family if backbone in CATALOGUE else "cnn"


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
        format_func=lambda run: titles[run] if run else "No: from the pretrained network",
        key=f"option-{key}",
    )


def choose_evaluation(context: ProjectContext, strategy: str) -> str:
    """What judges: as few or as many pictures as there is time for."""
    if has_given_split(context.dataset):
        return "holdout"
    usual = usual_evaluation(context.dataset, all_strategies()[strategy])
    ways = sorted(EVALUATIONS, key=lambda way: way != usual)
    return st.radio(
        "Test it on which images?", ways, format_func=EVALUATIONS.get,
        key=f"option-evaluation-{strategy}",
        help="All in turn says more from the same images. Each is answered by a model that has "
        "not learned from it, so several models are trained (cross-validation).",
    )  # fmt: skip


def shared_options() -> dict[str, Any]:
    holdout = st.slider(
        "Kept aside for judging, of 100", 5, 50, 20, step=5, key="option-holdout",
        help="These pictures are never learned from, so the score is honest (held-out test part).",
    )  # fmt: skip
    size = st.number_input(
        "Picture size in px", 32, 1024, None, step=32, key="option-size",
        placeholder="as the network was made for",
        help="Left empty, pictures are as large as those that the network was made for.",
    )  # fmt: skip
    seed = st.number_input(
        "Seed", 0, None, 0, key="option-seed",
        help="Decides everything random. The same seed gives the same model.",
    )  # fmt: skip
    return {"holdout": holdout / 100, "size": size or 0, "seed": seed}


def begin_when_pressed(context: ProjectContext, recipe: Recipe) -> None:
    """Hand the run in and leave, before anything is drawn that refreshes by itself: such a refresh,
    still on its way, would arrive on the next page and take that for this one."""
    if st.session_state.get(START):
        go("training", run=begin_run(context, recipe))


def start_button() -> None:
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button("Start training", type="primary", icon=":material/play_arrow:", key=START)


context = frame("strategy")
need_pictures(context)
st.html(
    '<h1>Choose how it learns <span class="term small">transfer strategy</span></h1>'
    '<p class="muted">The more of the network may change, the more it can learn, the more pictures '
    "it needs, and the longer it takes.</p>"
)
backbone = st.query_params.get("backbone") or DEFAULT_BACKBONE
with st.container(horizontal=True, vertical_alignment="center"):
    st.html(f"<p>Beginning from <b>{text.html(backbone_title(backbone))}</b></p>", width="content")
    if st.button("Change", type="tertiary", key="change-backbone"):
        go("backbone")
say_form(context)
strategy = choose(context, backbone)
try_several(context, there(context) - {"teacher", "earlier", "tasks"})
if strategy is None:
    st.html('<p class="muted">Choose one of them to go on.</p>')
    st.stop()
st.subheader(all_strategies()[strategy].title, anchor=False)
recipe = choose_recipe(context, strategy, backbone)
estimate(recipe)
start_button()

"""The training method: the one in use with why, all others to change to, and its options."""

import streamlit as st

from core.backbones.catalogue import CATALOGUE
from core.recipe import Recipe
from core.strategies import recommended
from core.strategies import strategies as all_strategies
from core.training.evaluation_mode import usual_evaluation
from core.transfer.strategy import Situation, Strategy, lacking, looks_at
from pages.components import text
from pages.components.project_context import ProjectContext, go
from pages.sections.images.class_table import ROLES
from pages.sections.train.cost_estimate import estimates
from pages.sections.train.strategy_options import layers

OFFERED_FIRST = 3
COSTS = {
    "seconds": "seconds",
    "minutes": "a few minutes, or seconds on a GPU",
    "many minutes": "many minutes, or a few on a GPU",
}
LOOKS = {"Yes": True, "No": False, "Not sure": None}


def there(context: ProjectContext) -> set[str]:
    """What there is of all that strategies need."""
    has: set[str] = {item.role for item in context.dataset.items}
    has |= {"teacher", "earlier"} if context.finished else set()
    return has | ({"tasks"} if len(context.dataset.tasks) > 1 else set())


def method_in_use(context: ProjectContext, backbone: str, known: Situation) -> tuple[str, str]:
    """The strategy in use, and why in one sentence: the person's choice, or what we would try."""
    named = st.query_params.get("strategy")
    if named in all_strategies() and not why_not(context, backbone)[named]:
        return named, "You chose it."
    best, reason = recommended(known, has=there(context), family=family_of(backbone))
    return best, f"{reason}{unused(context, all_strategies()[best])}"


def why_not(context: ProjectContext, backbone: str) -> dict[str, str]:
    """By strategy: what it lacks here, as a sentence; empty for those that can be started."""
    has, family = there(context), family_of(backbone)
    return {n: lacking(each, has=has, family=family) for n, each in all_strategies().items()}


def method_card(strategy: str, why: str, *, changing: bool) -> None:
    """The training method in use, with the button that opens the others."""
    known = all_strategies()[strategy]
    with st.container(border=True, height="stretch", key="card-method"):
        st.html(
            '<p class="muted small">Training method <span class="term">transfer strategy</span></p>'
            f'<p class="card-title">{text.html(known.title)} '
            f'<span class="term small">{text.html(known.term)}</span></p>'
            f'<p class="small">{text.html(why, 400)}</p>{layers(known)}'
        )
        label = "Close" if changing else "Change"
        if st.button(label, key="change-method", icon=":material/swap_horiz:"):
            go("train", change=None if changing else "method")


def choose_method(context: ProjectContext, backbone: str, chosen: str) -> None:
    """Three to begin with, then all that can be started; what lacks something stands apart."""
    ask_about_images()
    known, lacks = all_strategies(), why_not(context, backbone)
    best, _ = recommended(situation(context), has=there(context), family=family_of(backbone))
    names = sorted(known, key=lambda name: (name != best, known[name].rank))
    usable = [name for name in names if not lacks[name]]
    takes = measured(context, backbone, usable[:OFFERED_FIRST])
    for name in usable[:OFFERED_FIRST]:
        _row(name, chosen, takes[name])
    if usable[OFFERED_FIRST:]:
        with st.expander(f"All {len(usable)} that your images allow"):
            for name in usable[OFFERED_FIRST:]:
                _row(name, chosen, takes[name])
    rest = [name for name in names if lacks[name]]
    if rest:
        with st.expander(f"{len(rest)} that need something more"):
            for name in rest:
                st.html(
                    f'<p class="card-title">{text.html(known[name].title)} '
                    f'<span class="term small">{text.html(known[name].term)}</span></p>'
                    f'<p class="muted small">{text.html(lacks[name], 300)}</p>'
                )


def _row(name: str, chosen: str, takes: str) -> None:
    strategy, here = all_strategies()[name], name == chosen
    key = f"card-{'chosen' if here else 'open'}-{name}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
        st.html(
            f'<p class="card-title">{text.html(strategy.title)} '
            f'<span class="term small">{text.html(strategy.term)}</span></p>'
            f'<p class="small">{text.html(strategy.advice, 400)}</p>'
            f'<p class="muted small"><b>When it hurts:</b> {text.html(strategy.hurts, 300)}</p>'
            f'<p class="facts"><span>takes {takes}</span></p>',
            width="stretch",
        )
        if st.button("In use" if here else "Use", key=f"choose-{name}", disabled=here):
            go("train", strategy=name, change=None)


def unused(context: ProjectContext, strategy: Strategy) -> str:
    """Which added images this method leaves aside, as a sentence; empty for none."""
    there = {item.role for item in context.dataset.items} - looks_at(strategy)
    left = [said for role, said in ROLES.items() if role in there]
    return f" It does not use images that are {' or '.join(left)}." if left else ""


def measured(context: ProjectContext, backbone: str, names: list[str]) -> dict[str, str]:
    """What each way costs, in words: measured on this computer once somebody asks for it."""
    known = all_strategies()
    alone = [name for name in names if not known[name].needs & {"teacher", "earlier"}]
    recipes = [usual_recipe(context, backbone, name) for name in alone]
    seconds = estimates(recipes, "How long does each take on this computer?", "measure-all")
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
        dataset=context.images_version, backbone=backbone, strategy=strategy, evaluation=evaluation
    )


def situation(context: ProjectContext) -> Situation:
    """What the images say by themselves, and what was answered about them."""
    roles = [item.role for item in context.dataset.items]
    return Situation(
        images=len(context.dataset.labelled),
        fewest=min(context.dataset.counts.values()),
        unlabelled=roles.count("unlabelled"),
        source=roles.count("source"),
        tasks=len(context.dataset.tasks),
        photographs=LOOKS.get(st.query_params.get("photos", "")),
        changes=st.query_params.get("later") == "Yes",
    )


def ask_about_images() -> None:
    """Two questions that the images do not answer by themselves."""
    with st.container(horizontal=True, gap="large"):
        answer("Do your images look like everyday photographs?", "photos", list(LOOKS))
        answer("Will the camera, the light or the place change later?", "later", ["Yes", "No"])


def answer(question: str, name: str, answers: list[str]) -> str:
    """What is answered; at first the last of these. Kept in the address, like what is chosen."""
    key, kept = f"ask-{name}", st.query_params.get(name)
    # Not by way of the session: where a page is drawn twice at once, the browser would hear
    # nothing of it, and answer the first.
    at = answers.index(kept) if kept in answers else len(answers) - 1

    def keep() -> None:
        st.query_params[name] = st.session_state[key]

    return st.radio(question, answers, at, horizontal=True, key=key, on_change=keep)


def family_of(backbone: str) -> str:
    """Which kind of network it is; a common one when it is none of the catalogue."""
    return CATALOGUE[backbone].family if backbone in CATALOGUE else "cnn"

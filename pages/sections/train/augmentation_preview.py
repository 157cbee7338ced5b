"""How images are varied while it learns: the choices, and one's own images varied so."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import NotFound
from core.jobs.queue import job_folder, status
from core.recipe import Recipe
from core.transfer.option_info import OptionInfo
from core.web.variations import variation_strips
from pages.components import progress, text
from pages.components.jobs import answering_job
from pages.components.navigation import refreshing
from pages.sections.train.strategy_options import option

CHOICES = ("augmentation", "mirror", "smallest_crop", "colour")
"""The options that decide how a varied image looks."""
STYLE = Path(__file__).with_name("augmentation_preview.css")
DRAWN = "variations-drawn"


def choose_variations(infos: list[OptionInfo], key: str) -> dict[str, Any]:
    """The choices, under their heading; empty for a way to learn that has none of them."""
    known = {info.name: info for info in infos}
    if not known.keys() >= {*CHOICES}:
        return {}
    st.html(
        '<h3 class="card-title">How images are varied during training '
        '<span class="term small">augmentation</span></h3>'
    )
    with st.grid(4, min_column_width=200, gap="small"):
        return {name: option(known[name], key) for name in CHOICES}


def show_variations(recipe: Recipe) -> None:
    """A few of the images, each as it is and varied: drawn anew when a choice changes it."""
    kept = {name: value for name, value in recipe.options.items() if name in CHOICES}
    alike = Recipe(dataset=recipe.dataset, backbone=recipe.backbone, strategy=recipe.strategy,
                   size=recipe.size, fit=recipe.fit, options=kept)  # fmt: skip
    folder = answering_job("variations", recipe=alike.model_dump(mode="json"))
    st.html(STYLE)
    now = status(folder)
    if now.active:
        _drawing(folder)
    elif now.state == "finished":
        st.session_state[DRAWN] = folder.name
        st.html(_strips(folder, recipe.options.get("mirror", "auto") == "auto"))
    else:
        st.html(f'<p class="muted small">{text.html(now.sentence, 600)}</p>')
        progress.offer_to_go_on(folder, now, "Draw again", kind="tertiary")


@refreshing(0.3)
def _drawing(folder: Path) -> None:
    """What was drawn before, paler, until the new ones are there."""
    if not status(folder).active:
        st.rerun(scope="app")
    try:
        before = _strips(job_folder(st.session_state.get(DRAWN, "")))
    except NotFound:
        before = ""
    st.html(
        f'<div class="pale">{before}</div>'
        '<p class="muted small" role="status">Varying some of your images …</p>'
    )


def _strips(folder: Path, tried: bool = False) -> str:
    figures = "".join(
        f'<figure><img src="data:image/webp;base64,{b64encode(content).decode()}" '
        f'alt="An image of “{text.html(label)}” as it is, then four variations">'
        f"<figcaption>{text.bdi(label, 40)}</figcaption></figure>"
        for label, content in variation_strips(folder)
    )
    mirrored = " Mirroring is tried first, and left out if it hurts." if tried else ""
    return (
        f'<div class="variations">{figures}</div>'
        '<p class="muted small">Left an image as it is, then four variations. '
        f"If you cannot recognise one, vary less.{mirrored}</p>"
    )

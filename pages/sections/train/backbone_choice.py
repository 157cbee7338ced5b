"""The pretrained network to start from: the one in use with why, and all others to change to."""

import re

import streamlit as st

from core.backbones.catalogue import CATALOGUE, DEFAULT, Backbone, availability
from core.pretraining_analysis.ranking_rows import ranking_of
from core.settings import get_settings
from pages.components import text
from pages.components.project_context import ProjectContext, go
from pages.sections.results.runs import backbone_title
from pages.sections.train.backbone_ranking import ranking
from pages.sections.train.pretraining_analysis import how_far

WHERE = {
    "bundled": "built in",
    "folder": "in your weights folder",
    "cached": "already downloaded",
    "network": "will be downloaded",
}
TIMM_NAME = re.compile(r"[A-Za-z0-9_]{1,80}(\.[A-Za-z0-9_]{1,80})?")
FIRST = 3


def chosen_backbone(context: ProjectContext) -> tuple[str, str]:
    """The timm name in use, and in one sentence why: the person's choice, or what suits best."""
    named = st.query_params.get("backbone")
    if named:
        return named, "You chose it."
    known = ranking_of(context.images_version, get_settings())
    if known and known.tried:
        return known.suggested["backbone"], "It did best, or as well as the best, on your images."
    return DEFAULT, "Built in, quick, and a good start for a few hundred images."


def backbone_card(backbone: str, why: str, *, changing: bool) -> None:
    """The network in use, with the button that opens the others."""
    with st.container(border=True, height="stretch", key="card-backbone"):
        st.html(
            '<p class="muted small">Backbone <span class="term">pretrained network</span></p>'
            f'<p class="card-title">{text.html(backbone_title(backbone))}</p>'
            f'<p class="small">{why}</p>{_facts(backbone)}'
        )
        label = "Close" if changing else "Change"
        if st.button(label, key="change-backbone", icon=":material/swap_horiz:"):
            go("train", change=None if changing else "backbone")


def choose_backbone(context: ProjectContext, chosen: str) -> None:
    """Three to begin with, then every network that can be used here; the rest apart."""
    how_far(context)
    settings = get_settings()
    where = {name: availability(row, settings) for name, row in CATALOGUE.items()}
    usable = [n for n in CATALOGUE if where[n] != "network" or not settings.offline]
    missing = [n for n in CATALOGUE if n not in usable]
    for name in usable[:FIRST]:
        _row(CATALOGUE[name], where[name], chosen)
    if usable[FIRST:]:
        with st.expander(f"All {len(usable)} available here"):
            for name in usable[FIRST:]:
                _row(CATALOGUE[name], where[name], chosen)
    ranking(context)
    if missing:
        with st.expander(f"{len(missing)} not on this computer"):
            _offline_sentence()
            for name in missing:
                st.html(f"{_title(CATALOGUE[name])}{_facts(name)}")
    _any_other()


def _title(backbone: Backbone) -> str:
    return (
        f'<p class="card-title">{text.html(backbone.title)} '
        f'<span class="term small">{text.html(backbone.name)}</span></p>'
        f'<p class="small">{text.html(backbone.advice, 300)}</p>'
    )


def _facts(backbone: str) -> str:
    row = CATALOGUE.get(backbone)
    if row is None:
        return ""
    return (
        f'<p class="facts"><span>{row.parameters / 1e6:.1f} million weights</span>'
        f"<span>sees {row.size} × {row.size} px</span><span>{text.html(row.licence)}</span></p>"
    )


def _row(backbone: Backbone, where: str, chosen: str) -> None:
    here = backbone.name == chosen
    key = f"card-{'chosen' if here else 'open'}-{backbone.name}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
        kind = "warn" if where == "network" else "good"
        chip = f'<span class="chip {kind}">{WHERE[where]}</span>'
        st.html(f"{_title(backbone)}{_facts(backbone.name)}{chip}", width="stretch")
        if st.button(
            "In use" if here else "Use", key=f"choose-{backbone.name}", disabled=here,
            type="secondary",
        ):  # fmt: skip
            go("train", backbone=backbone.name, change=None)


def _any_other() -> None:
    with st.expander("Any other network", icon=":material/tune:"):
        st.html(
            '<p class="small">Enter any model name <span class="term">timm</span>. Its weights are '
            "downloaded, or read from your weights folder.</p>"
        )
        name = st.text_input(
            "timm name", placeholder="for example: regnety_016.tv2_in1k", max_chars=160
        ).strip()
        if name and not TIMM_NAME.fullmatch(name):
            st.error("A timm name has only letters, digits, underscores and one full stop.")
        elif name and st.button("Use this network"):
            go("train", backbone=name, change=None)


def _offline_sentence() -> None:
    st.info(
        "Downloads are off (GRAFT_OFFLINE). To use one of these, put its file "
        "<timm name>.safetensors into a folder and set GRAFT_WEIGHTS to it.".replace(
            "<", r"\<"
        ).replace("_", r"\_"),
        icon=":material/cloud_off:",
    )

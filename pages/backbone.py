"""Backbone: which pretrained network to begin from."""

import re

import streamlit as st

from core.backbones.catalogue import CATALOGUE, Backbone, availability
from core.settings import get_settings
from pages.components import text
from pages.components.frame import frame, need_pictures
from pages.components.project_context import go
from pages.sections.images.channel_form import say_form
from pages.sections.train.backbone_ranking import ranking
from pages.sections.train.pretraining_analysis import how_far

WHERE = {
    "bundled": '<span class="chip good">built in</span>',
    "folder": '<span class="chip good">in your weights folder</span>',
    "cached": '<span class="chip good">downloaded before</span>',
    "network": '<span class="chip warn">needs the network</span>',
}
TIMM_NAME = re.compile(r"[A-Za-z0-9_]{1,80}(\.[A-Za-z0-9_]{1,80})?")


def usable(where: str) -> bool:
    return where != "network" or not get_settings().offline


def card(backbone: Backbone, where: str) -> None:
    chosen = st.query_params.get("backbone") == backbone.name
    key = f"card-{'chosen' if chosen else 'open'}-{backbone.name}"
    with st.container(border=True, height="stretch", key=key):
        st.html(
            f'<h3 class="card-title">{text.html(backbone.title)} {WHERE[where]}</h3>'
            f'<p style="margin:.35rem 0 .5rem">{text.html(backbone.advice, 300)}</p>'
            f'<p class="facts"><span>{backbone.parameters / 1e6:.1f} million weights</span>'
            f"<span>sees {backbone.size} × {backbone.size} px</span>"
            f"<span>{text.html(backbone.licence)}</span></p>"
            f'<p class="term small">{text.html(backbone.name)}</p>'
        )
        label = "Chosen · go on" if chosen else "Choose"
        if st.button(
            label,
            key=f"choose-{backbone.name}",
            type="primary" if chosen else "secondary",
            disabled=not usable(where),
            help=None if usable(where) else "This computer is set to offline.",
        ):
            go("strategy", backbone=backbone.name)


def advanced() -> None:
    with st.expander("Advanced: any other network", icon=":material/tune:"):
        st.html(
            '<p class="small">Any name that <span class="term">timm</span>, the library behind '
            "this catalogue, knows. Its weights come from the network, or from your folder of "
            "weights.</p>"
        )
        name = st.text_input(
            "timm name", placeholder="for example: regnety_016.tv2_in1k", max_chars=160
        ).strip()
        if name and not TIMM_NAME.fullmatch(name):
            st.error("That is no such name: only letters, digits, underscores and one full stop.")
        elif name and st.button("Use this network"):
            go("strategy", backbone=name)


def offline_sentence() -> None:
    st.info(
        "This computer is set to offline (GRAFT_OFFLINE), so networks that are not here yet cannot "
        "be fetched. To use one, put its file <timm name>.safetensors into a folder and name the "
        "folder in GRAFT_WEIGHTS.".replace("<", r"\<").replace("_", r"\_"),
        icon=":material/cloud_off:",
    )


context = frame("backbone")
need_pictures(context)
st.html(
    '<h1>Choose what to begin from <span class="term small">pretrained backbone</span></h1>'
    '<p class="muted">Each of these networks has already seen a million photographs or more. Yours '
    "builds on what it knows. The first one is a good choice; try others later and compare.</p>"
)
say_form(context)
how_far(context)
ranking(context)
rows = {name: (row, availability(row, get_settings())) for name, row in CATALOGUE.items()}
ready = [pair for pair in rows.values() if pair[1] != "network"]
remote = [pair for pair in rows.values() if pair[1] == "network"]
st.subheader("Ready on this computer", anchor=False)
with st.grid(3, min_column_width=270, gap="small"):
    for row, where in ready:
        card(row, where)
if remote:
    st.subheader("Fetched once from the network", anchor=False)
    if get_settings().offline:
        offline_sentence()
    with st.grid(3, min_column_width=270, gap="small"):
        for row, where in remote:
            card(row, where)
advanced()

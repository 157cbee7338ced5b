"""The map component: a dot for each image, hover to see it, draw around some to choose them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.dataset.manifest import Dataset
from pages.components import text
from pages.components.gallery import image_address

_STEPS = 10_000
"""Places are sent as whole numbers up to this."""


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"scatter_map.{kind}").read_text(encoding="utf-8")


_map = st.components.v2.component(
    "graft_map", html=_source("html"), css=_source("css"), js=_source("js")
)


def picture_map(
    dataset: Dataset, version: str, places: Mapping[str, tuple[float, float]], method: str
) -> list[int]:
    """Show the map; gives the places in `dataset.items` of the images that are chosen now."""
    told = _map(
        key="map",
        # Not kept with the rest, which is the same in every project that has this version.
        data={**_data(dataset, version, method, places), "from": image_address("")},
        on_chosen_change=lambda: None,
    )
    chosen = told.get("chosen") or {}
    if chosen.get("version") != version:
        return []
    return [place for place in chosen.get("places", ()) if 0 <= place < len(dataset.items)]


@st.cache_resource(max_entries=4, show_spinner=False)
def _data(
    _dataset: Dataset, version: str, method: str, _places: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    number = {name: index for index, name in enumerate(_dataset.classes)}
    where = [_places[item.image] for item in _dataset.items]
    return {
        "version": version,
        "method": method,
        "x": [round(_STEPS * x) for x, _ in where],
        "y": [round(_STEPS * y) for _, y in where],
        "c": [number.get(item.label or "", -1) for item in _dataset.items],
        "images": [item.image for item in _dataset.items],
        "names": [text.plain(item.name.rsplit("/", 1)[-1], 40) for item in _dataset.items],
        "classes": [{"name": text.plain(name, 40)} for name in _dataset.classes],
    }

"""A page of thumbnails out of which images are chosen, by mouse, touch or keyboard."""

from collections.abc import Collection, Sequence
from pathlib import Path

import streamlit as st

from core.dataset.manifest import Item
from pages.components import text


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"picker.{kind}").read_text(encoding="utf-8")


_picker = st.components.v2.component(
    "graft_picker", html=_source("html"), css=_source("css"), js=_source("js")
)


def picker(
    pictures: Sequence[tuple[int, Item]], chosen: Collection[int], *, token: str, key: str
) -> set[int]:
    """Show these (place, item) and give the places chosen among them.

    `token` names what is shown: with another one, `chosen` is what is marked at first.
    """
    here = {place for place, _ in pictures}
    marked = here & set(chosen)
    data = {
        "token": token,
        "chosen": sorted(marked),
        "pictures": [
            {
                "place": place,
                "image": item.image,
                "name": text.plain(item.name.rsplit("/", 1)[-1], 60),
                "label": text.plain(item.label, 40) if item.label else "no class",
            }
            for place, item in pictures
        ],
    }
    told = _picker(key=key, data=data, on_chosen_change=lambda: None).chosen
    if not isinstance(told, dict) or told.get("token") != token:
        return marked
    return here & {place for place in told.get("places", ()) if isinstance(place, int)}

"""A page of thumbnails out of which images are chosen, or moved to a class, by mouse, touch or
keyboard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.dataset.manifest import Item
from pages.components import text
from pages.components.gallery import image_address


@dataclass(frozen=True, slots=True)
class Bin:
    """A class that images can be moved to."""

    label: str
    image: str
    """Hash of one of its images."""
    n: int
    """How many it has."""


@dataclass(frozen=True, slots=True)
class Move:
    """Images that were moved just now."""

    places: frozenset[int]
    label: str
    chosen: bool
    """Whether it is all that are chosen, rather than one that was dragged alone."""


@dataclass(frozen=True, slots=True)
class Picked:
    """What was done on a page of thumbnails."""

    places: set[int]
    """Those that are chosen."""
    move: Move | None = None


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"picker.{kind}").read_text(encoding="utf-8")


_picker = st.components.v2.component(
    "graft_picker", html=_source("html"), css=_source("css"), js=_source("js")
)


def picker(
    pictures: Sequence[tuple[int, Item]],
    chosen: Collection[int],
    bins: Sequence[Bin],
    *,
    token: str,
    key: str,
) -> Picked:
    """Show these (place, item) and give the places chosen among them, and what was moved.

    `token` names what is shown: with another one, `chosen` is what is marked at first.
    """
    here = {place for place, _ in pictures}
    marked = here & set(chosen)
    data = {
        "token": token,
        "from": image_address(""),
        "chosen": sorted(marked),
        "bins": [
            {"label": text.plain(bin.label, 40), "image": bin.image, "n": bin.n} for bin in bins
        ],
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
    told = _picker(key=key, data=data, on_chosen_change=lambda: None, on_moved_change=lambda: None)
    move = _move(told.moved, token, here, bins)
    if not isinstance(told.chosen, dict) or told.chosen.get("token") != token:
        return Picked(marked, move)
    return Picked(here & _places(told.chosen), move)


def _move(told: Any, token: str, here: set[int], bins: Sequence[Bin]) -> Move | None:
    """What the browser says, as far as it makes sense."""
    if not isinstance(told, dict) or told.get("token") != token:
        return None
    places, n = here & _places(told), told.get("bin")
    if not places or type(n) is not int or not 0 <= n < len(bins):
        return None
    return Move(frozenset(places), bins[n].label, told.get("chosen") is True)


def _places(told: Mapping[str, Any]) -> set[int]:
    return {place for place in told.get("places") or () if isinstance(place, int)}

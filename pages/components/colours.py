"""The colours of charts, which know nothing of the style sheet."""

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Colours:
    """As in style.css."""

    leaf: str
    amber: str
    rust: str
    soft: str


_LIGHT = Colours("#24694b", "#9a5510", "#a83a2a", "#5a645c")
_DARK = Colours("#6dbf97", "#e0a25c", "#ec9488", "#a5b0a8")


def theme_colours() -> Colours:
    """Those of the theme that the person sees."""
    return _DARK if st.context.theme.type == "dark" else _LIGHT


def faint(colour: str, share: float) -> str:
    """The colour, so far from opaque."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"

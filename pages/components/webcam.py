"""The webcam component: class by class, several images a second, sent when all are taken."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.settings import get_settings
from core.web.paths import base
from pages.components.upload import Arrived

MOST = 3_000
"""Images that are held in the browser before they are sent."""


def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_webcam = st.components.v2.component(
    "graft_webcam",
    html=_source("webcam.html"),
    css=_source("webcam.css"),
    js=_source("camera.js") + _source("webcam.js"),
)


def webcam(upload: str, *, key: str, classes: Sequence[str]) -> Arrived | None:
    """Show the camera for an upload that was opened; tells when every image arrived, in every run
    until another is opened.

    Each is named `<class>/<time>-<number>.jpg`; `classes` are offered to begin with.
    """
    data = {
        "graft": base(),
        "upload": upload,
        "classes": list(classes),
        "most": min(MOST, get_settings().max_entries),
    }
    told = _webcam(key=key, data=data, on_arrived_change=lambda: None)
    if told.arrived and told.arrived.get("upload") == upload:
        return Arrived(upload, int(told.arrived["files"]))
    return None

"""The live camera: bars that move while it looks, and frames that are kept to be asked about."""

from pathlib import Path

import streamlit as st

from core.web.paths import base
from pages.components.upload import Arrived


def _source(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_live = st.components.v2.component(
    "graft_live",
    html=_source("live.html"),
    css=_source("live.css"),
    js=_source("camera.js") + _source("live.js"),
)


def live(run: str, upload: str, *, key: str) -> Arrived | None:
    """Show the camera for a run's model; tells when every kept frame arrived in the upload, in
    every run until another is opened."""
    data = {"graft": base(), "run": run, "upload": upload}
    told = _live(key=key, data=data, on_arrived_change=lambda: None)
    if told.arrived and told.arrived.get("upload") == upload:
        return Arrived(upload, int(told.arrived["files"]))
    return None

"""The drop zone: files, folders and archives, streamed to the server's own route."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.settings import get_settings
from core.web.paths import base

PICTURES = (
    ".jpg,.jpeg,.png,.webp,.avif,.gif,.bmp,.tif,.tiff,.heic,.heif,.jp2,.j2k,.pgm,.pbm,.ppm,image/*"
)
ARCHIVES = ".zip,.tar,.tgz,.gz,.bz2,.xz,.csv,.tsv,.tab,.xlsx,.xls,.ods,.parquet,.tm"
"""Also the tables that may come beside the images."""


@dataclass(frozen=True)
class Arrived:
    """An upload that is complete on the server's disk."""

    upload: str
    files: int


def _source(kind: str) -> str:
    return Path(__file__).with_name(f"upload.{kind}").read_text(encoding="utf-8")


_drop_zone = st.components.v2.component(
    "graft_upload", html=_source("html"), css=_source("css"), js=_source("js")
)


def drop_zone(
    upload: str,
    *,
    key: str,
    headline: str,
    hint: str,
    button: str,
    folders: bool = False,
    archives: bool = False,
) -> Arrived | None:
    """Show the drop zone for an upload that was opened; tells when everything arrived, in every run
    until another is opened."""
    settings = get_settings()
    data: dict[str, Any] = {
        "graft": base(),
        "upload": upload,
        "headline": headline,
        "hint": hint,
        "button": button,
        "accept": f"{PICTURES},{ARCHIVES}" if archives else PICTURES,
        "folders": folders,
        "maxBytes": settings.max_upload_bytes,
        "maxFiles": settings.max_entries,
    }
    told = _drop_zone(
        key=key, data=data, on_arrived_change=lambda: None, on_cancelled_change=lambda: None
    )
    if told.arrived and told.arrived.get("upload") == upload:
        return Arrived(upload, int(told.arrived["files"]))
    return None

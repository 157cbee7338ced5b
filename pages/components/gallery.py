"""Images in rows: thumbnails by address, so that nothing but their names passes through here."""

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import quote

import streamlit as st

from core.dataset.manifest import Item
from core.web.paths import address
from pages.components import text

Size = Literal["thumb", "image"]
"""At most 256 px wide and high, or as it is stored."""


def image_address(image: str, *, size: Size = "thumb", project: str = "") -> str:
    """Where a stored image is, within a project: the one in the page's address where none is named.

    With "" for the image, what its hash is put behind.
    """
    within = project or st.query_params.get("project", "")
    return address(size, quote(within, safe=""), image)


def thumb(image: str, alt: str, *, project: str = "") -> str:
    """One thumbnail as HTML. An empty `alt` is for images that the words beside them explain."""
    said = text.html(alt) if alt else ""
    src = image_address(image, project=project)
    return f'<img src="{src}" alt="{said}" loading="lazy" decoding="async">'


def strip(images: Sequence[str], alt: str, *, project: str = "") -> str:
    """A few thumbnails in one line."""
    shown = "".join(thumb(image, alt, project=project) for image in images)
    return f'<div class="strip">{shown}</div>'


def gallery(items: Iterable[Item]) -> str:
    """Thumbnails with the file names below."""
    figures = (
        f"<figure>{thumb(item.image, item.label or 'no class')}"
        f"<figcaption>{text.bdi(item.name.rsplit('/', 1)[-1], 40)}</figcaption></figure>"
        for item in items
    )
    return f'<div class="gallery">{"".join(figures)}</div>'

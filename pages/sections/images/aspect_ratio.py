"""How images that are not square meet a network's square, shown on one's own images."""

from pathlib import Path

import streamlit as st

from core.dataset.aspect_ratio import oblong_images
from core.dataset.store import Store
from core.recipe import Fit
from core.settings import get_settings
from pages.components.gallery import image_address
from pages.components.project_context import ProjectContext, load_dataset

FITS: dict[Fit, str] = {
    "squash": "Squeeze it into the square",
    "pad": "Keep it whole, with a border",
    "crop": "Crop the middle",
}
SAID = {
    "squash": "Shows all of it, distorted.",
    "pad": "Shows all of it, a little smaller.",
    "crop": "Keeps the shape, loses the edges.",
}
STYLE = Path(__file__).with_name("aspect_ratio.css")


def choose_fit(context: ProjectContext) -> Fit:
    """The chosen way. Nothing is asked where every image is square: all ways are the same."""
    examples = _examples(context.images_version)
    if not examples:
        return "squash"
    st.header("Images that are not square", anchor=False)
    st.html(STYLE)
    chosen = st.segmented_control(
        "The network sees a square. How should your images fit into it?",
        list(FITS),
        default="squash",
        required=True,
        format_func=FITS.__getitem__,
        key="option-fit",
    )
    st.html(
        '<div class="fits">'
        + "".join(_shown(way, way == chosen, examples) for way in FITS)
        + '</div><p class="muted small">In our measurements on small sets, squeezing or a border '
        "beat cropping.</p>"
    )
    return chosen


def _shown(way: Fit, chosen: bool, examples: list[str]) -> str:
    images = "".join(
        f'<img src="{image_address(image)}" class="{way}" alt="" loading="lazy">'
        for image in examples
    )
    mark = "✓ " if chosen else ""
    return (
        f'<figure class="{"here" if chosen else ""}"><div>{images}</div>'
        f'<figcaption><b>{mark}{FITS[way]}</b> <span class="term">{way}</span><br>{SAID[way]}'
        "</figcaption></figure>"
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _examples(version: str) -> list[str]:
    return oblong_images(load_dataset(version), Store(get_settings().home))

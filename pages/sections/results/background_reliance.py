"""Whether the model looks at the background: its answers with parts of the images hidden."""

import streamlit as st

from core.analysis.background_reliance import (
    CAVEAT as BACKGROUND_CAVEAT,
)
from core.analysis.background_reliance import (
    BackgroundReliance,
    MaskedScore,
)
from pages.components import text
from pages.components.permission import allowed


def background(found: BackgroundReliance | None) -> bool:
    """What was found; without it the offer to look. Says whether that is wanted."""
    st.html(
        '<h2 class="card-title">Does it look at the background? <span class="term small">'
        "occlusion test</span></h2>"
    )
    if found is None:
        st.html(
            '<p class="muted">Not checked yet. This hides the middle of each test image and asks '
            "again.</p>"
        )
        return allowed() and st.button("Hide the middle and test", icon=":material/hide_image:")
    if found.warn:
        st.warning(text.markdown(found.verdict, 600), icon=":material/warning:")
    else:
        st.html(f"<p>{text.html(found.verdict, 600)}</p>")
    figures = "".join(_figure(each, found.n) for each in found.masks)
    st.html(f'<div class="gallery wide">{figures}</div>')
    st.html(
        f'<p class="muted small">{BACKGROUND_CAVEAT} Each is compared on the same images with '
        'guessing and with whole images <span class="term">(exact McNemar tests, Holm '
        "correction)</span>.</p>"
    )
    return False


def _figure(each: MaskedScore, n: int) -> str:
    guess = "better than guessing" if each.above_majority else "not measurably better than guessing"
    whole = "worse than whole images" if each.worse else "no measurable loss"
    return (
        f'<figure><img src="{text.html(each.image, 100_000)}" alt="{each.title}">'
        f"<figcaption><b>{each.title}</b><br>{each.correct} of {n} correct<br>"
        f"{text.likely(each.interval)}<br>"
        f'<span class="chip">{guess}</span><br><span class="chip">{whole}</span>'
        "</figcaption></figure>"
    )

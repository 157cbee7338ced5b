"""The built-in samples as cards, with source and licence named."""

import streamlit as st

from core.dataset.samples import SAMPLES, Sample
from core.jobs.queue import new_job, submit
from core.web.paths import address
from pages.components import text


def sample_cards() -> str | None:
    """Show the samples; tells the name of the one that was just chosen."""
    chosen = None
    with st.grid(4, min_column_width=220, gap="small"):
        for name, sample in SAMPLES.items():
            with st.container(border=True, height="stretch", key=f"card-sample-{name}"):
                st.html(card(name, sample))
                label = f"Use “{sample.title}”"
                if st.button(label, key=f"sample-{name}", icon=":material/download_done:"):
                    chosen = name
    return chosen


def card(name: str, sample: Sample) -> str:
    """A sample as HTML."""
    return (
        f'<img class="preview" src="{address("sample", name)}" alt="Some of these images">'
        f'<h3 class="card-title" style="margin-top:.6rem">{text.html(sample.title)}</h3>'
        f'<p class="small">{text.html(sample.advice, 300)}</p>'
        '<p class="muted small" style="margin-top:.4rem">'
        f"Source: {text.html(sample.source, 300)} Licence: {licence(sample.licence)}.</p>"
    )


def licence(words: str) -> str:
    """A licence as HTML; one that names its address leads there. Only for our own words."""
    name, _, link = words.removesuffix(")").partition(" (https://")
    if not link:
        return text.html(words)
    where = f'href="https://{text.html(link)}" target="_blank" rel="noreferrer"'
    return f"<a {where}>{text.html(name)}</a>"


def begin_sample(project: str, name: str) -> None:
    """Hand in the import of a sample."""
    submit("import", new_job(), {"project": project, "sample": name, "title": SAMPLES[name].title})

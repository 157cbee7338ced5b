"""Why it says so: where it looked, what it is reminded of, and whether the map can be believed."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.analysis.grad_cam import Explanation, Neighbour, explanation_of
from core.errors import GraftError
from core.jobs.queue import job_folder, new_job, status, submit
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.jobs.status import JobStatus
from core.projects import RunRow
from pages.components import progress, text
from pages.components.gallery import thumb
from pages.components.permission import only_for
from pages.components.placeholder import placeholder

LABEL, ICON = "Why?", ":material/help:"


def no_why(key: str, because: str) -> None:
    """The same button where nothing can be asked."""
    st.button(LABEL, key=f"no-why-{key}", type="tertiary", icon=ICON, disabled=True, help=because)


@only_for("test")
def why_button(run: RunRow, key: str, **which: str) -> None:
    """Asks about one image: `image`, the hash of a stored one, or `file`, where one lies."""
    if not st.button(LABEL, key=f"why-{key}", type="tertiary", icon=ICON):
        return
    st.query_params["why"] = start_explaining(run, **which)
    st.rerun()


def start_explaining(run: RunRow, **which: str) -> str:
    """The id of the job that explains this image; a new one where none is there or under way."""
    known = recent_jobs("explain", run=run.id, **which)
    if not known or not _usable(status(known[0])):
        known = [new_job()]
        submit("explain", known[0], {"run": run.id, **which})
    return known[0].name


def explained_file(job_id: str) -> tuple[Path | None, str]:
    """The folder of a job that explains an answer, and the file it is about; None and nothing for
    any other id."""
    try:
        folder = job_folder(job_id)
        spec = JobSpec.read(folder)
    except GraftError:
        return None, ""
    return (folder, str(spec.args.get("file", ""))) if spec.kind == "explain" else (None, "")


def explanation_html(now: JobStatus) -> str:
    """What an explanation shows, as HTML made safe; empty for one that did not end well."""
    found = explanation_of(now.result or {}) if now.state == "finished" else None
    return _shown(found) if found else ""


def _usable(now: JobStatus) -> bool:
    """Whether an answer is there or under way; one of an older version has no verdict."""
    found = explanation_of(now.result or {}) if now.state == "finished" else None
    return now.active or (found is not None and found.verdict != "unknown")


@placeholder
def why() -> None:
    """The panel about the image that was last asked about, if any was."""
    asked = st.query_params.get("why")
    if not asked:
        return
    try:
        folder = job_folder(asked)
        now = status(folder)
    except GraftError:
        return
    if now.kind != "explain":
        return
    if now.active:
        progress.watch(folder)
        return
    with st.container(border=True, key="why"):
        if html := explanation_html(now):
            st.html(html)
        else:
            st.error(text.markdown(now.sentence, 600), icon=":material/error:")
        if st.button("Close", type="tertiary", icon=":material/close:"):
            del st.query_params["why"]
            st.rerun()


def _shown(found: Explanation) -> str:
    pair = "".join(
        f'<img src="{text.html(address, 200_000)}" alt="{alt}">'
        for address, alt in (
            (found.image, "The image as the network sees it"),
            (found.map, "The evidence, marked in amber"),
        )
    )
    return (
        f'<h2 class="card-title">Why {text.bdi(found.label, 40)}? '
        f'<span class="term small">{text.percent(found.confidence)} confident</span></h2>'
        f'<div class="why"><div><div class="pair">{pair}</div>'
        f'<p class="small muted">{_trust(found.verdict, found.rank_correlation)}</p></div>'
        f"<div>{_reminded(found.nearest)}</div></div>"
    )


def _trust(verdict: str, correlation: float | None) -> str:
    """What the map shows, and whether it can be believed."""
    if verdict == "flat":
        return (
            "No part of this image stands out as evidence, so nothing is marked "
            "<span class='term'>(Grad-CAM: a flat map)</span>."
        )
    seen = "Amber marks the evidence for this answer <span class='term'>(Grad-CAM)</span>. "
    if verdict == "independent":
        return (
            f"{seen}Careful: with random weights the map looks much the same (rank correlation "
            f"{correlation:.2f}). It shows the image rather than what was learned."
        )
    if verdict == "dependent":
        return (
            f"{seen}With random weights the map looks different (rank correlation "
            f"{correlation:.2f}), so it depends on what was learned. It is a hint, not proof."
        )
    return (
        f"{seen}Whether it depends on what was learned could not be checked. Take it as a hint at "
        "most."
    )


def _reminded(nearest: Sequence[Neighbour]) -> str:
    if not nearest:
        return '<p class="small muted">There are too few training images to compare with.</p>'
    figures = "".join(
        f"<figure>{thumb(each.image, each.label)}<figcaption>{text.bdi(each.label, 24)} "
        f'<span class="n">{100 * each.cosine:.0f} %</span></figcaption></figure>'
        for each in nearest
    )
    return (
        '<p class="small">Most similar training images '
        "<span class='term'>(cosine of the features)</span></p>"
        f'<div class="gallery">{figures}</div>'
    )

"""What is wrong with the images in use: found by a job, carried from version to version."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.checks import Problem
from core.checks import _fixes as fixing
from core.checks import checks as all_checks
from core.checks._runner import problems as known_problems
from core.dataset.manifest import Dataset
from core.jobs.asked_for import asked_for
from core.jobs.found import found_so_far
from core.jobs.queue import new_job, status, stop, submit
from core.jobs.recent import recent_jobs
from core.jobs.status import JobStatus
from core.projects.versions import history
from core.settings import get_settings
from pages.components import progress, text
from pages.components.frame import empty, lead
from pages.components.navigation import refreshing
from pages.components.permission import allowed, only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, load_dataset


@dataclass(frozen=True)
class Faults:
    """What is known about the version in use."""

    problems: list[Problem]
    """With places in the version in use, the most serious first."""
    checked: str | None
    """The version that was looked at; None when nobody has looked yet."""
    unseen: int
    """Images in use that nobody has looked at."""
    job: Path | None
    """The newest check of this project."""
    now: JobStatus | None
    """How it is doing."""

    @property
    def looking(self) -> bool:
        """Whether somebody is looking right now."""
        return self.now is not None and self.now.active


def faults_of(context: ProjectContext) -> Faults:
    """What is known now. While the first check runs: what it has found so far."""
    jobs = recent_jobs("check", project=context.project.id)
    job = jobs[0] if jobs else None
    now = status(job) if job else None
    versions = _nearest(context)
    for version in versions:
        problems = known_problems(version, get_settings())
        if problems is not None:
            checked = _version(context, version)
            images = {item.image for item in context.dataset.items}
            unseen = len(images - {item.image for item in checked.items})
            carried = fixing.carried(problems, checked, context.dataset)
            return Faults(carried, version, unseen, job, now)
    carried = []
    for version in versions:
        begun = recent_jobs("check", project=context.project.id, dataset=version)
        if begun:
            found, checked = found_so_far(begun[0]), _version(context, version)
            carried = fixing.carried(found, checked, context.dataset)
            break
    return Faults(carried, None, len(context.dataset.items), job, now)


def _version(context: ProjectContext, version: str) -> Dataset:
    return context.dataset if version == context.versions[0] else load_dataset(version)


def _nearest(context: ProjectContext) -> list[str]:
    """The versions, first the one in use, then those it came from, then the others."""
    past = {version.id: version for version in history(context.project.id)}
    line, here = [], past.get(context.versions[0])
    while here is not None and here.id not in line:
        line.append(here.id)
        here = past.get(here.parent or "")
    return [*line, *(version for version in context.versions if version not in line)]


def begin_check(context: ProjectContext) -> None:
    """Hand in a check of the version in use."""
    args = {"project": context.project.id, "dataset": context.versions[0]}
    submit("check", new_job(), args)


def look_by_itself(context: ProjectContext, faults: Faults, *, at_once: bool = False) -> Faults:
    """Begin a check where there are images that nobody has looked at.

    The first model goes before it, since both look at the same images with the same network,
    unless the check is what somebody waits for.
    """
    if not allowed():
        return faults
    first = context.first_model
    busy = first is not None and context.statuses[first.id].active and not at_once
    tried = recent_jobs("check", project=context.project.id, dataset=context.versions[0])
    # All that was found is settled: before it is called faultless, it is looked at once more.
    settled = at_once and not faults.problems and faults.checked != context.versions[0]
    if not (faults.unseen or settled) or faults.looking or tried or busy:
        return faults
    asked_for("check", project=context.project.id, dataset=context.versions[0])
    return faults_of(context)


@refreshing(1.0)
def looking(context: ProjectContext, job: Path, found: int) -> None:
    """The check as it goes on; draws the page anew when it has found something."""
    now = status(job)
    if not now.active or len(found_so_far(job)) > found:
        st.rerun(scope="app")
    with st.container(border=True, key="looking"):
        progress.show(now)
        if allowed() and st.button(
            "Stop checking", icon=":material/stop_circle:", key="stop-looking"
        ):
            stop(job)
            st.rerun(scope="fragment")


@placeholder
def ended_early(faults: Faults) -> bool:
    """Says so, with the way on, when the newest check did not come to its end."""
    now = faults.now
    if faults.job is None or now is None or now.state not in ("failed", "stopped"):
        return False
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        said = "The check was stopped." if now.state == "stopped" else now.sentence
        st.html(f"<p>{text.html(said, 400)}</p>", width="stretch")
        progress.offer_to_go_on(faults.job, now)
    return True


def nothing_found() -> None:
    """What is shown when there is nothing to decide, with what was looked for."""
    said = "All images have been checked, and nothing is left to decide."
    empty("No problems", said, level=2)
    listed = "".join(
        f"<li><b>{text.html(check.title)}</b> {text.html(check.advice, 400)}</li>"
        for check in all_checks().values()
    )
    st.html(f'<h2 class="card-title">What was checked</h2><ul class="looked-for">{listed}</ul>')


@only_for()
def look_again(context: ProjectContext, faults: Faults) -> None:
    """The button that checks anew, and whether there is a reason to."""
    said = ""
    if faults.checked != context.versions[0]:
        said = "Your images have changed since this check."
    with st.container(horizontal=True, vertical_alignment="center", key="look-again"):
        st.html(f'<p class="muted small">{said}</p>', width="stretch")
        if st.button("Check again", icon=":material/refresh:"):
            begin_check(context)
            st.rerun()


@placeholder
def faults_card(context: ProjectContext) -> None:
    """How many faults there are, on the way to the page that shows them."""
    faults = look_by_itself(context, faults_of(context))
    with st.container(border=True, key="faults-card"):
        if faults.job and faults.looking and faults.checked is None:
            _looking_quietly(faults.job)
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f"<p>{_summary(faults)}</p>", width="stretch")
            lead("Show the problems" if faults.problems else "Check data", "check_data")


def _summary(faults: Faults) -> str:
    n = len(faults.problems)
    if faults.checked is None:
        return "<b>Not checked yet.</b>"
    found = text.count(n, "problem found.", "problems found.") if n else "No problems found."
    said = f"<b>{found}</b>"
    if faults.unseen:
        newer = text.count(
            faults.unseen, "newer image is not checked yet.", "newer images are not checked yet."
        )
        said += f' <span class="muted">{newer}</span>'
    return said


@refreshing(1.5)
def _looking_quietly(job: Path) -> None:
    now = status(job)
    if not now.active:
        st.rerun(scope="app")
    st.html('<p class="muted small">Checking your images</p>')
    progress.show(now)

"""Corrected answers into the project, and what comes after."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from core.dataset.labelled_files import label_in
from core.jobs.answers import Answered
from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.projects import RunRow
from pages.components import progress, text
from pages.components.permission import only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext
from pages.sections.images.last_change import last_change
from pages.sections.train.retrain import changed_since

KIND = "learn-answers"


def classes_to_choose(
    context: ProjectContext, answers: Sequence[Answered], corrected: Iterable[str]
) -> list[str]:
    """Those that the model knows, those of the images by now, and those that were named here."""
    known = {label for each in answers for label in each.row.get("probabilities", {})}
    if context.newest and len(context.newest.tasks) < 2:
        known |= set(context.newest.classes)
    return sorted(known | set(corrected))


def task_of(run: RunRow, answers: Sequence[Answered]) -> str:
    """The label column that the answers belong to, where there are several."""
    tasks = next((list(row["tasks"]) for each in answers if (row := each.row).get("tasks")), [])
    return tasks[0] if tasks else run.recipe.task


def learned_already(
    context: ProjectContext, folder: Path, corrected: Mapping[int, str], task: str
) -> list[int]:
    """The corrections that are among the project's images now; none that were undone since."""
    stored: dict[str, str] = {}
    for job in reversed(recent_jobs(KIND, answers=folder.name)):
        stored |= (status(job).result or {}).get("stored", {})
    if not stored or context.newest is None:
        return []
    label_of = label_in(context.newest, task)
    held = {(item.image, label_of(item)) for item in context.newest.items}
    return [n for n, label in corrected.items() if (stored.get(str(n)), label) in held]


@placeholder
def learn(
    context: ProjectContext,
    run: RunRow,
    folder: Path,
    corrected: Mapping[int, str],
    learned: Sequence[int],
    task: str,
) -> None:
    """What was corrected, with the button that takes it in; then the way to a better model."""
    jobs = recent_jobs(KIND, answers=folder.name)
    now = status(jobs[0]) if jobs else None
    if now and now.active:
        progress.watch(jobs[0], title="Learning from your corrections")
        return
    if now and now.state != "finished":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
    pending = {str(n): label for n, label in corrected.items() if n not in learned}
    if pending:
        _offer(context, run, folder, pending, task)
    if now and now.state == "finished":
        for note in now.notes:
            st.info(text.markdown(note, 400), icon=":material/info:")
        progress.show_skipped(now)
        last_change(context)
        changed_since(context, run)


@only_for()
def _offer(
    context: ProjectContext, run: RunRow, folder: Path, pending: Mapping[str, str], task: str
) -> None:
    n = len(pending)
    label = "Learn from this one" if n == 1 else f"Learn from these {n:,}"
    corrected = text.count(n, "answer corrected.", "answers corrected.")
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="learn"):
        st.html(
            f'<p role="status"><b>{corrected}</b> '
            '<span class="muted">They become labelled images of this project.</span></p>',
            width="stretch",
        )
        if st.button(label, type="primary", icon=":material/school:"):
            args = {
                "run": run.id,
                "project": context.project.id,
                "answers": folder.name,
                "labels": dict(pending),
                "add_to": context.versions[0],
                "task": task,
            }
            submit(KIND, new_job(), args)
            st.rerun()

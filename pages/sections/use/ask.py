"""Asking the model about new images: one, many, a folder, an archive, or from the camera."""

from pathlib import Path

import streamlit as st

from core.errors import GraftError
from core.evaluation.calibration_result import CalibrationResult
from core.jobs.answers import answers_of, corrections
from core.jobs.queue import job_folder, new_job, status, submit
from core.jobs.recent import recent_jobs
from core.jobs.upload_ids import issue_upload
from core.projects import RunRow
from core.settings import get_settings
from core.web.paths import address
from pages.components import progress, text
from pages.components.live import live
from pages.components.permission import allowed, only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext
from pages.components.upload import Arrived, drop_zone
from pages.sections.results.calibration_summary import sets_in_words, unknown_in_words
from pages.sections.results.score import report_of
from pages.sections.use.answers import table
from pages.sections.use.learn import classes_to_choose, learn, learned_already, task_of

OF_ONE_QUESTION = ("asked", "why", "below", "group")
"""What the address says of the images that were asked about last."""


@only_for("test")
def bring(run: RunRow) -> None:
    """Where images are dropped or shown to the camera; once they are all there, they are asked
    about."""
    dropped = drop_zone(
        _opened("try"),
        key="try-it",
        headline="Drop images to test",
        hint="Images, a folder, a ZIP or a TAR. They are not added to your images.",
        button="Choose images",
        folders=True,
        archives=True,
    )
    kept = live(run.id, _opened("try-live"), key="live")
    for name, arrived in (("try", dropped), ("try-live", kept)):
        if arrived:
            del st.session_state[name]
            _ask(run, arrived)


def _opened(name: str) -> str:
    """The upload that this session has open under this name."""
    if name not in st.session_state:
        st.session_state[name] = issue_upload(get_settings().home)
    return str(st.session_state[name])


def _ask(run: RunRow, arrived: Arrived) -> None:
    folder = new_job()
    submit("predict", folder, {"run": run.id, "upload": arrived.upload})
    for name in OF_ONE_QUESTION:
        st.query_params.pop(name, None)
    st.query_params["asked"] = folder.name
    st.rerun()


def answers(context: ProjectContext, run: RunRow, folder: Path) -> None:
    """The answers of a predict job, or how it is doing."""
    now = status(folder)
    if now.active:
        progress.watch(folder, stoppable=True)
        return
    if now.state != "finished":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
        return
    found, corrected = answers_of(folder), corrections(folder)
    task = task_of(run, found)
    learned = learned_already(context, folder, corrected, task)
    st.header(text.count(len(found), "answer"), anchor=False)
    downloads(run, folder, corrected)
    learn(context, run, folder, corrected, learned, task)
    table(
        folder,
        run,
        found,
        classes_to_choose(context, found, corrected.values()),
        corrected,
        learned,
    )


@placeholder
def downloads(run: RunRow, folder: Path, corrected: dict[int, str]) -> None:
    """The answers as a table, and the images sorted by them."""
    which = {"answers": folder.name, "corrected": {str(n): name for n, name in corrected.items()}}
    made = recent_jobs("sorted-images", run=run.id, **which)
    now = status(made[0]) if made else None
    where, icon = address("download", folder.name), ":material/download:"
    with st.container(horizontal=True, key="answer-downloads"):
        st.link_button("Save as CSV", where, icon=icon)
        st.link_button("Save for Excel", f"{where}?form=xlsx", icon=icon)
        if now and now.state == "finished":
            where = address("download", made[0].name)
            st.link_button("Download the sorted images (ZIP)", where, icon=icon)
        elif allowed("test") and st.button(
            "Sort into folders",
            icon=":material/folder_zip:",
            disabled=bool(now and not now.can_resume),
            help="A ZIP with one folder per class. Corrected images go to their correct class.",
        ):
            submit("sorted-images", new_job(), {"run": run.id, **which})
            st.rerun()
    if now and now.active:
        progress.watch(made[0], stoppable=True)
    elif now and now.state != "finished":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
    elif now:
        progress.show_skipped(now)


def about(run: RunRow) -> None:
    """What "or" and "unknown" mean for this model, and how often they are wrong."""
    report = report_of(run)
    if not report or not (found := report.calibration):
        return
    st.html(f'<p class="muted small">{in_short(found)}</p>')
    with st.expander("How this is measured", icon=":material/info:"):
        st.html(f'<p class="muted small">{sets_in_words(found)} {unknown_in_words(found)}</p>')


def in_short(found: CalibrationResult) -> str:
    """One sentence each."""
    said = ""
    if found.sets:
        said = (
            "“or” names other possible classes; the right one is among them about "
            f"{100 * found.sets.coverage:.0f} % of the time. "
        )
    if found.ood:
        said += "“Unknown” means unlike all training images."
    return said


def test_images(context: ProjectContext, run: RunRow) -> None:
    """Where images are dropped, and the answers to those that were."""
    bring(run)
    asked = st.query_params.get("asked")
    if asked:
        try:
            answers(context, run, job_folder(asked))
        except GraftError as error:
            st.error(text.markdown(str(error), 400), icon=":material/error:")
        about(run)

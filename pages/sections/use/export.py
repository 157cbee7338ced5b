"""Export: the model in files that work without this app, and its report."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.export.formats import ExportFormat, formats
from core.export.rehearsal import in_words
from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import RunRow
from core.web.paths import address
from pages.components import progress, text
from pages.components.permission import allowed
from pages.components.progress import ButtonKind
from pages.sections.use.phone import open_on_a_phone

FIRST = 3
"""Formats that are seen at once: for a browser, for a folder of images, for Python."""


def offer(run: RunRow, name: str, form: ExportFormat) -> None:
    """One format: what it is for, and once it is made its size, what was found, the file."""
    made = exports(run, name)
    newest = made[0] if made else None
    now = status(newest) if newest else None
    if newest and now and now.active:
        progress.watch(newest, title=f"{form.title}: making it, then trying it out")
        return
    if now and now.state == "failed":
        st.error(text.markdown(f"{form.title}: {now.sentence}", 600), icon=":material/error:")
    is_ready = bool(newest and now and now.state == "finished")
    found = described(now.result or {}) if now and is_ready else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(
            f'<p class="format"><b>{form.title}</b> <span class="muted">{form.purpose}</span>'
            f"{found}</p>",
            width="stretch",
        )
        if newest and is_ready:
            st.link_button(
                f"Download {spoken(form.title)}",
                address("download", newest.name),
                icon=":material/download:",
            )
        label = "Make again" if is_ready else f"Make {spoken(form.title)}"
        kind: ButtonKind = "tertiary" if is_ready else "secondary"
        can_only_fail = bool(now and now.state == "failed" and not now.can_resume)
        if allowed() and not can_only_fail and st.button(label, type=kind, key=f"make-{name}"):
            submit("export", new_job(), {"run": run.id, "form": name})
            st.rerun()
    if newest and is_ready and name == "page":
        open_on_a_phone(newest)


def spoken(title: str) -> str:
    """A title inside a phrase: "sorting script", but "ZIP for Python"."""
    first, *rest = title.split(" ")
    return " ".join([first.lower() if first[1:].islower() else first, *rest])


def exports(run: RunRow, name: str) -> list[Path]:
    """The jobs that made this format of the run, the last first; a job of a version before made
    the ZIP."""
    jobs = recent_jobs("export", run=run.id)
    return [job for job in jobs if JobSpec.read(job).args.get("form", "zip") == name]


def described(result: dict[str, object]) -> str:
    """What came out of an export, as HTML below its line."""
    size = result.get("bytes")
    megabytes = f"{size / 1e6:.1f} MB. " if isinstance(size, int) else ""
    return f'<br><span class="small">{megabytes}{in_words(result)}</span>'


PDF, WEB_PAGE = ":material/picture_as_pdf:", ":material/public:"
FORMS = {
    "summary-pdf": ("Write the summary as a PDF", "Download the summary (PDF)", PDF),
    "summary-html": (
        "Write the summary as a web page",
        "Download the summary (web page)",
        WEB_PAGE,
    ),
    "pdf": ("Write the report as a PDF", "Download the report (PDF)", PDF),
    "html": ("Write the report as a web page", "Download the report (web page)", WEB_PAGE),
}
"""What to read about a run, as the job calls it: to write it, to fetch it, the icon."""


def story(run: RunRow) -> None:
    """What is known about the run, on a page or on many, to pass on."""
    st.html(
        '<p class="format"><b>Summary on one page</b> <span class="muted">What it tells apart, how '
        "good it is, some right and wrong answers, and what it must not be used for.</span></p>"
    )
    documents(run, ("summary-pdf", "summary-html"))
    st.html(
        '<p class="format"><b>Full report</b> <span class="muted">What was learned from, how, the '
        "scores and how far to trust them, examples, limits, and how to make it again.</span></p>"
    )
    documents(run, ("pdf", "html"))
    st.html(
        '<p class="muted small">The PDF is for printing; the web page is one file that needs '
        "nothing else.</p>"
    )


def documents(run: RunRow, forms: Sequence[str]) -> None:
    """The forms of one document side by side, or how the one does that is being written."""
    made = {form: recent_jobs("report", run=run.id, form=form) for form in forms}
    for jobs in made.values():
        if jobs and status(jobs[0]).active:
            progress.watch(jobs[0])
            return
    with st.container(horizontal=True, vertical_alignment="center"):
        for form, jobs in made.items():
            document(run, form, jobs[0] if jobs else None)


def document(run: RunRow, form: str, written: Path | None) -> None:
    """One form of it: to write, to fetch, to write anew."""
    to_write, to_fetch, icon = FORMS[form]
    now = status(written) if written else None
    if now and now.state == "failed":
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
        if not now.can_resume:
            return
    is_ready = bool(written and now and now.state == "finished")
    if written and is_ready:
        where = address("download", written.name)
        st.link_button(to_fetch, where, icon=":material/download:")
    if not allowed("test"):
        return
    if is_ready:
        clicked = st.button("Update", type="tertiary", key=f"write-{form}")
    else:
        clicked = st.button(to_write, icon=icon, key=f"write-{form}")
    if clicked:
        submit("report", new_job(), {"run": run.id, "form": form})
        st.rerun()


def export_model(run: RunRow) -> None:
    """The model in every format, and what there is to read about it."""
    st.html(
        '<p class="muted">Each of these works without Graft. Before you get a file, it is tried '
        "out on test images, on your own files and on awkward ones, and compared with the app.</p>"
    )
    offered = [(name, form) for name, form in formats().items() if form.is_ready]
    with st.container(border=True):
        for name, form in offered[:FIRST]:
            offer(run, name, form)
    rest = offered[FIRST:]
    begun = any(exports(run, name) for name, _ in rest)
    with st.expander("Formats for programs", icon=":material/code:", expanded=begun):
        for name, form in rest:
            offer(run, name, form)
    begun = bool(recent_jobs("report", run=run.id))
    with st.expander("A report to keep or to send", icon=":material/description:", expanded=begun):
        story(run)

"""What audits found, beside what was promised; then learning from them, and old against new."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.report import Report
from core.evaluation.significance import pairs
from core.field.accuracy import verdict
from core.field.audit import Audit
from core.field.comparison import OnAudited, on_audited
from core.field.standing import promise_of
from core.jobs.queue import new_job, status, submit
from core.jobs.recent import recent_jobs
from core.projects import RunRow
from pages.components import progress, text
from pages.components.permission import only_for
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, load_dataset
from pages.sections.field.standing import day
from pages.sections.images.last_change import last_change
from pages.sections.results.score import report_of
from pages.sections.train.retrain import changed_since

KIND = "learn-audited"
VERDICTS = {
    "worse": "That is worse than promised.",
    "better": "That is better than promised.",
    "cannot tell": "Whether that differs from the promise, these images cannot tell.",
}


@placeholder
def audit_results(run: RunRow, audits: Sequence[Audit], report: Report) -> None:
    """Each audit in a line, the last first."""
    done = [audit for audit in audits if audit.counted]
    if not done:
        return
    st.header("Audits", anchor=False)
    for number, audit in enumerate(done):
        st.html(result_in_words(audit, report, first=number == 0))


def result_in_words(audit: Audit, report: Report, *, first: bool) -> str:
    """What it found, as HTML."""
    n, correct, promise = len(audit.counted), audit.correct, promise_of(report)
    under_way = f" ({len(audit.open)} still to look at)" if audit.open else ""
    left = len(audit.images) - n - len(audit.open)
    skipped = f" {text.count(left, 'image')} nobody could tell." if left else ""
    found = (
        f"{day(audit.created_at, year=True)}: {correct} of {n} right{under_way}, about "
        f"{100 * correct / n:.0f} % of the {audit.population:,} images used "
        f"({text.likely(audit.interval)})."
    )
    promised = (
        f"Promised: {100 * promise.share:.0f} % ({text.likely(promise.interval)}). "
        f"{VERDICTS[verdict(correct, n, promise)]}{skipped}"
    )
    style = "score-words" if first else ""
    return f'<p class="{style}">{found}</p><p class="muted small">{promised}</p>'


@placeholder
@only_for()
def learn_audited(context: ProjectContext, run: RunRow, audits: Sequence[Audit]) -> None:
    """The way of the last finished audit into the project, and to a better model."""
    audit = next((each for each in audits if not each.open), None)
    named = [each for each in audit.counted if each.decision == "class"] if audit else []
    if audit is None or not named or not context.versions:
        return
    jobs = recent_jobs(KIND, audit=audit.id)
    now = status(jobs[0]) if jobs else None
    if now and now.active:
        progress.watch(jobs[0], title="Learning from the audit")
        return
    if now and now.state == "finished":
        last_change(context)
        changed_since(context, run)
        return
    if now:
        st.error(text.markdown(now.sentence, 600), icon=":material/error:")
    these = "this one" if len(named) == 1 else f"these {len(named):,}"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="learn-audit"):
        st.html(
            f"<p><b>{text.count(len(named), 'image')} with a class.</b> "
            '<span class="muted">Taken in, they become labelled images of this project.</span></p>',
            width="stretch",
        )
        if st.button(f"Learn from {these}", icon=":material/school:"):
            args = {
                "run": run.id, "project": context.project.id, "audit": audit.id,
                "add_to": context.versions[0], "task": run.recipe.task,
            }  # fmt: skip
            submit(KIND, new_job(), args)
            st.rerun()


@placeholder
def old_against_new(
    context: ProjectContext, run: RunRow, audits: Sequence[Audit], report: Report
) -> None:
    """The audited model and the newest one made since, on the test images and on the audited."""
    audited = [each for audit in audits for each in audit.counted]
    since = min((audit.created_at for audit in audits), default=0.0)
    newer = next((one for one in context.finished if one.created_at > since), None)
    if not audited or newer is None or newer.id == run.id:
        return
    theirs = report_of(newer)
    if theirs is None or theirs.task != report.task:
        return
    st.header("This model and the newest", anchor=False)
    (pair,) = pairs([("this one", report.predictions), ("the newest", theirs.predictions)])
    st.html(f"<p><b>On the test images.</b> {text.html(pair.verdict, 600)}</p>")
    images = {item.image for item in load_dataset(newer.dataset_id).items}
    found = on_audited(audited, theirs, images)
    st.html(f"<p><b>On the audited images.</b> {compared_in_words(found)}</p>")


def compared_in_words(found: OnAudited) -> str:
    """Both models on audited images, as HTML."""
    n = found.comparison.n
    left = ""
    if found.learned:
        left += f" {found.learned} are left out: the newest learned from them."
    if found.unasked:
        left += f" {found.unasked} are not among the images of the newest."
    if not n:
        return f"None can be compared.{left}"
    told = (
        "They cannot be told apart"
        if not found.comparison.differs
        else ("The newest is better" if found.newer_correct > found.older_correct
              else "This one is better")
    )  # fmt: skip
    return (
        f"This one is right on {found.older_correct} of {n}, the newest on {found.newer_correct}. "
        f"{told} (p = {found.comparison.p:.2f}).{left}"
    )

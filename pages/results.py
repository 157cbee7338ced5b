"""Results: how good it is, how sure that is, and what it gets wrong."""

from collections.abc import Callable

import streamlit as st

from core.evaluation.report import Report, target_domain_caveat
from core.jobs.removal import delete_run
from core.projects import RunRow, restore_run
from pages.components import text
from pages.components.frame import frame, need_model
from pages.components.permission import allowed
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext
from pages.sections.results.comparison import worth
from pages.sections.results.confusion_matrix import matrix
from pages.sections.results.kept_model import kept_model
from pages.sections.results.mistake_costs import costs
from pages.sections.results.mistakes import mistakes, worst
from pages.sections.results.reliability import certainty_plot
from pages.sections.results.robustness import robustness
from pages.sections.results.runs import choose_run, runs_table
from pages.sections.results.score import range_bar, report_of, tested_on, words
from pages.sections.results.thresholds import thresholds
from pages.sections.train.sweep import which_to_keep

MOST_CLASSES = 40
"""As many are listed at first: a thousand rows are slow to send and to read."""


def headline(report: Report) -> None:
    base = report.majority
    with st.container(border=True, key="headline"):
        st.html(
            f'<p class="score-words">{words(report)}</p>'
            f"<p>{tested_on(report)}.</p>"
            f"{range_bar(report)}"
            f'<p class="muted small">Guessing would get {100 * base.accuracy:.0f} %: '
            f"always {text.bdi(base.label, 40)}.</p>"
        )
        if caveat := target_domain_caveat(report.target_domain):
            st.warning(caveat, icon=":material/warning:")
        if report.stopped:
            st.info("This run was stopped early. More training may help.", icon=":material/info:")


@placeholder
def against_earlier(report: Report) -> None:
    """What was kept and what was forgotten of the model that this one went on from."""
    retention = report.retention
    if not retention:
        return
    rows = "".join(
        f'<tr><td>{text.bdi(row.label)}</td><td class="n">{row.n}</td>'
        f'<td class="n">{row.before}</td><td class="n">{row.now}</td></tr>'
        for row in retention.classes
    )
    with st.container(border=True):
        st.html(
            '<h2 class="card-title">What it still knows <span class="term small">McNemar '
            "test on the earlier model’s test images</span></h2>"
            f"<p>Of {retention.n} images, the earlier model got {retention.before} right, and "
            f"this one {retention.now}. {text.html(retention.verdict, 400)}</p>"
            '<div class="scroll"><table class="table"><thead><tr><th>Class</th>'
            '<th class="n">Images</th><th class="n">Correct before</th>'
            f'<th class="n">Correct now</th></tr></thead><tbody>{rows}</tbody></table></div>'
        )


def asked_about(report: Report) -> Report:
    """The report on the question that is chosen, where the model answers several."""
    reports = report.tasks
    if len(reports) == 1:
        return report
    picked = st.segmented_control(
        "Which question", list(reports), default=next(iter(reports)), required=True,
        format_func=text.among(list(reports)), key="which-question",
    )  # fmt: skip
    return reports[picked]


def per_class(report: Report) -> None:
    st.header("Class by class", anchor=False)
    classes, many = report.per_class, len(report.per_class)
    if many > MOST_CLASSES and not st.toggle(f"All {many:,} classes", key="all-classes"):
        worst_first = sorted(classes, key=lambda row: (not row.n, row.recall))
        classes = tuple(worst_first[:MOST_CLASSES])
        st.html(f'<p class="muted small">The {MOST_CLASSES} it finds least often.</p>')
    rows = "".join(
        f"<tr><td>{text.bdi(row.label)}</td>"
        f'<td class="n">{row.n}</td>'
        f'<td data-says="Found">{row.correct} of {row.n} '
        f"({text.likely(row.recall_interval)})</td>"
        f'<td data-says="Right when it says so">{row.correct} of {row.predicted} '
        f"({text.likely(row.precision_interval)})</td></tr>"
        for row in classes
    )
    st.html(
        '<div class="scroll"><table class="table told"><thead><tr><th>Class</th>'
        '<th class="n">Images</th><th>Found <span class="term">recall</span></th>'
        '<th>Right when it says so <span class="term">precision</span></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def all_runs(context: ProjectContext, run: RunRow) -> None:
    st.header("All runs of this project", anchor=False)
    st.html(runs_table(context, run.id))
    st.html(
        '<p class="muted small">Each run is compared with the one shown above, image by image on '
        'the same test images <span class="term">(McNemar test, Holm correction)</span>. If two '
        "do equally well, keep the simpler.</p>"
    )
    if allowed():
        delete_or_restore(run)


def delete_or_restore(run: RunRow) -> None:
    with st.container(horizontal=True):
        if st.button("Delete this run", type="tertiary", icon=":material/delete:"):
            delete_run(run.id)
            st.session_state["deleted_run"] = run.id
            st.query_params.pop("run", None)
            st.rerun()
        gone = st.session_state.get("deleted_run")
        if gone and st.button("Restore the deleted run", icon=":material/undo:"):
            restore_run(gone)
            del st.session_state["deleted_run"]
            st.query_params["run"] = gone
            st.rerun()


DETAILS: dict[str, Callable[[ProjectContext, RunRow, Report], None]] = {
    "Which classes it confuses": lambda _, __, report: matrix(report),
    "All mistakes": mistakes,
    "Confidence": lambda _, __, report: certainty_plot(report),
    "When to ask a person": lambda _, run, report: thresholds(run.id, report),
    "What mistakes cost": lambda _, run, report: costs(run.id, report),
    "Robustness": lambda _, run, __: robustness(run),
    "All runs": lambda context, run, _: all_runs(context, run),
}

context = frame("results")
need_model(context)
st.title("Results", anchor=False)
run = choose_run(context, "Model", context.finished)
report = report_of(run)
if report is None:
    st.error("The report of this run is missing. Train it again.")
    st.stop()
report = asked_about(report)
headline(report)
kept_model(context, run)
worst(context, run, report)
per_class(report)
worth(context, run, report)
against_earlier(report)
which_to_keep(context, run)
st.header("Details", anchor=False)
tabs = st.tabs(list(DETAILS), key="look", bind="query-params")
for tab, detail in zip(tabs, DETAILS.values(), strict=True):
    if tab.open:
        with tab:
            detail(context, run, report)

"""A result beside what could be had without it: guessing, the frozen network, none at all."""

import streamlit as st

from core.evaluation.baselines import Kind, Reference, references
from core.evaluation.report import Report
from core.projects import RunRow, comparable
from core.recipe import Recipe
from pages.components import text
from pages.components.permission import only_for
from pages.components.project_context import ProjectContext
from pages.sections.results.runs import begin_run, open_training, under_way
from pages.sections.results.score import report_of, short


def worth(context: ProjectContext, run: RunRow, report: Report) -> None:
    """The card with a row for each; says plainly when transfer hurts."""
    tasks = _tasks(run, report)
    beside: tuple[tuple[Kind, RunRow | None], ...] = (
        ("first", context.first_model),
        ("scratch", comparable.scratch_run(run, context.finished)),
        ("alone", comparable.single_task_run(run, report.task, tasks, context.finished)),
    )
    others = [
        (kind, _same_question(other, report).predictions)
        for kind, one in beside
        if one is not None and one.id != run.id and (other := report_of(one))
    ]
    found = references(report, others)
    with st.container(border=True, key="worth"):
        st.html(
            '<h2 class="card-title">How it compares <span class="term small">the same test '
            "images, exact McNemar tests, Holm correction</span></h2>"
        )
        for each in found:
            if each.hurts:
                st.warning(each.verdict, icon=":material/warning:")
        st.html(_table(report, found))
        kinds = {each.kind for each in found}
        if comparable.transfers(run) and "scratch" not in kinds:
            _offer_scratch(context, run)
        alone = comparable.single_task_recipe(run, report.task, tasks)
        if alone and "alone" not in kinds and not under_way(context, alone):
            _offer_alone(context, alone, report.task)


@only_for()
def _offer_scratch(context: ProjectContext, run: RunRow) -> None:
    """Start a run that learns from nothing, to see whether transfer helps."""
    st.html(
        '<p class="muted small">To see whether transfer helps at all, train a model '
        "from scratch on the same images "
        '<span class="term">(negative transfer)</span>.</p>'
    )
    recipe = comparable.scratch_recipe(run)
    if under_way(context, recipe):
        return
    if st.button("Train one from scratch", icon=":material/psychology_alt:", type="tertiary"):
        open_training(begin_run(context, recipe))


@only_for()
def _offer_alone(context: ProjectContext, alone: Recipe, task: str) -> None:
    """Start a run that learns this question and no other, on the same parts of the images."""
    st.html(
        '<p class="muted small">To see whether the questions help each other, train a model '
        f"for one question alone: {text.bdi(task, 40)} "
        '<span class="term">(single-task model)</span>.</p>'
    )
    if st.button("Train this question alone", icon=":material/filter_1:", type="tertiary"):
        open_training(begin_run(context, alone))


def _tasks(run: RunRow, report: Report) -> tuple[str, ...]:
    """All that the run answers, where the report is of one of several tasks."""
    whole = report_of(run) if report.task and not run.recipe.task else None
    return tuple(whole.tasks) if whole else ()


def _same_question(other: Report, report: Report) -> Report:
    """The other run's report on the same question, where it answers several."""
    return other.tasks.get(report.task, other)


def _table(report: Report, found: list[Reference]) -> str:
    score = f"{report.correct} of {report.n}"
    own = (report.accuracy, _row("<b>this run</b>", score, short(report), "here"))
    rows = [own, *((each.correct / each.n, _reference(each)) for each in found)]
    rows.sort(key=lambda row: -row[0])
    return (
        '<div class="scroll"><table class="table worth"><thead><tr><th>Model</th>'
        '<th class="n">Correct</th>'
        "<th>On images like these</th><th>Conclusion</th></tr></thead><tbody>"
        f"{''.join(row for _, row in rows)}</tbody></table></div>"
    )


def _reference(each: Reference) -> str:
    found = each.comparison
    p = "p &lt; 0.01" if found.p < 0.005 else f"p = {found.p:.2f}"
    counts = f"Only this run is right on {found.only_first}, only the other on {found.only_second}"
    said = f"{counts}, {p}. {each.needed_in_words}"
    so = f'{text.html(each.verdict, 300)} <span class="muted small">{said}</span>'
    score = f"{each.correct} of {each.n}"
    return _row(text.html(each.name), score, text.likely(each.interval), "", so)


def _row(name: str, score: str, said: str, kind: str, so: str = "") -> str:
    return (
        f'<tr class="{kind}"><td>{name}</td><td class="n">{score}</td>'
        f'<td class="said-so">{said}</td><td>{so}</td></tr>'
    )

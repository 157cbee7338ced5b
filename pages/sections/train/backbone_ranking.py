"""The backbones tried on one's own images: rows as they come, a chart against the cost, a tie."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.jobs.queue import status, stop
from core.jobs.recent import recent_jobs
from core.jobs.status import JobStatus
from core.pretraining_analysis.backbone_ranking import candidates as ready_backbones
from core.pretraining_analysis.ranking_rows import Ranking, ranking_of
from core.settings import get_settings
from pages.components import progress, text
from pages.components.cost_chart import Point, cost_chart
from pages.components.jobs import begin_job
from pages.components.navigation import refreshing
from pages.components.project_context import ProjectContext, go


def ranking(context: ProjectContext) -> None:
    """Try them, see how that goes, and what came out."""
    version = context.images_version
    jobs = recent_jobs("rank", dataset=version)
    now = status(jobs[0]) if jobs else None
    with st.container(border=True, key="ranking"):
        st.html(
            '<h2 class="card-title">Which one suits your images? '
            '<span class="term small">backbone ranking</span></h2>'
        )
        if now and now.active:
            _trying(version, jobs[0])
            return
        known = ranking_of(version, get_settings())
        if known:
            results(known)
        else:
            st.html(
                '<p class="muted">Tests a quick classifier on every network that is on this '
                "computer. Takes a minute or two; you decide what to use.</p>"
            )
        if now and now.state in ("failed", "stopped"):
            _ended_early(jobs[0], now)
        with st.container(horizontal=True):
            if known and known.tried:
                _use_best(known)
            if (not known or _untried(known)) and (now is None or now.state == "finished"):
                _begin(version, known)


def _use_best(known: Ranking) -> None:
    best = known.suggested
    label = f"Use {text.markdown(best['title'], 40)}"
    if st.button(label, type="primary", icon=":material/arrow_forward:", key="use-best"):
        go("train", backbone=best["backbone"], change=None)


def _begin(version: str, known: Ranking | None) -> None:
    label = "Try the others too" if known else "Try them on my images"
    if st.button(label, icon=":material/science:", key="try-backbones"):
        begin_job("rank", dataset=version)
        st.rerun()


def _untried(known: Ranking) -> bool:
    """Whether a network is ready here that has not been tried, or could not be."""
    done = {row["backbone"] for row in known.tried}
    return not done.issuperset(ready_backbones(get_settings()))


def _ended_early(job: Path, now: JobStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<p role="status">{text.html(now.sentence, 400)}</p>', width="stretch")
        progress.offer_to_go_on(job, now)


@refreshing(0.8)
def _trying(version: str, job: Path) -> None:
    now = status(job)
    if not now.active:
        st.rerun(scope="app")
    progress.show(now)
    stopping = now.state == "stopping"
    if st.button("Stop", icon=":material/stop_circle:", disabled=stopping, key="stop-trying"):
        stop(job)
        st.rerun(scope="fragment")
    known = ranking_of(version, get_settings())
    if known:
        results(known, final=False)


def results(known: Ranking, *, final: bool = True) -> None:
    """The rows, what they cannot tell apart, the chart, and the way on with the one to take."""
    tried = list(known.tried)
    if tried and final:
        st.html(f'<p class="score-words">{_verdict(known)}</p>')
    if tried:
        st.html(_table(tried))
    for row in known.rows:
        if "error" in row:
            title, why = text.html(row["title"], 60), text.html(row["error"], 400)
            st.html(f'<p class="muted small">{title} was not tried. {why}</p>')
    if len(tried) > 1:
        _chart(tried)
    if not tried or not final:
        return
    aside = (
        "The test images of a run were not used."
        if known.apart
        else "There are too few images to set any aside."
    )
    again = "once" if known.repeats == 1 else f"{known.repeats} times"
    st.html(
        f'<p class="muted small">Cross-validated {again} in five folds on {known.images:,} '
        f"training images. {aside} ± is one standard error "
        '<span class="term">Nadeau and Bengio 2003</span>. Ranked by accuracy here and, a little, '
        "on ImageNet; surprise and neighbours do not count. Fine-tuning may change the "
        "order.</p>"
    )


def _verdict(known: Ranking) -> str:
    names = [text.html(row["title"], 40) for row in known.tried if row["tied"]]
    if len(known.tried) == 1:
        return f"Only {names[0]} was tried."
    some = f"Of the {len(known.tried)} tried, " if _untried(known) else ""
    if len(names) == 1:
        return f"{some}{names[0]} suits your images best."
    quickest = text.html(known.suggested["title"], 40)
    return (
        f"{some}{', '.join(names[:-1])} and {names[-1]} do equally well on your images. "
        f"{quickest} is the quickest within one standard error of the first."
    )


def _table(rows: list[Any]) -> str:
    head = (
        '<th>Network</th><th class="n">Correct, %</th><th class="n">Surprise '
        '<span class="term">log-loss</span></th><th class="n">By neighbours</th>'
        '<th class="n">Images per second</th><th class="n">Weights, millions</th>'
        '<th><span class="unseen">Compared with the first</span></th>'
    )
    body = "".join(_row(row, row is rows[0]) for row in rows)
    return (
        f'<div class="scroll"><table class="table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Any, first: bool) -> str:
    equal = '<span class="chip">no measurable difference from the first</span>'
    chip = equal if row["tied"] and not first else ""
    return (
        f"<tr><td><b>{text.html(row['title'], 60)}</b></td>"
        f'<td class="n">{_with_error(row["accuracy"], row["stderr"])}</td>'
        f'<td class="n">{_surprise(row)}</td>'
        f'<td class="n">{_with_error(row["knn"], row["knn_stderr"])}</td>'
        f'<td class="n">{row["images_per_second"]:.0f}</td>'
        f'<td class="n">{row["parameters"] / 1e6:.1f}</td><td>{chip}</td></tr>'
    )


def _with_error(mean: float, stderr: float) -> str:
    return f"{100 * mean:.1f} ± {100 * stderr:.1f}"


def _surprise(row: Any) -> str:
    if row["log_loss"] is None:
        return "–"
    return f"{row['log_loss']:.2f} ± {row['log_loss_stderr']:.2f}"


def _chart(tried: list[Any]) -> None:
    """Accuracy against time, with its standard error."""
    cost_chart(
        [
            Point(
                row["title"], 100 / max(row["images_per_second"], 1e-3), 100 * row["accuracy"],
                100 * (row["accuracy"] - row["stderr"]), 100 * (row["accuracy"] + row["stderr"]),
                row["tied"],
            )
            for row in tried
        ],
        "seconds for 100 images on this computer",
        key="ranking-chart",
        bars="standard errors",
    )  # fmt: skip

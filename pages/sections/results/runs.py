"""What a run is called, how one is chosen, and all runs of a project beside each other."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from core.backbones.catalogue import CATALOGUE
from core.evaluation.report import Report
from core.evaluation.significance import Pair, on_shared, pairs
from core.jobs.queue import submit
from core.projects import Origin, RunRow, create_run, run_folder
from core.recipe import Recipe
from core.strategies import strategies as all_strategies
from pages.components import text
from pages.components.placeholder import placeholder
from pages.components.project_context import ProjectContext, go
from pages.sections.results.score import range_bar, report_of, short
from pages.sections.train.strategy_options import strategy_title


def begin_run(
    context: ProjectContext, recipe: Recipe, title: str = "", origin: Origin = "user"
) -> str:
    """Enter a run and hand it in; gives its id."""
    run = create_run(context.project.id, recipe, title, origin=origin)
    submit("train", run_folder(run))
    return run


def open_training(run: str) -> None:
    """Leave for the page where this run is seen training."""
    go("train", run=run, watch=run, change=None)


def under_way(context: ProjectContext, recipe: Recipe) -> bool:
    """Whether there is a run of this recipe that is finished, or on its way to it."""
    return any(
        run.recipe == recipe and context.statuses[run.id].state not in ("failed", "stopped")
        for run in context.runs
    )


def backbone_title(name: str) -> str:
    """The catalogue's title, or the timm name itself."""
    return CATALOGUE[name].title if name in CATALOGUE else name


def run_titles(context: ProjectContext) -> dict[str, str]:
    """By id: the run's own title and what it is made of; of several alike, what differs, or when
    each was begun."""
    oldest_first = context.runs[::-1]
    titles = [text.plain(_title(run), 110) for run in oldest_first]
    for marks in (_choices, _begun):
        often = Counter(titles)
        alike = [often[title] > 1 for title in titles]
        titles = [
            f"{title} ({mark})" if several and (mark := marks(run)) else title
            for run, title, several in zip(oldest_first, titles, alike, strict=True)
        ]
    return dict(zip([run.id for run in oldest_first], text.apart(titles), strict=True))


def _choices(run: RunRow) -> str:
    """The first of what was chosen otherwise than proposed, in words; empty for nothing."""
    recipe, known = run.recipe, all_strategies().get(run.recipe.strategy)
    fields = known.options.model_fields if known else {}
    chosen = []
    for name, value in recipe.options.items():
        title = (fields[name].title or name) if name in fields else name.replace("_", " ")
        words = re.search(r"\(([^()]+)\)$", title)
        term = words[1] if words else "steps" if name == "steps" else title[0].lower() + title[1:]
        chosen.append(f"{value} {term}" if name == "steps" else f"{term} {value}")
    if recipe.evaluation == "cross_validation":
        chosen.append("cross-validated")
    if recipe.size:
        chosen.append(f"size {recipe.size}")
    if recipe.seed:
        chosen.append(f"seed {recipe.seed}")
    return text.plain(", ".join(chosen[:2]), 50) if chosen else ""


def _begun(run: RunRow) -> str:
    """Day and time, on this computer's clock."""
    return datetime.fromtimestamp(run.created_at).strftime("%d %b, %H:%M")


def _title(run: RunRow) -> str:
    made_of = f"{strategy_title(run.recipe.strategy)} · {backbone_title(run.recipe.backbone)}"
    return f"{run.title} · {made_of}" if run.title else made_of


@placeholder
def choose_run(
    context: ProjectContext,
    question: str,
    among: Sequence[RunRow],
    first: RunRow | None = None,
    *,
    part: str = "run",
) -> RunRow:
    """The run that the page is about: `first`, else the one that this part of the address names,
    else the kept one. Another that is picked goes into the address."""
    kept = context.kept
    usual = kept if kept in among else None
    named = [one for one in among if one.id == st.query_params.get(part)]
    run = first or next(iter(named), None) or usual or among[0]
    if len(among) == 1:
        return run
    titles = run_titles(context)

    def said(one: RunRow) -> str:
        state = context.statuses[one.id].state
        star = "★ " if kept and one.id == kept.id else ""
        return star + (titles[one.id] if state == "finished" else f"{titles[one.id]} · {state}")

    at = [one.id for one in among].index(run.id)
    # Of its own key for each run, so that an address opened later is not overruled.
    picked = st.selectbox(question, among, index=at, format_func=said, key=f"which-{run.id}")
    if picked.id != run.id:
        st.query_params[part] = picked.id
        st.rerun()
    return run


def runs_table(context: ProjectContext, here: str) -> str:
    """All finished runs with their scores as HTML, best first, each compared with that `here`."""
    titles = run_titles(context)
    newest = context.images_version if context.newest else ""
    scored = [(run, report) for run in context.finished if (report := report_of(run))]
    scored.sort(key=lambda pair: pair[1].accuracy, reverse=True)
    beside = _beside(scored, here)
    rows = []
    for run, report in scored:
        other = "" if run.dataset_id == newest else ' <span class="chip">older images</span>'
        rows.append(
            f'<tr class="{"here" if run.id == here else ""}">'
            f"<td>{text.bdi(titles[run.id], 120)}{other}</td>"
            f"<td>{short(report)}</td><td>{range_bar(report, thin=True)}</td>"
            f'<td class="verdict">{beside.get(run.id, "")}{_on_shared(scored, here, run)}</td>'
            f'<td class="n">{report.n}</td><td class="n">{_time(report.seconds)}</td></tr>'
        )
    return (
        '<div class="scroll"><table class="table"><thead><tr><th>Run</th>'
        '<th colspan="2">Correct (likely range)</th>'
        '<th>Compared with the one shown</th><th class="n">Test images</th>'
        f'<th class="n">Time</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _beside(scored: Sequence[tuple[RunRow, Report]], here: str) -> dict[str, str]:
    """For each other run whether it differs from the one shown: a word and the verdict, as HTML."""
    ids = [run.id for run, _ in scored]
    if here not in ids:
        return {}
    named = [
        ("the one shown" if run.id == here else "this one", report.predictions)
        for run, report in scored
    ]
    found = pairs(named, reference=ids.index(here))
    others = [run for run in ids if run != here]
    return {here: "shown"} | {run: _word(pair) for run, pair in zip(others, found, strict=True)}


def _on_shared(scored: Sequence[tuple[RunRow, Report]], here: str, run: RunRow) -> str:
    """Both scores on the images that both were tested on, where that is not all of them."""
    said = {each.id: report.predictions for each, report in scored}
    if here == run.id or here not in said:
        return ""
    shared = on_shared(said[run.id], said[here])
    if not shared or len(shared) == len(said[run.id]) == len(said[here]):
        return ""
    right = [
        100 * sum(row.correct for row in rows) / len(shared) for rows in zip(*shared, strict=True)
    ]
    return (
        f'<br><span class="muted small">On the {text.count(len(shared), "image")} that both were '
        f"tested on: {right[0]:.0f} % correct, the one shown {right[1]:.0f} %.</span>"
    )


def _word(pair: Pair) -> str:
    found = pair.comparison
    if found is None:
        kind, word = "", "other test images"
    elif not found.differs:
        kind, word = "", "equally good"
    elif found.only_second > found.only_first:
        kind, word = "good", "better"
    else:
        kind, word = "warn", "worse"
    return (
        f'<span class="chip {kind}">{word}</span> '
        f'<span class="muted small">{text.html(pair.verdict, 500)}</span>'
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"

"""How it does when images get worse, with images; computed when somebody asks."""

from itertools import groupby

import streamlit as st

from core.analysis.robustness import Condition, RobustnessResult, known_robustness
from core.projects import RunRow
from pages.components import text
from pages.components.jobs import begin_job, required_job
from pages.components.permission import allowed
from pages.sections.results.background_reliance import background
from pages.sections.results.score import report_of


def robustness(run: RunRow) -> None:
    """The offer, the job as it goes on, or what it found."""
    st.html(
        '<p class="muted">How well does it do with another camera, other light or a shaky hand? '
        f'{_which(run)} <span class="term">(robustness to common corruptions)</span></p>'
    )
    found = known_robustness(run.folder)
    if found:
        _shown(found)
    now = None
    # What an earlier version found knows nothing of the background; the same job looks at it.
    if not found or found.background is None:
        now = required_job("robustness", begin=False, run=run.id)
    # A finished job of which nothing is known looked at a model that was trained on since.
    offered = now is None or now.state == "finished"
    wanted = False
    if found and offered:
        wanted = background(found.background)
    elif offered:
        wanted = allowed() and st.button(
            "Test robustness", icon=":material/blur_on:", type="primary"
        )
    if wanted:
        begin_job("robustness", run=run.id)
        st.rerun()


def _which(run: RunRow) -> str:
    """After cross-validation, the kept model has learned from most of them."""
    report = report_of(run)
    if report and report.cross_validated:
        return "Test images that the kept model was not trained on are made worse, step by step."
    return "The same test images are made worse, step by step."


def _shown(found: RobustnessResult) -> None:
    n, right = found.n, found.correct
    falls = [each for each in found.conditions if each.worse]
    if falls:
        titles = list(dict.fromkeys(each.title.lower() for each in falls))
        words = f"It does worse when images are {_listed(titles)}."
    else:
        words = "Nothing that was tried makes it measurably worse."
    unsure = [each for each in found.conditions if each.ood > n / 2]
    if unsure:
        titles = list(dict.fromkeys(f"{each.title} ({each.level})" for each in unsure))
        words += f" Most are called unknown when they are {_listed(titles).lower()}."
    st.html(
        f'<p class="score-words">{words}</p><p>On unchanged images it gets {found.correct} of {n} '
        f"right ({text.likely(found.interval)}).</p>"
    )
    groups = groupby(found.conditions, key=lambda each: each.kind)
    st.html(
        f'<div class="kinds">{"".join(_kind(list(group), n, right) for _, group in groups)}</div>'
    )
    st.html(
        '<p class="muted small">“Worse” means beyond chance, corrected for everything tried '
        '<span class="term">(exact McNemar test, Holm correction)</span>. “Perhaps worse” is '
        "beyond chance only without that correction. Shown is the first test image.</p>"
    )


def _kind(levels: list[Condition], n: int, right: int) -> str:
    return (
        f'<section><h3 class="card-title">{levels[0].title} <span class="term small">'
        f'{levels[0].term}</span></h3><div class="gallery wide">'
        f"{''.join(_figure(each, n, right) for each in levels)}</div></section>"
    )


def _figure(each: Condition, n: int, right: int) -> str:
    chip = '<span class="chip">no measurable loss</span>'
    if each.worse:
        chip = '<span class="chip warn">worse</span>'
    elif each.p < 0.05 and each.correct < right:
        chip = '<span class="chip">perhaps worse</span>'
    unknown = f"<br>{text.count(each.ood, 'image')} called unknown" if each.ood else ""
    said = f"{each.title}, {each.level}"
    return (
        f'<figure><img src="{text.html(each.image, 100_000)}" alt="{said}"><figcaption>'
        f"<b>{each.level}</b> {chip}<br>{each.correct} of {n} correct<br>"
        f"{text.likely(each.interval)}{unknown}</figcaption></figure>"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"

"""The whole story of a run as one HTML page that needs nothing else, or as a PDF of it.

What was asked, what was learned from, how, how good it is and how sure that is, where it fails, and
how to make it again. No script, nothing fetched; text from outside is escaped everywhere.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from core.analysis.robustness import known_robustness
from core.checks._runner import problems
from core.dataset.inline import data_address
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.evaluation.baselines import Kind
from core.evaluation.report import Report, judged_by
from core.evaluation.significance import Predictions
from core.events import Event, Finished, Progress
from core.export.datasheet import sheet
from core.export.figures import (
    certainty,
    confusion,
    headline,
    per_class,
    pictures,
    references_table,
    worse,
)
from core.export.markdown import as_html, in_html, one_line
from core.export.model_card import again, limits
from core.export.run_facts import Facts, facts_of
from core.files import replace_file
from core.settings import Settings
from core.strategies import strategies

_MISTAKES, _RIGHT = 12, 6
_SIDE = 160
"""Of the pictures on the page, in pixels."""
_WHAT = "Writing the report"
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_document(
    run: Path,
    file: Path,
    settings: Settings,
    *,
    others: Sequence[tuple[Kind, Predictions]] = (),
) -> Iterator[Event]:
    """Write the page about a run, as a PDF where the file's name ends so; ends with
    Finished(result={"file"}).

    `others` are predictions of runs that it is to be seen beside. Raises NotFound without a
    finished run or its list of pictures.
    """
    began = time.monotonic()
    store = Store(settings.home)
    yield Progress(_WHAT, 0, 1)
    facts = facts_of(run, store)
    report = facts.report
    body = "\n".join(
        [
            _opening(facts),
            _method(facts),
            *(_results(each, store, others) for each in (report, *report.further)),
            worse(found) if (found := known_robustness(run)) else "",
            as_html(limits(facts)),
            "<h2>The pictures</h2>",
            as_html(_data_sheet(facts.dataset, store, settings), lowest=3),
            as_html(again(facts)),
            _origin(facts),
        ]
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    title = facts.dataset.title or "Pictures"
    if file.suffix.lower() == ".pdf":
        from core.export.pdf import write_pdf

        write_pdf(body, file, one_line(title))
    else:
        replace_file(file, _page(title, body))
    file.chmod(0o644)
    yield Progress(_WHAT, 1, 1)
    yield Finished(round(time.monotonic() - began, 2), {"file": str(file)})


def _page(title: str, body: str) -> str:
    style = Path(__file__).with_name("document.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{in_html(title)}: report</title>\n<style>\n{style}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _opening(facts: Facts) -> str:
    names = ", ".join(in_html(name) for name in facts.report.classes[:30])
    more = len(facts.report.classes) - 30
    return (
        f"<h1>{in_html(facts.dataset.title or 'Pictures')}: what was learned</h1>"
        f"<p>A classifier that tells {len(facts.report.classes)} kinds of pictures apart: {names}"
        f"{f' and {more} more' if more > 0 else ''}.</p>{headline(asdict(facts.report))}"
    )


def _method(facts: Facts) -> str:
    report, recipe, backbone = facts.report, facts.recipe, facts.backbone
    strategy = strategies().get(report.strategy)
    options = ", ".join(f"{name} = {value}" for name, value in recipe.options.items())
    rows = {
        "Way to learn": f"{facts.strategy} ({strategy.term})" if strategy else facts.strategy,
        "Pretrained network": f"{backbone.title} ({backbone.name}; licence {backbone.licence})",
        **({"Began from": "the network of an earlier run"} if recipe.start else {}),
        **({"Taught by": "the model of an earlier run"} if recipe.teacher else {}),
        "Learned from": f"{report.n_train:,} pictures",
        "Tested with": f"{report.n:,} pictures{judged_by(report.rounds)}",
        "Input": f"{recipe.size or backbone.size} × {recipe.size or backbone.size} points, "
        f"oblong pictures: {recipe.fit}",
        "Choices": options or "as proposed",
        "Working time": f"{report.seconds:,.0f} seconds",
    }
    lines = "".join(
        f"<tr><th>{name}</th><td>{in_html(said, 600)}</td></tr>" for name, said in rows.items()
    )
    early = "<p>Training was stopped before its end.</p>" if report.stopped else ""
    return f"<h2>How it was taught</h2><table>{lines}</table>{early}"


def _results(report: Report, store: Store, others: Sequence[tuple[Kind, Predictions]]) -> str:
    content = asdict(report)
    of = f": {in_html(report.task)}" if report.task else ""
    wrong = report.mistakes[:_MISTAKES]
    right = [row for row in report.predictions if row["label"] == row["true"]]
    shown = [right[place * len(right) // _RIGHT] for place in range(min(_RIGHT, len(right)))]
    return "\n".join(
        [
            f"<h2>How good it is{of}</h2>",
            headline(content) if report.task else "",
            references_table(content, others),
            "<h3>Class by class</h3>",
            per_class(content),
            "<h3>What it mixes up</h3>",
            confusion(content),
            "<h3>How sure it is</h3>",
            certainty(content),
            "<h3>Where it was most sure and wrong</h3>" if wrong else "",
            pictures(_with_thumbnails(wrong, store)),
            "<h3>Some that it got right</h3>" if shown else "",
            pictures(_with_thumbnails(shown, store)),
        ]
    )


def _with_thumbnails(
    rows: Sequence[Mapping[str, Any]], store: Store
) -> list[tuple[Mapping[str, Any], str]]:
    """Each with its picture as a data address; those that are gone are left out."""
    found = []
    for row in rows:
        try:
            found.append((row, data_address(store.open_thumbnail(row["image"]), _SIDE)))
        except NotFound:
            continue
    return found


def _data_sheet(dataset: Dataset, store: Store, settings: Settings) -> str:
    """The sheet of the version learned from, with the changes that led to it."""
    history, here = list[str](), dataset
    while True:
        history.append(here.change or f"{len(here.items):,} pictures brought in")
        try:
            if here.parent is None:
                break
            here = store.load(here.parent)
        except GraftError:  # an earlier version is gone: what is known begins here
            break
    return sheet(dataset, history[::-1], problems(dataset.id, settings))


def _origin(facts: Facts) -> str:
    return (
        "<h3>The recipe</h3>"
        f"<pre>{escape(facts.recipe.to_json())}</pre>"
        f'<p class="soft small">Dataset version {in_html(facts.report.dataset)}. '
        f"{in_html(facts.description.created_by)}. This page was written with "
        f"{in_html(facts.versions, 400)}.</p>"
    )

"""The whole story of a run as one HTML page that needs nothing else, or as a PDF of it.

What was asked, what was learned from, how, how good it is and how sure that is, where it fails, and
how to make it again: made once as blocks, which both forms lay out.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from core.analysis.robustness import known_robustness
from core.checks._runner import problems
from core.dataset.inline import data_address
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.evaluation.baselines import Kind
from core.evaluation.predictions import Predictions
from core.evaluation.report import Report, evaluated_by
from core.events import Event, Finished, Progress
from core.export import figures
from core.export.blocks import (
    Block,
    Cell,
    Code,
    Heading,
    Image,
    Images,
    Paragraph,
    paragraph,
    table,
    text,
)
from core.export.datasheet import sheet
from core.export.html import page
from core.export.markdown import blocks_of, one_line
from core.export.model_card import again, limits
from core.export.report_summary import summaries, with_thumbnails
from core.export.run_facts import RunFacts, facts_of
from core.files import replace_file
from core.settings import Settings
from core.strategies import strategies

_MISTAKES, _RIGHT = 12, 6
_SHOWN = 6
"""Classes of which an image stands on the first page."""
_SIDE = 160
"""Of the images in the report, in pixels."""
_WHAT = "Writing the report"


def write_document(
    run: Path,
    file: Path,
    settings: Settings,
    *,
    others: Sequence[tuple[Kind, Predictions]] = (),
    summary: bool = False,
) -> Iterator[Event]:
    """Write the report of a run, or its summary on one page, as a PDF where the file's name ends
    so; ends with Finished(result={"file"}).

    `others` are predictions of runs that it is to be seen beside. Raises NotFound without a
    finished run or its list of images.
    """
    began = time.monotonic()
    store = Store(settings.home)
    yield Progress(_WHAT, 0, 1)
    facts = facts_of(run, store)
    versions = summaries(facts, store)
    if not summary:
        versions = iter([_blocks(run, facts, store, settings, others)])
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(versions, file, one_line(facts.dataset.title or "Images"), summary=summary)
    file.chmod(0o644)
    yield Progress(_WHAT, 1, 1)
    yield Finished(round(time.monotonic() - began, 2), {"file": str(file)})


def _write(versions: Iterator[Sequence[Block]], file: Path, title: str, *, summary: bool) -> None:
    """The first of the versions; on paper a summary takes the first that fits on one page."""
    if file.suffix.lower() != ".pdf":
        what = "summary" if summary else "report"
        replace_file(file, page(f"{title}: {what}", next(versions)))
        return
    from core.export.pdf import write_one_page, write_pdf

    if summary:
        write_one_page(versions, file, title)
    else:
        write_pdf(next(versions), file, title)


def _blocks(
    run: Path,
    facts: RunFacts,
    store: Store,
    settings: Settings,
    others: Sequence[tuple[Kind, Predictions]],
) -> list[Block]:
    robustness = known_robustness(run)
    return [
        *_opening(facts, store),
        *_method(facts),
        *(
            block
            for report in facts.report.tasks.values()
            for block in _results(report, store, others)
        ),
        *(figures.robustness(robustness) if robustness else ()),
        *blocks_of(limits(facts)),
        Heading(2, text("The images")),
        *blocks_of(_data_sheet(facts.dataset, store, settings), highest=3),
        *blocks_of(again(facts)),
        *_origin(facts),
    ]


def _opening(facts: RunFacts, store: Store) -> list[Block]:
    """What it tells apart, how well, from what, and how its classes look: the first page."""
    classes = facts.report.classes
    names = ", ".join(one_line(name) for name in classes[:30])
    more = f" and {len(classes) - 30} more" if len(classes) > 30 else ""
    return [
        Heading(1, text(f"{one_line(facts.dataset.title or 'Images')}: results")),
        paragraph(f"A classifier for {len(classes)} classes: {names}{more}."),
        *figures.headline(facts.report),
        paragraph(
            f"It learned from {facts.report.n_train:,} images ({one_line(facts.strategy)}, on "
            f"{one_line(facts.backbone.title)}) and was tested on {facts.report.n:,} others."
        ),
        *_an_image_of_each(facts.dataset, classes[:_SHOWN], store),
    ]


def _an_image_of_each(dataset: Dataset, classes: Sequence[str], store: Store) -> list[Block]:
    """The first image of each class that is still there."""
    found = []
    for name in classes:
        of_it = (each.image for each in dataset.items if each.label == name)
        with suppress(NotFound, StopIteration):
            address = data_address(store.open_thumbnail(next(of_it)), _SIDE)
            found.append(Image(address, one_line(name), text(one_line(name))))
    return [Images(tuple(found))] if found else []


def _method(facts: RunFacts) -> list[Block]:
    report, recipe, backbone = facts.report, facts.recipe, facts.backbone
    strategy = strategies().get(report.strategy)
    options = ", ".join(f"{name} = {value}" for name, value in recipe.options.items())
    rows = {
        "Training method": f"{facts.strategy} ({strategy.term})" if strategy else facts.strategy,
        "Pretrained network": f"{backbone.title} ({backbone.name}; licence {backbone.licence})",
        **({"Started from": "the network of an earlier run"} if recipe.start else {}),
        **({"Teacher": "the model of an earlier run"} if recipe.teacher else {}),
        "Trained on": f"{report.n_train:,} images",
        "Tested on": f"{report.n:,} images{evaluated_by(report.n_folds)}",
        "Input": f"{recipe.size or backbone.size} × {recipe.size or backbone.size} pixels, "
        f"non-square images: {recipe.fit}",
        "Options": options or "as suggested",
        "Training time": f"{report.seconds:,.0f} seconds",
    }
    early = [paragraph("Training was stopped early.")] if report.stopped else []
    return [
        Heading(2, text("How it was trained")),
        table(
            (),
            (
                (Cell(text(name), is_heading=True), one_line(value, 600))
                for name, value in rows.items()
            ),
        ),
        *early,
    ]


def _results(
    report: Report, store: Store, others: Sequence[tuple[Kind, Predictions]]
) -> list[Block]:
    of = f": {one_line(report.task)}" if report.task else ""
    wrong = report.mistakes[:_MISTAKES]
    right = [row for row in report.predictions if row.correct]
    examples = [right[k * len(right) // _RIGHT] for k in range(min(_RIGHT, len(right)))]
    return [
        Heading(2, text(f"How good it is{of}")),
        *(figures.headline(report) if report.task else ()),
        figures.references_table(report, others),
        Heading(3, text("Per class")),
        figures.per_class(report),
        Heading(3, text("What it confuses (confusion matrix)")),
        *figures.confusion(report),
        Heading(3, text("Confidence (calibration)")),
        *figures.reliability(report),
        *([Heading(3, text("Most confident mistakes"))] if wrong else ()),
        *figures.predicted_images([*with_thumbnails(wrong, store, _SIDE)]),
        *([Heading(3, text("Some correct answers"))] if examples else ()),
        *figures.predicted_images([*with_thumbnails(examples, store, _SIDE)]),
    ]


def _data_sheet(dataset: Dataset, store: Store, settings: Settings) -> str:
    """The sheet of the version learned from, with the changes that led to it."""
    history, here = list[str](), dataset
    while True:
        history.append(here.change or f"{len(here.items):,} images imported")
        try:
            if here.parent is None:
                break
            here = store.load(here.parent)
        except GraftError:  # an earlier version is gone: what is known begins here
            break
    return sheet(dataset, history[::-1], problems(dataset.id, settings))


def _origin(facts: RunFacts) -> list[Block]:
    return [
        Heading(3, text("The recipe")),
        Code(facts.recipe.to_json()),
        Paragraph(
            text(
                f"Dataset version {one_line(facts.report.dataset)}. "
                f"{one_line(facts.description.created_by)}. This page was written with "
                f"{one_line(facts.versions, 400)}."
            ),
            "note",
        ),
    ]

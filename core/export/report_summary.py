"""A run on one page: what it tells apart, how well, right and wrong answers, and what it must not
be used for.

On paper it has to fit, whatever the classes are called: each version is shorter than the last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, zip_longest

from core.dataset.inline import data_address
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.predictions import Prediction
from core.evaluation.report import Report
from core.export import figures
from core.export.blocks import Block, Heading, Paragraph, bullets, paragraph, text
from core.export.markdown import one_line
from core.export.model_card import NOT_MEANT_FOR
from core.export.run_facts import RunFacts

_VERSIONS = ((40, 16), (16, 16), (6, 8), (2, 4), (1, 2))
"""Letters of a name, and classes that are named; a letter that no font has is a word on paper."""
_IMAGES = 5
"""Right answers, and as many wrong ones."""
_TASKS = 3
"""Label columns that are told about."""
_SIDE = 200
"""Of an image, in pixels."""


def summaries(facts: RunFacts, store: Store) -> Iterator[list[Block]]:
    """The same summary with ever shorter names, the longest first."""
    for longest, named in _VERSIONS:
        tasks = [_with_short_names(each, longest) for each in facts.report.tasks.values()]
        yield [
            *_purpose(one_line(facts.dataset.title or "Images", longest), tasks, named),
            *_answers(tasks[0], store),
            *_not_for(facts.report),
            *_origin(facts),
        ]


def with_thumbnails(
    rows: Iterable[Prediction], store: Store, side: int
) -> Iterator[tuple[Prediction, str]]:
    """Each with its image as a data address; those that are gone are left out."""
    for row in rows:
        try:
            yield row, data_address(store.open_thumbnail(row.image), side)
        except NotFound:
            continue


def _with_short_names(report: Report, longest: int) -> Report:
    """Without the names of files, which are nobody else's concern."""
    short = _short_names(report.classes, longest)
    return replace(
        report,
        task=one_line(report.task, longest),
        classes=tuple(short.values()),
        majority=replace(report.majority, label=short[report.majority.label]),
        predictions=tuple(
            replace(row, true=short[row.true], label=short[row.label], name="")
            for row in report.predictions
        ),
    )


def _short_names(names: Iterable[str], longest: int) -> dict[str, str]:
    """Each by itself: those that begin alike are numbered."""
    taken, short = set[str](), dict[str, str]()
    for name in names:
        first = again = one_line(name, longest)
        n = 1
        while again in taken:
            again = f"{first} {(n := n + 1)}"
        taken.add(again)
        short[name] = again
    return short


def _purpose(title: str, tasks: list[Report], named: int) -> Iterator[Block]:
    yield Heading(1, text(title))
    for report in tasks[:_TASKS]:
        names, left = ", ".join(report.classes[:named]), len(report.classes) - named
        more = f" and {left} more" if left > 0 else ""
        start = f"{report.task}: it" if report.task else "It"
        yield paragraph(f"{start} tells apart {len(report.classes)} classes: {names}{more}.")
        yield from figures.headline(report)
    if len(tasks) > _TASKS:
        yield paragraph(f"It answers {len(tasks) - _TASKS} more questions about each image.")


def _answers(report: Report, store: Store) -> Iterator[Block]:
    """Right answers from as many classes as there can be, and the most confident wrong ones."""
    right: dict[str, list[Prediction]] = {}
    for row in report.predictions:
        if row.correct:
            right.setdefault(row.true, []).append(row)
    in_turn = [row for turn in zip_longest(*right.values()) for row in turn if row]
    yield from _shown("Right answers", in_turn, store)
    yield from _shown("Wrong answers", report.mistakes, store, order=", the most confident first")


def _shown(title: str, rows: list[Prediction], store: Store, *, order: str = "") -> Iterator[Block]:
    found = [*islice(with_thumbnails(rows, store, _SIDE), _IMAGES)]
    few = len(rows) < _IMAGES
    said = f"All {len(rows)} that there are" if few else f"{len(found)} of {len(rows):,}"
    if len(rows) < 2:
        said = "The only one there is" if rows else "There are none"
    if few and len(found) < len(rows):
        said = f"{len(found)} of {len(rows)}; the other images are no longer here"
    yield Heading(2, text(title))
    yield Paragraph(text(f"{said}{order if len(found) > 1 else ''}."), "note")
    yield from figures.predicted_images(found)


def _not_for(report: Report) -> Iterator[Block]:
    yield Heading(2, text("What it must not be used for"))
    wrong = report.n - report.correct
    some = f" Of {report.n:,} test images, {wrong:,} got a wrong answer." if wrong else ""
    yield bullets(
        [
            f"{NOT_MEANT_FOR[0].upper()}{NOT_MEANT_FOR[1:]}.",
            f"Work that nobody checks, where a mistake matters.{some}",
            "Images that show none of its classes: it may still answer with one of them.",
            "Images taken differently (another camera, light, background or style), unless it was "
            "tested on some: it can do much worse there.",
        ]
    )


def _origin(facts: RunFacts) -> Iterator[Block]:
    report = facts.report
    yield Paragraph(
        text(
            f"Trained on {report.n_train:,} images: {one_line(facts.strategy)}, on "
            f"{one_line(facts.backbone.title)}. "
            f"Dataset version {one_line(report.dataset)}. The full report has everything else."
        ),
        "note",
    )

"""What a report shows of the results, as blocks: scores, tables, a diagram, images."""

from collections.abc import Sequence

from core.analysis.background_reliance import CAVEAT, BackgroundReliance
from core.analysis.robustness import RobustnessResult
from core.evaluation.baselines import Kind, references
from core.evaluation.calibration import Bin, change_in_words
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import MOST_IN_MATRIX, MOST_PAIRS, confused_pairs, in_words
from core.evaluation.predictions import Prediction, Predictions
from core.evaluation.report import Report, evaluated_by, target_domain_caveat
from core.evaluation.thresholds import reliability_of
from core.export.blocks import (
    Block,
    Cell,
    Diagram,
    Heading,
    Image,
    Images,
    Paragraph,
    Span,
    Table,
    bullets,
    number,
    paragraph,
    table,
    text,
)
from core.export.markdown import one_line

_ORIGINS = {
    "folds": "training images, each tested by a classifier of other folds",
    "validation": "validation images",
    "test": "test images, each measured with a calibration fitted on the others (cross-fitted)",
    "unlabelled": "test images, without using their labels",
}


def headline(report: Report) -> list[Block]:
    """The score in one sentence."""
    base, caveat = report.majority, target_domain_caveat(report.target_domain)
    return [
        Paragraph(
            text(
                f"Correct on {report.correct} of {report.n} images{evaluated_by(report.n_folds)}."
            ),
            "lead",
        ),
        paragraph(
            f"About {100 * report.accuracy:.0f} % correct (likely {in_words(report.interval)}: "
            f"95 % Wilson interval). Always answering “{one_line(base.label)}” would be "
            f"{100 * base.accuracy:.0f} % correct."
        ),
        *([paragraph(Span(caveat, "strong"))] if caveat else []),
    ]


def references_table(report: Report, others: Sequence[tuple[Kind, Predictions]]) -> Table:
    """The run beside what could be had without it."""
    return table(
        ("Compared with", number("Correct"), "Likely", "Conclusion (exact McNemar tests, Holm)"),
        (
            (
                one_line(each.name),
                number(f"{each.correct} of {each.n}"),
                in_words(each.interval),
                Cell(
                    text(
                        f"{one_line(each.verdict, 400)} ",
                        Span(f"{_p(each.comparison.p)}. {each.needed_in_words}", "soft"),
                    )
                ),
            )
            for each in references(report, others)
        ),
    )


def per_class(report: Report) -> Table:
    """Recall and precision of each class, with their intervals."""
    return table(
        ("Class", number("Images"), "Found (recall)", "Correct when predicted (precision)"),
        (
            (
                one_line(row.label),
                number(str(row.n)),
                f"{row.correct} of {row.n}: {in_words(row.recall_interval)}",
                f"{row.correct} of {row.predicted}: {in_words(row.precision_interval)}",
            )
            for row in report.per_class
        ),
    )


def confusion(report: Report) -> list[Block]:
    """True classes down, predicted ones across; of many classes only the pairs that were mixed
    up."""
    names, counts = [one_line(name) for name in report.classes], report.confusion
    if len(names) > MOST_IN_MATRIX:
        pairs = confused_pairs(counts, names)
        if not pairs:
            return [paragraph("No class was confused with another.")]
        left = len(pairs) - MOST_PAIRS
        others = f"{left:,} more pairs were confused, none of them more often."
        return [
            bullets(f"{true} mistaken for {label}: {n}" for n, true, label in pairs[:MOST_PAIRS]),
            *([paragraph(others)] if left > 0 else []),
        ]
    rows = tuple(
        (
            Cell(text(names[true]), is_heading=True),
            *(
                Cell(text(str(n or "")), is_diagonal=true == predicted)
                for predicted, n in enumerate(row)
            ),
        )
        for true, row in enumerate(counts)
    )
    head = tuple(Cell(text(name)) for name in ("true \\ predicted", *names))
    return [Table(head, rows, is_matrix=True)]


def reliability(report: Report) -> list[Block]:
    """The reliability diagram, and what was calibrated on which images."""
    bins = reliability_of(report)
    lines = bullets(
        f"{100 * each.confidence:.0f} % confident: {each.correct} of {each.n} correct "
        f"(likely {in_words(each.interval)})"
        for each in bins
    )
    return [_diagram(bins), lines, *(_calibrated(report.calibration) if report.calibration else ())]


def _calibrated(found: CalibrationResult) -> list[Block]:
    adjusted, lines = found.temperature != 1.0, ["Confidence was not calibrated."]
    if adjusted:
        lines = [
            f"Confidence was calibrated with a temperature of {found.temperature:.2f}, fitted on "
            f"{found.n:,} {_ORIGINS[found.origin]}."
        ]
    on = "the test images"
    if found.n_folds > 1:
        on = "these images"
        lines.append(
            f"The following was measured on {sum(each.n for each in found.reliability):,} images"
            f"{evaluated_by(found.n_folds)}; each model has its own calibration."
        )
    losses = (("Log-loss", found.log_loss), ("Brier score", found.brier))
    lines += [
        f"{name} on {on}: {change.before:.3f} before, {change.after:.3f} after: "
        f"{change_in_words(change)}."
        for name, change in (losses if adjusted else ())
    ]
    if sets := found.sets:
        lines.append(
            f"Prediction sets are meant to contain the right class {100 * sets.coverage:.0f} % of "
            f"the time. They did for {sets.covered} of {sets.n} test images (likely "
            f"{in_words(sets.interval)}), with {sets.mean_size:.1f} classes on average."
        )
    if ood := found.ood:
        lines.append(
            f"{ood.flagged} of {ood.n} test images of known classes were wrongly flagged as "
            f"unknown (likely {in_words(ood.interval)})."
        )
    if left_out := found.left_out:
        lines.append(
            f"{left_out.flagged} of {left_out.n} images of a class it was not taught were flagged "
            f"as unknown (likely {in_words(left_out.interval)}): each of {left_out.n_classes} of "
            "your classes was left out in turn."
        )
    return [paragraph(line) for line in lines]


def _diagram(bins: Sequence[Bin]) -> Diagram:
    """How often it was right (up) against its confidence (across)."""
    marks = []
    for each in bins:
        x, y = 40 + 300 * each.confidence, 310 - 300 * each.correct / each.n
        low, high = (310 - 300 * bound for bound in each.interval)
        marks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" '
            'stroke="var(--accent)" stroke-width="2"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="var(--accent)"/>'
        )
    grid = "".join(
        f'<line x1="40" x2="340" y1="{310 - 3 * k}" y2="{310 - 3 * k}" stroke="var(--line)"/>'
        f'<text x="34" y="{314 - 3 * k}" text-anchor="end">{k}</text>'
        f'<text x="{40 + 3 * k}" y="327" text-anchor="middle">{k}</text>'
        for k in range(0, 101, 20)
    )
    return Diagram(
        '<svg viewBox="0 0 350 350" role="img" aria-label="Accuracy against '
        'confidence">'
        f'{grid}<line x1="40" y1="310" x2="340" y2="10" stroke="var(--soft)" '
        f'stroke-dasharray="3 4"/>{"".join(marks)}'
        '<text x="190" y="344" text-anchor="middle">confidence, %</text></svg>'
    )


def predicted_images(rows: Sequence[tuple[Prediction, str]]) -> list[Block]:
    """Predictions with their images (as data addresses)."""
    images = tuple(
        Image(
            address,
            one_line(row.true),
            text(
                f"{one_line(row.label)} ({100 * row.confidence:.0f} %)",
                "" if row.correct else "\ntrue class: ",
                "" if row.correct else Span(one_line(row.true), "strong"),
                Span(f"\n{one_line(row.name.rsplit('/', 1)[-1])}" if row.name else "", "soft"),
            ),
        )
        for row, address in rows
    )
    return [Images(images)] if images else []


def robustness(found: RobustnessResult) -> list[Block]:
    """How it did on worse images, and with parts of them hidden, where that was looked at."""
    titles = [f"{one_line(each.title)}, {one_line(each.level)}" for each in found.conditions]
    scores = table(
        ("Images are", number("Correct"), "Likely", ""),
        (
            (
                title,
                number(f"{each.correct} of {found.n}"),
                in_words(each.interval),
                "worse" if each.worse else "no measurable loss",
            )
            for title, each in zip(titles, found.conditions, strict=True)
        ),
    )
    return [
        Heading(2, text("Robustness")),
        paragraph(
            f"The same test images, altered. Unaltered, {found.correct} of {found.n} are correct. "
            "“Worse” means beyond chance (exact McNemar tests, Holm correction)."
        ),
        scores,
        *_examples(titles, [each.image for each in found.conditions]),
        *(_background(found.background) if found.background else ()),
    ]


def _background(found: BackgroundReliance) -> list[Block]:
    scores = table(
        ("Shown", number("Correct"), "Likely", "Compared with the most frequent class",
         "Compared with whole images"),
        (
            (
                one_line(each.title),
                number(f"{each.correct} of {found.n}"),
                in_words(each.interval),
                f"{'better' if each.above_majority else 'not measurably better'} ({_p(each.p)})",
                f"{'worse' if each.worse else 'not measurably worse'} ({_p(each.p_whole)})",
            )
            for each in found.masks
        ),
    )  # fmt: skip
    exact = "Exact McNemar tests, Holm correction for both."
    return [
        Heading(3, text("Does it rely on the background?")),
        paragraph(one_line(found.verdict, 600)),
        scores,
        *_examples(
            [one_line(each.title) for each in found.masks], [each.image for each in found.masks]
        ),
        Paragraph(text(f"{CAVEAT} {exact}"), "note"),
    ]


def _examples(titles: Sequence[str], addresses: Sequence[str]) -> list[Block]:
    """Titles and images; only those that travel inside the page."""
    images = tuple(
        Image(address, "", text(title))
        for title, address in zip(titles, addresses, strict=True)
        if address.startswith("data:image/jpeg;base64,")
    )
    return [Images(images)] if images else []


def _p(p: float) -> str:
    return f"p = {p:.2f}" if p >= 0.005 else "p < 0.01"

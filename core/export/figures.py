"""Tables and drawings of a report as HTML, without scripts."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.analysis.background_reliance import CAVEAT
from core.evaluation.baselines import Kind, references
from core.evaluation.calibration import change_in_words
from core.evaluation.metrics import MOST_IN_MATRIX, MOST_PAIRS, Interval, in_words, mixed_up
from core.evaluation.report import judged_by, judged_elsewhere
from core.evaluation.significance import Predictions
from core.evaluation.thresholds import certainty as bins_of
from core.export.markdown import in_html

Report = Mapping[str, Any]
"""The content of a report.json."""

_ORIGINS = {
    "folds": "pictures that it learned from, each judged by a classifier of other folds",
    "watched": "pictures that were only watched while it learned",
    "test": "test pictures; each number here was measured with adjustments made without the "
    "pictures it is measured on (cross-fitted)",
    "unlabelled": "test pictures, without a look at their classes",
}


def headline(report: Report) -> str:
    """The score in one sentence."""
    base = report["majority"]
    caution = judged_elsewhere(report.get("elsewhere"))
    return (
        f'<p class="lead">Right on {report["correct"]} of {report["n"]} pictures'
        f"{judged_by(report.get('rounds', 1))}.</p>"
        f"<p>With 95 % confidence it is right on {_words(report['interval'])} pictures like "
        f"these (Wilson interval). Always saying “{in_html(base['label'])}” would be right on "
        f"{100 * base['accuracy']:.0f} of 100.</p>"
        f"{f'<p><b>{caution}</b></p>' if caution else ''}"
    )


def references_table(report: Report, others: Sequence[tuple[Kind, Predictions]]) -> str:
    """The run beside what could be had without it."""
    rows = "".join(
        f'<tr><td>{in_html(each.name)}</td><td class="n">{each.correct} of {each.n}</td>'
        f"<td>{in_words(each.interval)}</td><td>{in_html(each.verdict, 400)} "
        f'<span class="soft small">{_p(each.comparison.p)}. {each.outlook}</span></td></tr>'
        for each in references(report, others)
    )
    return (
        '<div class="scroll"><table><thead><tr><th>Beside</th><th class="n">Right</th>'
        "<th>So</th><th>And this run (exact McNemar tests, Holm correction)</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def per_class(report: Report) -> str:
    """Recall and precision of each class, with their intervals."""
    rows = "".join(
        f'<tr><td>{in_html(row["class"])}</td><td class="n">{row["n"]}</td>'
        f"<td>{row['correct']} of {row['n']}: {_words(row['recall_interval'])}</td>"
        f"<td>{row['correct']} of {row['said']}: {_words(row['precision_interval'])}</td></tr>"
        for row in report["per_class"]
    )
    return (
        '<div class="scroll"><table><thead><tr><th>Class</th><th class="n">Pictures</th>'
        "<th>Found (recall)</th><th>Right when said (precision)</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def confusion(report: Report) -> str:
    """True classes down, answers across; of many classes only the pairs that were mixed up."""
    names, counts = report["classes"], report["confusion"]
    if len(names) > MOST_IN_MATRIX:
        pairs = mixed_up(counts, names)
        items = "".join(
            f"<li>{in_html(true)} taken for {in_html(said)}: {n}</li>"
            for n, true, said in pairs[:MOST_PAIRS]
        )
        left = len(pairs) - MOST_PAIRS
        others = f"Other pairs that were mixed up, none of them more often: {left:,}."
        more = f"<p>{others}</p>" if left > 0 else ""
        return f"<ul>{items}</ul>{more}" if pairs else "<p>Nothing was mixed up.</p>"
    head = "".join(f"<th>{in_html(name)}</th>" for name in names)
    rows = "".join(
        f"<tr><th>{in_html(names[true])}</th>"
        + "".join(
            f'<td class="{"hit" if true == said else ""}">{n or ""}</td>'
            for said, n in enumerate(row)
        )
        + "</tr>"
        for true, row in enumerate(counts)
    )
    return (
        f'<div class="scroll"><table class="matrix"><thead><tr><th>it is \\ it says</th>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def certainty(report: Report) -> str:
    """The reliability diagram, and what was adjusted on which pictures."""
    bins = bins_of(report)
    said = "".join(
        f"<li>{100 * each['sure']:.0f} % sure: right on {each['right']} of {each['n']}, "
        f"{_words(each['interval'])}</li>"
        for each in bins
    )
    drawing = f"{_diagram(bins)}<ul>{said}</ul>"
    evidence = report.get("evidence")
    return drawing + (_adjusted(evidence) if evidence else "")


def _adjusted(evidence: Mapping[str, Any]) -> str:
    adjusted, lines = evidence["temperature"] != 1.0, ["Its certainty was not adjusted."]
    if adjusted:
        lines = [
            f"Its certainty was adjusted by a temperature of {evidence['temperature']:.2f}, fitted "
            f"on {evidence['n']:,} {_ORIGINS[evidence['origin']]}."
        ]
    on = "the test part"
    if (rounds := evidence.get("rounds", 1)) > 1:
        n = sum(each["n"] for each in evidence["reliability"])
        on = "these pictures"
        lines.append(
            f"What follows was measured on {n:,} pictures{judged_by(rounds)}, each model adjusted "
            "in its own way."
        )
    for name, key in (("Log-loss", "log_loss"), ("Brier score", "brier")) if adjusted else ():
        change = evidence[key]
        lines.append(
            f"{name} on {on}: {change['before']:.3f} before, {change['after']:.3f} after: "
            f"{change_in_words(change)}."
        )
    if sets := evidence["sets"]:
        lines.append(
            f"Sets that shall hold the right class {100 * sets['level']:.0f} times of 100 held it "
            f"for {sets['inside']} of {sets['n']} test pictures ({_words(sets['interval'])}), with "
            f"{sets['mean']:.1f} classes on average."
        )
    if unknown := evidence["unknown"]:
        lines.append(
            f"{unknown['called']} of {unknown['n']} test pictures of its own classes were wrongly "
            f"called unknown ({_words(unknown['interval'])})."
        )
    return "".join(f"<p>{line}</p>" for line in lines)


def _diagram(bins: Sequence[Mapping[str, Any]]) -> str:
    """How often it was right (up) against how sure it was (across), as SVG."""
    marks = []
    for each in bins:
        x, y = 40 + 300 * each["sure"], 310 - 300 * each["right"] / each["n"]
        low, high = (310 - 300 * bound for bound in each["interval"])
        marks.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" '
            'stroke="var(--leaf)" stroke-width="2"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="var(--leaf)"/>'
        )
    grid = "".join(
        f'<line x1="40" x2="340" y1="{310 - 3 * k}" y2="{310 - 3 * k}" stroke="var(--line)"/>'
        f'<text x="34" y="{314 - 3 * k}" text-anchor="end">{k}</text>'
        f'<text x="{40 + 3 * k}" y="327" text-anchor="middle">{k}</text>'
        for k in range(0, 101, 20)
    )
    return (
        '<svg viewBox="0 0 350 350" role="img" aria-label="How often it was right against how sure '
        'it was">'
        f'{grid}<line x1="40" y1="310" x2="340" y2="10" stroke="var(--soft)" '
        f'stroke-dasharray="3 4"/>{"".join(marks)}'
        '<text x="190" y="344" text-anchor="middle">how sure it was, %</text></svg>'
    )


def pictures(rows: Sequence[tuple[Mapping[str, Any], str]]) -> str:
    """Predictions with their pictures (as data addresses)."""
    figures = "".join(
        f'<figure><img src="{address}" alt="{in_html(row["true"])}"><figcaption>'
        f"{in_html(row['label'])} ({100 * max(row['probabilities']):.0f} % sure)"
        + ("" if row["label"] == row["true"] else f"<br>is: <b>{in_html(row['true'])}</b>")
        + f'<br><span class="soft">{in_html(row["name"].rsplit("/", 1)[-1])}</span>'
        "</figcaption></figure>"
        for row, address in rows
    )
    return f'<div class="pictures">{figures}</div>' if figures else ""


def worse(found: Mapping[str, Any]) -> str:
    """How it did on worse pictures, and with parts of them hidden, where that was looked at."""
    rows = "".join(
        f"<tr><td>{in_html(each['title'])}, {in_html(each['level'])}</td>"
        f'<td class="n">{each["right"]} of {found["n"]}</td><td>{_words(each["interval"])}</td>'
        f"<td>{'worse' if each['worse'] else 'no loss shown'}</td></tr>"
        for each in found["conditions"]
    )
    shown = [(f"{each['title']}, {each['level']}", each["picture"]) for each in found["conditions"]]
    return (
        "<h2>Worse pictures</h2>"
        f"<p>The same test pictures, disturbed; as they are it is right on {found['right']} of "
        f"{found['n']}. Worse means: beyond chance (exact McNemar tests, Holm correction).</p>"
        '<div class="scroll"><table><thead><tr><th>Pictures are</th><th class="n">Right</th>'
        f"<th>So</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>"
        + _examples(shown)
        + (_background(found["background"]) if found.get("background") else "")
    )


def _background(found: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{in_html(each["title"])}</td><td class="n">{each["right"]} of {found["n"]}</td>'
        f"<td>{_words(each['interval'])}</td>"
        f"<td>{'better' if each['above'] else 'not shown to be better'} ({_p(each['p'])})</td>"
        f"<td>{'worse' if each['worse'] else 'not shown to be worse'} ({_p(each['p_whole'])})</td>"
        "</tr>"
        for each in found["looks"]
    )
    shown = [(each["title"], each["picture"]) for each in found["looks"]]
    return (
        "<h3>Does it look at the background?</h3>"
        f"<p>{in_html(found['verdict'], 600)}</p>"
        '<div class="scroll"><table><thead><tr><th>Of the picture</th><th class="n">Right</th>'
        "<th>So</th><th>Beside the commonest class</th><th>Beside the whole picture</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></div>{_examples(shown)}"
        f'<p class="soft small">{CAVEAT} Exact McNemar tests, Holm correction for the two looks.'
        "</p>"
    )


def _examples(shown: Sequence[tuple[str, str]]) -> str:
    """Titles and pictures; only those that travel inside the page."""
    figures = "".join(
        f'<figure><img src="{address}" alt=""><figcaption>{in_html(title)}</figcaption></figure>'
        for title, address in shown
        if str(address).startswith("data:image/jpeg;base64,")
    )
    return f'<div class="pictures">{figures}</div>'


def _p(p: float) -> str:
    return f"p = {p:.2f}" if p >= 0.005 else "p &lt; 0.01"


def _words(interval: Sequence[float]) -> str:
    low, high = interval
    bounds: Interval = (low, high)
    return in_words(bounds)

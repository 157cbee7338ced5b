"""Is it right as often as it says? The reliability plot, and what was adjusted."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.calibration import Bin, change_in_words, miscalibrated_bins
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by
from core.evaluation.thresholds import reliability_of
from pages.components import text
from pages.components.colours import theme_colours
from pages.sections.results.calibration_summary import (
    sets_in_words,
    temperature_in_words,
    testers_in_words,
    unknown_in_words,
)


def certainty_plot(report: Report) -> None:
    """How often it was right against how sure it was, with intervals."""
    bins = reliability_of(report)
    cross_validated = ""
    if report.cross_validated:
        cross_validated = f" Here are all {report.n:,} images{evaluated_by(report.n_folds)}."
    st.html(
        '<p class="muted">Of the answers that it is 80 % sure of, 80 of 100 should be right: dots '
        "on the line. Above the line it is too shy, below it too bold. The bars are 95 % "
        "intervals, and one of several may miss the line by chance; the sentence below the drawing "
        'allows for that. <span class="term">'
        f"(reliability diagram)</span>{cross_validated}</p>"
    )
    ink = theme_colours()
    shares = [each.correct / each.n for each in bins]
    figure = {
        "data": [
            {
                "type": "scatter", "mode": "lines", "x": [0, 100], "y": [0, 100],
                "line": {"color": ink.soft, "dash": "dot", "width": 1.5}, "hoverinfo": "skip",
            },
            {
                "type": "scatter", "mode": "markers",
                "x": [100 * each.confidence for each in bins],
                "y": [100 * share for share in shares],
                "marker": {"size": 11, "color": ink.leaf},
                "error_y": {
                    "type": "data", "symmetric": False, "color": ink.leaf, "thickness": 2,
                    "array": [100 * (each.interval[1] - share)
                              for each, share in zip(bins, shares, strict=True)],
                    "arrayminus": [100 * (share - each.interval[0])
                                   for each, share in zip(bins, shares, strict=True)],
                },
                "customdata": [[each.correct, each.n] for each in bins],
                "hovertemplate": "%{x:.0f} % sure<br>right on %{customdata[0]} of %{customdata[1]}"
                "<extra></extra>",
            },
        ],
        "layout": {
            "height": 380,
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "how sure it was, %"}, "range": [0, 103]},
            "yaxis": {"title": {"text": "right, of 100"}, "range": [-3, 103]},
        },
    }  # fmt: skip
    said = "; ".join(
        f"{100 * each.confidence:.0f} % sure: right on {each.correct} of {each.n}, "
        f"{in_words(each.interval)}"
        for each in bins
    )
    st.plotly_chart(figure, key="certainty", config={"displayModeBar": False}, alt=said)
    st.html(f'<p class="small">{_in_words(bins, cross_validated=report.cross_validated)}</p>')
    if calibration := report.calibration:
        _adjusted(calibration)


def _in_words(bins: Sequence[Bin], *, cross_validated: bool) -> str:
    counts = miscalibrated_bins(bins, cross_validated=cross_validated)
    words = [f"too bold in {counts.overconfident}"] if counts.overconfident else []
    words += [f"too shy in {counts.underconfident}"] if counts.underconfident else []
    if not words:
        return "On these images nothing shows that it is overconfident or underconfident."
    return (
        f"Of {text.count(len(bins), 'group')} of images it was {' and '.join(words)}, beyond "
        'what chance explains <span class="term">(exact binomial tests, corrected for the number '
        "of groups)</span>."
    )


def _adjusted(found: CalibrationResult) -> None:
    st.html(
        '<h3 class="card-title">What was adjusted</h3>'
        f"<p>{temperature_in_words(found)}</p>{_gained(found)}"
        f'<p style="margin-top:.8rem">{sets_in_words(found)}</p>'
        f'<p style="margin-top:.5rem">{unknown_in_words(found)}</p>'
    )


def _gained(found: CalibrationResult) -> str:
    """What the temperature did, as a table; nothing where there is none."""
    if found.temperature == 1.0:
        return ""
    rows = "".join(
        f'<tr><td>{name} <span class="term">{term}</span></td>'
        f'<td class="n">{change.before:.3f}</td>'
        f'<td class="n">{change.after:.3f}</td>'
        f"<td>{change_in_words(change)}</td></tr>"
        for name, term, change in (
            ("Surprise at the right answer", "log-loss", found.log_loss),
            ("Distance from the truth", "Brier score", found.brier),
        )
    )
    n, who = sum(each.n for each in found.reliability), testers_in_words(found)
    of = f"<p>What such an adjustment did for {n:,} images{who}:</p>" if who else ""
    return (
        f"{of}"
        '<div class="scroll"><table class="table"><thead><tr><th>Less is better</th>'
        '<th class="n">Before</th><th class="n">After</th><th>Conclusion</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )

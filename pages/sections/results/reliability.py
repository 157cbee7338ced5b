"""Is it right as often as it says? The reliability plot, and what was adjusted."""

from collections.abc import Sequence

import streamlit as st

from core.evaluation.calibration import Bin, change_in_words, miscalibrated_bins
from core.evaluation.calibration_result import CalibrationResult
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
        cross_validated = f" These are all {report.n:,} images{evaluated_by(report.n_folds)}."
    st.html(
        '<p class="muted">Of answers with 80 % confidence, 80 % should be right '
        '<span class="term">(reliability diagram)</span>. Above the line the model is '
        "underconfident, below it overconfident. Bars are 95 % intervals; one may miss the line by "
        f"chance.{cross_validated}</p>"
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
                "hovertemplate": "%{x:.0f} % confident<br>%{customdata[0]} of "
                "%{customdata[1]} correct<extra></extra>",
            },
        ],
        "layout": {
            "height": 380,
            "showlegend": False,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": {"title": {"text": "confidence, %"}, "range": [0, 103]},
            "yaxis": {"title": {"text": "correct, %"}, "range": [-3, 103]},
        },
    }  # fmt: skip
    said = "; ".join(
        f"{100 * each.confidence:.0f} % confident: {each.correct} of {each.n} correct, "
        f"{text.likely(each.interval)}"
        for each in bins
    )
    st.plotly_chart(figure, key="certainty", config={"displayModeBar": False}, alt=said)
    st.html(f'<p class="small">{_in_words(bins, cross_validated=report.cross_validated)}</p>')
    if calibration := report.calibration:
        _adjusted(calibration)


def _in_words(bins: Sequence[Bin], *, cross_validated: bool) -> str:
    counts = miscalibrated_bins(bins, cross_validated=cross_validated)
    words = [f"overconfident in {counts.overconfident}"] if counts.overconfident else []
    words += [f"underconfident in {counts.underconfident}"] if counts.underconfident else []
    if not words:
        return "On these images it is neither measurably overconfident nor underconfident."
    return (
        f"Of {text.count(len(bins), 'group')} of images, it was {' and '.join(words)}, beyond "
        'chance <span class="term">(exact binomial tests, corrected for the number '
        "of groups)</span>."
    )


def _adjusted(found: CalibrationResult) -> None:
    st.html(
        '<h3 class="card-title">Calibration</h3>'
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
    of = f"<p>Its effect on {n:,} images{who}:</p>" if who else ""
    return (
        f"{of}"
        '<div class="scroll"><table class="table"><thead><tr><th>Lower is better</th>'
        '<th class="n">Before</th><th class="n">After</th><th>Conclusion</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )

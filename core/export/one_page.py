"""The one-file page: a single HTML with a model and all that runs it, which sends nothing anywhere.

Its sources lie in core/export/page/. What is said about the model is in the markup, so that it can
be read before the model runs; names of classes and titles are text from outside and are escaped.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import in_words
from core.evaluation.report import Report, evaluated_by, target_domain_caveat
from core.export.markdown import one_line
from core.export.run_facts import RunFacts
from core.model_description import Description

SOURCES = Path(__file__).with_name("page")
RUNTIME = SOURCES / "onnxruntime"
SCRIPTS = ("pillow.js", "files.js", "model.js", "answers.js", "camera.js", "main.js")
SLOT = re.compile(r"\{\{(\w+)\}\}")
_MOST_NAMED = 12
_MOST_CLASSES = 200
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#24694b"/>'
    '<path d="M16 27V15" stroke="#fcfbf7" stroke-width="2.6" stroke-linecap="round"/>'
    '<path d="M16 17c0-5 3.5-8.5 9-8.5C25 14 21.5 17 16 17z" fill="#9fd8b8"/>'
    '<path d="M16 20.5c0-4-2.8-6.8-8-6.8 0 4.3 3 6.8 8 6.8z" fill="#fcfbf7"/></svg>'
)


def one_page(facts: RunFacts, description: Description, graph: bytes, *, today: date) -> str:
    """The page for an ONNX graph as `core.export.onnx_graph.write_onnx` writes it."""
    runtime = re.sub(r"//# sourceMappingURL=\S+\s*$", "", _text(RUNTIME / "ort.wasm.min.js"))
    script = "\n".join(_text(SOURCES / name) for name in SCRIPTS)
    style = _text(SOURCES / "style.css")
    title = facts.dataset.title or "Image classifier"
    parts = {
        "policy": escape(policy((runtime, script), style)),
        "title": escape(one_line(title)),
        "icon": "data:image/svg+xml;base64," + _base64(_ICON.encode()),
        "style": style,
        "lead": lead(description),
        "score": f"{score_in_words(facts.report)}.",
        "card": card(facts),
        "made": f"on {today.day} {today:%B %Y}",
        "about": _json(about(description)),
        "wasm": _base64((RUNTIME / "ort-wasm-simd-threaded.wasm.gz").read_bytes()),
        "loader": _packed((RUNTIME / "ort-wasm-simd-threaded.mjs").read_bytes()),
        "graph": _packed(graph),
        "runtime": runtime,
        "script": script,
    }
    return SLOT.sub(lambda slot: parts[slot[1]], _text(SOURCES / "page.html"))


def policy(scripts: Iterable[str], style: str) -> str:
    """The Content-Security-Policy: nothing but these scripts runs, and nothing can be sent."""
    return (
        "default-src 'none'; "
        f"script-src {' '.join(map(_hash, scripts))} 'wasm-unsafe-eval' blob:; "
        f"style-src {_hash(style)}; "
        "img-src data: blob:; media-src blob:; form-action 'none'; base-uri 'none'"
    )


def about(description: Description) -> dict[str, Any]:
    """What the scripts must know: how images are prepared, and what the outputs mean."""
    preprocessing = description.preprocessing
    tasks = [
        {"name": task, "classes": classes, "threshold": description.calibration_of(task)[1]}
        for task, classes, _ in description.task_outputs()
    ]
    return {
        "size": preprocessing.size,
        "fit": preprocessing.fit,
        "mean": preprocessing.mean,
        "interpolation": preprocessing.interpolation,
        "side": description.longest_side,
        "tasks": tasks,
    }


def lead(description: Description) -> str:
    """What it tells apart, in a sentence, as HTML."""
    if len(description.tasks) > 1:
        asked = f"Answers {len(description.tasks)} questions about an image: "
        return asked + _named(description.tasks)
    return f"Tells {len(description.classes)} kinds of images apart: {_named(description.classes)}"


def _named(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - _MOST_NAMED
    shown = ", ".join(map(_bdi, all_names[:_MOST_NAMED]))
    return f"{shown} and {more} more." if more > 0 else f"{shown}."


def card(facts: RunFacts) -> str:
    """How good it is, on what, and what it must not be used for."""
    scores = "".join(map(_score, facts.report.tasks.values()))
    never = _list(
        (
            "Decisions about people’s health, safety or rights.",
            "Anything where nobody looks at what it is unsure of.",
            "Images of another kind than those it learned from: another camera, light, background "
            "or style can score much lower.",
        )
    )
    notes = _list((*_notes(facts.report), *_origin(facts)))
    return (
        '<section class="card" aria-labelledby="about-title">'
        f'<h2 id="about-title">About this model</h2>{scores}'
        f'<h3>Do not use it for</h3><ul class="never">{never}</ul>'
        f"<h3>Good to know</h3><ul>{notes}</ul></section>"
    )


def score_in_words(report: Report) -> str:
    """The score as people say it: "About 90 % correct (likely 83–94 %)"."""
    low, high = (round(100 * bound) for bound in report.interval)
    return f"About {100 * report.accuracy:.0f} % correct (likely {low}–{high} %)"


def _score(report: Report) -> str:
    words = score_in_words(report)
    task = f"<h3>{_bdi(report.task)}</h3>" if report.task else ""
    images = "image" if report.n == 1 else "images"
    caveat = target_domain_caveat(report.target_domain)
    return (
        f'{task}<p class="score">{words}</p>'
        f'<p class="muted">On {report.n:,} {images} it had not seen'
        f"{escape(evaluated_by(report.n_folds)) if report.cross_validated else ''}. "
        f"It learned from {report.n_train:,}.</p>{_range(report, words)}"
        + (f'<p class="error">{escape(caveat)}</p>' if caveat else "")
        + _classes(report)
    )


def _range(report: Report, words: str) -> str:
    low, high = (100 * bound for bound in report.interval)
    score, base = 100 * report.accuracy, 100 * report.majority.accuracy
    start = "guessing 0" if base < 0.5 else f"guessing {base:.0f}" if base <= 15 else "0"
    end = f"guessing {base:.0f}" if base >= 84 else "100"
    between = f'<span class="scale at-base">guessing {base:.0f}</span>' if 15 < base < 84 else ""
    said = f"{words}; always answering the largest class: {base:.0f} %"
    return (
        f'<div class="range" role="img" aria-label="{escape(said)}" data-low="{low:.1f}" '
        f'data-high="{high:.1f}" data-score="{score:.1f}" data-base="{base:.1f}">'
        '<span class="track"></span><span class="band"></span><span class="tick"></span>'
        f'<span class="dot"></span><span class="scale start">{start}</span>{between}'
        f'<span class="scale end">{end}</span></div>'
    )


def _classes(report: Report) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_bdi(row.label)}</th>'
        f'<td class="n">{round(row.recall * row.n)} of {row.n}</td></tr>'
        for row in report.per_class[:_MOST_CLASSES]
    )
    return (
        "<details><summary>How many of each class it recognised</summary>"
        f'<table class="classes"><tbody>{rows}</tbody></table></details>'
    )


def _notes(report: Report) -> Iterable[str]:
    found: CalibrationResult | None = report.calibration
    if found and found.sets:
        sets = found.sets
        yield (
            "“or” names further classes it might be: the right one is among them about "
            f"{100 * sets.coverage:.0f} % of the time. On the test it was for {sets.covered} of "
            f"{sets.n} images, so {in_words(sets.interval)}."
        )
    if found and found.ood:
        yield (
            "“Unknown” is unlike all that it learned from. It wrongly said so of "
            f"{found.ood.flagged} of {found.ood.n} test images. A new class that resembles one it "
            "knows is often not noticed."
        )
    else:
        yield "It always answers with one of its classes, even for an image that shows none."
    if found and found.temperature != 1.0:
        yield "Percentages are calibrated: of answers at 80 %, about 80 % are right."
    else:
        yield "Percentages are a guide: how well they fit could not be checked."


def _origin(facts: RunFacts) -> Iterable[str]:
    dataset, backbone = facts.dataset, facts.backbone
    source = f" Source: {one_line(dataset.source)}." if dataset.source else ""
    licence = f" Licence: {one_line(dataset.licence)}." if dataset.licence else ""
    yield (
        f"Learned from “{one_line(dataset.title or 'images')}” with {backbone.title}, a network "
        f"pretrained under {backbone.licence}.{source}{licence}"
    )


def _list(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(each)}</li>" for each in sentences)


def _bdi(name: str) -> str:
    return f"<bdi>{escape(one_line(name))}</bdi>"


def _hash(source: str) -> str:
    return f"'sha256-{_base64(hashlib.sha256(source.encode()).digest())}'"


def _json(content: Any) -> str:
    """JSON that stays inside its script element, whatever the names hold."""
    return json.dumps(content).replace("<", "\\u003c")


def _packed(content: bytes) -> str:
    return _base64(gzip.compress(content, 9, mtime=0))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")

"""The watch over a model in the field and its audit: false alarms, delays, coverage.

`make bench ARGS=watch`; about ten minutes on two cores. Quiet months are simulated with every
answer like those about the test images, at several rates of use and sizes of the test set.
Planted drifts begin with the first image, or after quiet ones. One drift is real: the emoji
sample, a classifier that learned from half of it, and other emoji that get darker.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.trained import trained
from benchmarks.wrong_labels import sample_with_features
from core.analysis.corruptions import CORRUPTIONS
from core.dataset.store import Store
from core.evaluation.metrics import wilson
from core.evaluation.report import Report
from core.field.accuracy import Promise, field_interval, verdict
from core.field.watch import MONTH, Reference, Stream, Watched, as_reference, reference_of, watch
from core.model import Model, model_folder
from core.recipe import Recipe
from core.settings import Settings

CLASSES = tuple("abcdef")
SIZES = (40, 95, 475)
RATES = (10, 100, 500)
MONTHS = 100
TURNS = {10: 300, 100: 200, 500: 60}
DRIFT_TURNS, REAL_TURNS = 100, 100
AFTER = 1000
"""Images after which a drift counts as not found."""
MIXED = np.array([0.4, *[0.12] * 5])
DRIFTS: dict[str, Mapping[str, Any]] = {
    "confidence 0.89 to 0.80": {"confident": (8, 2)},
    "confidence 0.89 to 0.73": {"confident": (8, 3)},
    "unknown 5 to 20 of 100": {"unknown": 0.2},
    "a class 17 to 40 of 100": {"mix": MIXED},
    "a new class, 20 of 100 images": {"new": 0.2},
}
POPULATIONS = (80, 120, 200, 400, 2000)
BANDS = ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 0.95), (0.95, 0.99))


Answers = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Confidence, class and whether unknown, (n,) each."""


def main() -> dict[str, Any]:
    """Rows of each table."""
    return {
        "false_alarms": [*_false_alarms()],
        "drifts": [*_drifts()],
        "emoji": _emoji(),
        "coverage": [*_coverage()],
        "called_different": [*_called_different()],
    }


def answers(
    rng: np.random.Generator,
    n: int,
    *,
    confident: tuple[float, float] = (8, 1),
    unknown: float = 0.05,
    mix: np.ndarray | None = None,
    new: float = 0.0,
) -> Answers:
    """Confidence, class and whether unknown, (n,) each. Images of a new class, a proportion `new`,
    are answered as one known class with little confidence, and called unknown 4 times of 10."""
    confidence = rng.beta(*confident, n)
    labels = rng.choice(len(CLASSES), n, p=mix)
    strange = rng.random(n) < unknown
    fresh = rng.random(n) < new
    confidence[fresh] = rng.beta(3, 2, int(fresh.sum()))
    labels[fresh] = 2
    strange[fresh] = rng.random(int(fresh.sum())) < 0.4
    return np.round(confidence, 6), labels, strange


def reference(rng: np.random.Generator, n: int) -> Reference:
    """A test set of n images."""
    confidence, labels, unknown = answers(rng, n)
    return Reference(CLASSES, confidence, labels, (int(unknown.sum()), n))


def stream(rng: np.random.Generator, rate: float, *parts: Answers) -> Stream:
    """These answers one after the other, so many a month at random times."""
    confidence, labels, unknown = (np.concatenate(each) for each in zip(*parts, strict=True))
    n = len(confidence)
    seconds = np.sort(rng.random(n)) * n / rate * MONTH
    return Stream(confidence, labels, unknown, seconds, rng.random(n))


def _false_alarms() -> Iterator[dict[str, Any]]:
    for rate in RATES:
        for size in SIZES:
            rng = np.random.default_rng((rate, size))
            alarms = [_alarms(rng, size, rate) for _ in range(TURNS[rate])]
            row = {
                "images_a_month": rate,
                "test_images": size,
                "months": MONTHS * TURNS[rate],
                "alarms_in_100_quiet_months": round(float(np.mean(alarms)), 3),
                "standard_error": round(float(np.std(alarms) / len(alarms) ** 0.5), 3),
            }
            print(row, flush=True)
            yield row


def _alarms(rng: np.random.Generator, size: int, rate: int) -> int:
    """How often it gave an alarm; after each, what came counts as the reference."""
    now, rest = reference(rng, size), stream(rng, rate, answers(rng, rate * MONTHS))
    alarms = 0
    while (found := watch(now, rest)).alarm:
        alarms += 1
        now = as_reference(now, _part(rest, 0, found.n), 0)
        rest = _part(rest, found.n, None)
    return alarms


def _part(whole: Stream, start: int, end: int | None) -> Stream:
    cut = slice(start, end)
    unknown = None if whole.unknown is None else whole.unknown[cut]
    return Stream(
        whole.confidence[cut], whole.labels[cut], unknown, whole.seconds[cut], whole.ties[cut]
    )


def _drifts() -> Iterator[dict[str, Any]]:
    for size in SIZES:
        for quiet in (0, 200):
            for name, drift in DRIFTS.items():
                rng = np.random.default_rng((size, quiet, len(name)))
                found = []
                for _ in range(DRIFT_TURNS):
                    parts = answers(rng, quiet), answers(rng, AFTER, **drift)
                    found.append(watch(reference(rng, size), stream(rng, 200, *parts)))
                row = {"test_images": size, "quiet_before": quiet, "drift": name}
                row |= _delays(found, quiet)
                print(row, flush=True)
                yield row


def _delays(found: list[Watched], quiet: int) -> dict[str, Any]:
    """Of those that gave no alarm before: after how many images half of them had noticed, and 9 of
    10; None where more never did."""
    ends = [each.alarm.at + 1 - quiet if each.alarm else np.inf for each in found]
    after = sorted(end for end in ends if end > 0)
    at = {name: after[int(np.ceil(part * len(after))) - 1] for name, part in _PARTS.items()}
    shown = {name: None if np.isinf(value) else int(value) for name, value in at.items()}
    return shown | {"found": float(np.mean(np.isfinite(after)))}


_PARTS = {"half_after": 0.5, "nine_of_ten_after": 0.9}


def _emoji() -> list[dict[str, Any]]:
    """Real predictions: half of the test part is the reference, the other half the field, which
    gets darker after 40 images."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        dataset, _ = sample_with_features("emoji", settings)
        store = Store(settings.home)
        run = Path(home) / "run"
        run.mkdir()
        recipe = Recipe(
            dataset=store.save(dataset), backbone="tf_efficientnet_lite0", holdout=0.5,
            strategy="feature_extraction",
        )  # fmt: skip
        report = trained(run, recipe, settings)
        model = Model.load(model_folder(run))
        pictures = [store.open(row.image) for row in report.predictions]
        quiet = _predicted(model, report, pictures)
        rows = [_turned(report, quiet, quiet, "none")]
        for kind, level in (("dark", 2), ("noise", 2), ("blur", 2)):
            named, severity = CORRUPTIONS[kind].levels[level]
            worse = [
                CORRUPTIONS[kind].apply(picture, severity, number)
                for number, picture in enumerate(pictures)
            ]
            drifted = _predicted(model, report, worse)
            rows.append(_turned(report, quiet, drifted, f"{CORRUPTIONS[kind].title}, {named}"))
            print(rows[-1], flush=True)
        digits, _ = sample_with_features("digits", settings)
        others = [store.open(item.image) for item in digits.items[:: len(digits.items) // 100]]
        strange = _predicted(model, report, others)
        for part in (0.1, 0.3):
            mixed = _mixed(quiet, strange, part)
            rows.append(_turned(report, quiet, mixed, f"Handwritten digits, {part:.0%} of images"))
            print(rows[-1], flush=True)
    return rows


def _mixed(quiet: Answers, strange: Answers, part: float) -> Answers:
    """The quiet answers, a proportion of them replaced by strange ones."""
    rng = np.random.default_rng(0)
    n = len(quiet[0])
    which = rng.random(n) < part
    drawn = rng.integers(len(strange[0]), size=n)
    confidence, labels, unknown = (
        np.where(which, theirs[drawn], own) for own, theirs in zip(quiet, strange, strict=True)
    )
    return confidence, labels, unknown


def _predicted(model: Model, report: Report, pictures: list[Image.Image]) -> Answers:
    outputs = []
    for start in range(0, len(pictures), 32):
        batch = [model.preprocessing.pixels(each) for each in pictures[start : start + 32]]
        outputs.append(model.forward(np.stack(batch)))
    probabilities = np.concatenate([each.probabilities for each in outputs])
    scores = np.concatenate([model.ood_scores(each) for each in outputs])  # type: ignore[arg-type]
    return np.round(probabilities.max(1), 6), probabilities.argmax(1), scores > 1


def _turned(report: Report, quiet: Any, drifted: Any, name: str) -> dict[str, Any]:
    whole = reference_of(report)
    found, before = [], 40
    for turn in range(REAL_TURNS):
        rng = np.random.default_rng(turn)
        order = rng.permutation(len(report.predictions))
        known, field = order[: len(order) // 2], order[len(order) // 2 :]
        promised = Reference(
            whole.classes, whole.confidence[known], whole.labels[known],
            (int(quiet[2][known].sum()), len(known)),
        )  # fmt: skip
        first, then = field[:before], field[before:]
        parts = [tuple(x[first] for x in quiet), tuple(x[then] for x in drifted)]
        found.append(watch(promised, stream(rng, 200, *parts)))  # type: ignore[arg-type]
    early = sum(bool(each.alarm and each.alarm.at < before) for each in found)
    row = {"drift": name, "test_images": len(report.predictions) // 2, "early": early}
    shown = {"confidence_before": quiet[0].mean(), "confidence_then": drifted[0].mean()}
    return row | {k: round(float(v), 3) for k, v in shown.items()} | _delays(found, before)


def _coverage() -> Iterator[dict[str, Any]]:
    """Exact, by the hypergeometric distribution: of 100 audits, how many hold the truth."""
    for population in POPULATIONS:
        for n in (20, 30, 60, 100):
            if n >= population:
                continue
            for low, high in BANDS:
                each = coverage(n, population, low, high)
                yield {
                    "images": population, "audited": n, "right": [low, high],
                    "mean": round(100 * float(each.mean()), 1),
                    "least": round(100 * float(each.min()), 1),
                }  # fmt: skip


def coverage(n: int, population: int, low: float, high: float) -> np.ndarray:
    """For each number of right answers between these shares of the population, the probability
    that the interval of a sample of n holds it."""
    from scipy.stats import hypergeom

    bounds = np.array([field_interval(correct, n, population) for correct in range(n + 1)])
    right = np.arange(int(np.ceil(low * population)), int(high * population) + 1)
    share = right[:, None] / population
    holds = (bounds[:, 0] <= share + 1e-9) & (share <= bounds[:, 1] + 1e-9)
    chance = hypergeom.pmf(np.arange(n + 1)[None], population, right[:, None], n)
    covered: np.ndarray = (chance * holds).sum(1)
    return covered


def _called_different() -> Iterator[dict[str, Any]]:
    """How often a field that is as promised is called better or worse, and one that is not."""
    rng = np.random.default_rng(0)
    for promised, then in ((0.8, 0.8), (0.9, 0.9), (0.95, 0.95), (0.9, 0.8), (0.9, 0.7)):
        for size in SIZES:
            told = [
                verdict(int(rng.binomial(60, then)), 60, Promise(int(right), size))
                for right in rng.binomial(size, promised, 2000)
            ]
            low, high = wilson(sum(each != "cannot tell" for each in told), len(told))
            yield {
                "promised": promised, "field": then, "test_images": size, "audited": 60,
                "called_different": [round(low, 3), round(high, 3)],
            }  # fmt: skip


if __name__ == "__main__":
    main()

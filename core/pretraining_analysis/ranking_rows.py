"""The rows of a ranking: put in order with what is a tie, and saved with the dataset version."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from filelock import FileLock

from core.files import read_sealed, replace_file, sealed
from core.pretraining_analysis.resampling import difference, tied_with
from core.pretraining_analysis.validation import Plan
from core.settings import Settings
from core.storage import storage

_FORMAT = 1
_SLOPE, _SPREAD = 0.5, 0.5
"""What the ImageNet figure leads to expect, in log-odds: half of the difference there is expected
here, give or take 0.5. A cautious assumption, see docs/decisions/0012."""


class RankingRow(TypedDict, total=False):
    """One backbone. Without an "error" every field is there."""

    backbone: str
    title: str
    accuracy: float
    """Of a linear classifier on images it had not learned from, 0 to 1."""
    stderr: float
    """Standard error of the accuracy (Nadeau and Bengio 2003)."""
    log_loss: float | None
    """Of the same answers, in nats; None where a closed form gave them: see Validated."""
    log_loss_stderr: float | None
    knn: float
    """Proportion of images whose nearest neighbours have their class."""
    knn_stderr: float
    images_per_second: float
    """Measured here."""
    parameters: int
    imagenet: float | None
    """See Backbone.imagenet."""
    expected: float
    """The accuracy and what ImageNet would lead to expect, taken together; the rows' order."""
    tied: bool
    """Whether the folds cannot tell it from the first."""
    folds: list[float]
    """The accuracy in each fold, alike for all backbones."""
    error: str
    """Why it could not be tried, with the way out."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What is known about one version of a dataset."""

    rows: tuple[RankingRow, ...]
    """Best first; those that could not be tried last."""
    images: int
    """In the training part, from which all figures are."""
    repeats: int
    apart: bool
    """Whether a test part was kept aside, untouched."""

    @property
    def tried(self) -> tuple[RankingRow, ...]:
        """The rows with figures."""
        return tuple(row for row in self.rows if "error" not in row)

    @property
    def suggested(self) -> RankingRow:
        """The one to take, of those that were tried: see `suggested`."""
        return suggested(self.tried)


def suggested(tried: Sequence[RankingRow]) -> RankingRow:
    """The quickest of those that are tied with the first and near it: within one standard error.

    `tried` has figures, best first. A tie alone is not enough: few images cannot tell even much
    worse ones from the first.
    """
    first = tried[0]
    near = (row for row in tried if first["expected"] - row["expected"] <= first["stderr"])
    return max((row for row in near if row["tied"]), key=lambda row: row["images_per_second"])


def ranking_of(dataset_id: str, settings: Settings) -> Ranking | None:
    """What is known about this version; None when no backbone has been tried."""
    content = _read(dataset_id, settings)
    if content is None or not content["rows"]:
        return None
    plan = content["plan"]
    return Ranking(tuple(content["rows"]), plan["images"], plan["repeats"], plan["apart"])


def ordered(rows: Sequence[RankingRow], plan: Plan) -> list[RankingRow]:
    """The rows with "expected" and "tied" filled in, best first, failed ones last."""
    tried = [row for row in rows if "error" not in row]
    failed = [row for row in rows if "error" in row]
    for row, value in zip(tried, _expected(tried, plan), strict=True):
        row["expected"] = value
    tried.sort(key=lambda row: (-row["expected"], -row["images_per_second"], row["backbone"]))
    folds = [np.array(row["folds"]) for row in tried]
    for row, tied in zip(tried, tied_with(0, folds, plan.ratio, plan.step), strict=True):
        row["tied"] = tied
    return [*tried, *failed]


def _expected(rows: Sequence[RankingRow], plan: Plan) -> list[float]:
    """The accuracies drawn towards what ImageNet leads to expect, as far as they are unsure.

    In log-odds, in which transfer goes with ImageNet (Kornblith et al., CVPR 2019, arXiv
    1805.08974). The error is that against the rows' mean on the same folds.
    """
    if not rows:
        return []
    units = plan.units
    careful = [(row["accuracy"] * units + 2) / (units + 4) for row in rows]
    seen = [log_odds(value) for value in careful]
    figures = [row["imagenet"] for row in rows if row["imagenet"] is not None]
    middle = sum(map(_figure_odds, figures)) / len(figures) if figures else 0.0
    mean = sum(seen) / len(seen)
    folds = np.array([row["folds"] for row in rows])
    expected = []
    for row, value, own in zip(rows, seen, careful, strict=True):
        apart = difference(np.array(row["folds"]), folds.mean(0), plan.ratio, plan.step)
        error = apart.stderr / (own * (1 - own))
        figure = middle if row["imagenet"] is None else _figure_odds(row["imagenet"])
        trust = _SPREAD**2 / (_SPREAD**2 + error**2)
        prior = mean + _SLOPE * (figure - middle)
        expected.append(round(1 / (1 + exp(-(trust * value + (1 - trust) * prior))), 4))
    return expected


def _figure_odds(figure: float) -> float:
    return log_odds(figure / 100)


def log_odds(p: float) -> float:
    """The logarithm of right answers over wrong ones."""
    return log(p / (1 - p))


def saved_rows(dataset_id: str, settings: Settings, plan: Plan) -> list[RankingRow]:
    """The rows of this version that were found by the same plan."""
    content = _read(dataset_id, settings)
    if content is None or content["plan"] != _plan_fields(plan):
        return []
    return list(content["rows"])


def save_row(row: RankingRow, dataset_id: str, settings: Settings, plan: Plan) -> list[RankingRow]:
    """Put a row beside those that are there; gives all of them, in order."""
    file = _file(settings, dataset_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        others = saved_rows(dataset_id, settings, plan)
        others = [each for each in others if each["backbone"] != row["backbone"]]
        rows = ordered([*others, row], plan)
        content = {"format": _FORMAT, "plan": _plan_fields(plan), "rows": rows}
        replace_file(file, sealed(json.dumps(content, ensure_ascii=False)))
    return rows


def _plan_fields(plan: Plan) -> dict[str, Any]:
    """What rows must have in common to be compared."""
    return {
        "images": len(plan.items),
        "classes": plan.classes,
        "folds": len(plan.folds),
        "repeats": plan.repeats,
        "apart": plan.apart,
    }


def _read(dataset_id: str, settings: Settings) -> dict[str, Any] | None:
    """The file's content; None when there is none, or it is damaged."""
    try:
        file = _file(settings, dataset_id)
        content: dict[str, Any] = json.loads(read_sealed(file))
        sound = content["format"] == _FORMAT and {"images", "repeats", "apart"} <= {
            *content["plan"]
        }
        if not sound or not all(map(_is_whole, content["rows"])):
            return None
        return content | {"rows": [_upgraded(row) for row in content["rows"]]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _upgraded(row: dict[str, Any]) -> dict[str, Any]:
    """Without the figures of older versions that order nothing."""
    return {name: value for name, value in row.items() if name in RankingRow.__annotations__}


def _is_whole(row: dict[str, Any]) -> bool:
    missing = RankingRow.__annotations__.keys() - row.keys()
    return missing == {"error"} or {"backbone", "title", "error"} <= row.keys()


def _file(settings: Settings, dataset_id: str) -> Path:
    return storage().here(settings.home / "rankings" / f"{dataset_id}.json")

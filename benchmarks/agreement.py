"""Does the ranking foretell what fine-tuning makes of a backbone? `make bench ARGS=agreement`.

Six networks: the three bundled ones; and variants of them, so that there is something to tell
apart: Lite0's weights with another padding, Lite1's with noise, Lite2's with late layers that have
learned nothing. Each is ranked on the training part of a sample, then its last layers are adapted
and evaluated on the test part, which the ranking has not seen. GRAFT_BENCH_SEEDS="0 1 2" takes some
hours; "0", the usual, half an hour a sample on two cores. GRAFT_BENCH="digits" takes one sample and
keeps what was found on others.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from safetensors.torch import save_file
from scipy.stats import weightedtau

from benchmarks.kept import results
from benchmarks.ranking import imported
from benchmarks.trained import trained
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Finished
from core.pretraining_analysis.backbone_ranking import rank
from core.pretraining_analysis.ranking_rows import RankingRow
from core.recipe import Recipe
from core.settings import Settings

_BUNDLED = tuple(f"tf_efficientnet_lite{number}" for number in range(3))
_VARIANTS = ("efficientnet_lite0.ra_in1k", "efficientnet_lite1", "efficientnet_lite2")
_NOISE = 0.3
"""Against the spread of each layer's weights."""
_FIGURES = ("expected", "accuracy", "log_loss", "knn")
_STEPS = 150


def main() -> dict[str, Any]:
    """For each sample the accuracy of each network once tuned, and the weighted tau of each of the
    ranking's figures with it.

    Weighted Kendall's tau counts swaps among the best most (Vigna, WWW 2015); 1 is the same order.
    """
    found: dict[str, Any] = results().get("agreement", {})
    with tempfile.TemporaryDirectory() as place:
        weights = Path(place) / "weights"
        weights.mkdir()
        _write_variants(weights)
        settings = Settings(home=Path(place) / "home", offline=True, weights=weights)
        for sample in os.environ.get("GRAFT_BENCH", "emoji digits").split():
            dataset = imported(sample, settings)
            *_, last = rank(dataset, Store(settings.home), settings, (*_BUNDLED, *_VARIANTS))
            rows: list[RankingRow] = last.result["rows"] if isinstance(last, Finished) else []
            tuned = [_tuned(row["backbone"], dataset, settings) for row in rows]
            found[sample] = {
                "tuned": {row["backbone"]: right for row, right in zip(rows, tuned, strict=True)},
                "ranked": {row["backbone"]: row["accuracy"] for row in rows},
                "weighted tau": {
                    figure: round(float(weightedtau(_better(rows, figure), tuned).statistic), 2)
                    for figure in _FIGURES
                },
            }
            print(sample, found[sample], flush=True)
    return found


def _write_variants(folder: Path) -> None:
    chance = torch.Generator().manual_seed(0)
    for name, variant in zip(_BUNDLED, _VARIANTS, strict=True):
        state = load_network(get_backbone(name), 1000, Settings(offline=True)).state_dict()
        fresh = timm.create_model(variant).state_dict()
        for key, value in state.items():
            if variant == _VARIANTS[1] and value.ndim == 4:
                state[key] = value + _NOISE * value.std() * torch.randn(
                    value.shape, generator=chance
                )
            if variant == _VARIANTS[2] and key.startswith(("blocks.5", "blocks.6", "conv_head")):
                state[key] = fresh[key]
        save_file({k: v.contiguous() for k, v in state.items()}, folder / f"{variant}.safetensors")


def _better(rows: list[RankingRow], figure: str) -> list[float]:
    """The figure of each row, turned so that more is better."""
    sign = -1 if figure == "log_loss" else 1
    return [sign * float(row[figure] or 0) for row in rows]  # type: ignore[literal-required]


def _tuned(backbone: str, dataset: Dataset, settings: Settings) -> float:
    """The share of right answers after tuning the last layers, over the seeds' test parts."""
    right = []
    for seed in map(int, os.environ.get("GRAFT_BENCH_SEEDS", "0").split()):
        folder = settings.home / "runs" / f"{dataset.id}-{backbone}-{seed}"
        recipe = Recipe(
            dataset=dataset.id, backbone=backbone, strategy="last_stages", seed=seed,
            options={"steps": _STEPS},
        )  # fmt: skip
        right.append(trained(folder, recipe, settings).accuracy)
    return round(float(np.mean(right)), 4)

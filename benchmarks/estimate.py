"""The time told beforehand against the time it then took, for every training method, and for
networks of every kind. `make bench ARGS=estimate`.

On 600 digits (of which 20 a class keep their labels where a method wants unlabelled images), 300
printed ones as the source domain, 96 px, few steps. Both run in this process, one after the other,
so that starting counts for neither; what either leaves behind (features, converted networks) is
removed before the other, but for the network that is converted once a machine.
"""

import json
import shutil
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import timm
from safetensors.torch import save_file

from benchmarks.strategies import Bench, few_labelled
from benchmarks.trained import trained
from core.backbones.catalogue import DEFAULT, get_backbone
from core.dataset.manifest import Dataset
from core.events import Finished
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import strategies
from core.training.cost_estimate import estimate
from core.transfer import FineTuning
from core.transfer.strategy import lacking

_STEPS = 20
_KINDS = {
    "CNN with BatchNorm": "resnet10t.c3_in1k",
    "ConvNeXt": "convnext_atto.d2_in1k",
    "ViT": "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    "VGG": "vgg11.tv_in1k",
}
_WAYS = ("feature_extraction", "last_stages", "selective", "lora", "full")


def main() -> dict[str, dict[str, float]]:
    """For each strategy the seconds told, the seconds taken, and told / taken."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        whole = bench.dataset("printed digits", "source", bench.dataset("digits"))
        few = few_labelled(whole, 20, 0)
        columns = tuple(replace(item, labels=(item.label, item.label)) for item in whole.labelled)
        several = replace(whole, items=columns, tasks=("digit", "again"))
        for dataset in (few, several):
            bench.store.save(dataset)
        earlier = bench.run(whole, "feature_extraction", 0)["folder"]
        for name, strategy in strategies().items():
            if lacking(strategy, has=strategy.needs, family="cnn"):
                continue  # it needs another network, whose weights do not come along
            dataset = several if "tasks" in strategy.needs else few
            found[name] = _told_and_taken(bench, name, dataset, earlier)
            print(name, json.dumps(found[name]), flush=True)
        bench.settings = _with_untrained(bench.settings)
        for (kind, network), name in product(_KINDS.items(), _WAYS):
            if not strategies()[name].fits(get_backbone(network).family):
                key = f"{name}, {kind}"
                found[key] = _told_and_taken(bench, name, few, earlier, network)
                print(key, json.dumps(found[key]), flush=True)
    return found


def _with_untrained(settings: Settings) -> Settings:
    """With networks whose weights are random: that makes no difference to how long they take."""
    weights = settings.home / "weights"
    weights.mkdir()
    for network in _KINDS.values():
        made = timm.create_model(network.partition(".")[0])
        save_file(made.state_dict(), weights / f"{network.partition('.')[0]}.safetensors")
    return settings.model_copy(update={"weights": weights})


def _told_and_taken(
    bench: Bench, name: str, dataset: Dataset, earlier: str, backbone: str = DEFAULT
) -> dict[str, float]:
    needs, options = strategies()[name].needs, strategies()[name].options
    named: dict[str, Any] = {"start": earlier} if "earlier" in needs else {}
    named |= {"teacher": earlier} if "teacher" in needs else {}
    chosen = {"steps": _STEPS} if issubclass(options, FineTuning) else {}
    recipe = Recipe(
        dataset=dataset.id, backbone=backbone, strategy=name, options=chosen, size=96, **named
    )
    _forget(bench)
    *_, told = estimate(recipe, bench.settings)
    if not isinstance(told, Finished):
        raise TypeError(told)
    _forget(bench)
    seconds, taken = told.result["seconds"], _taken(recipe, bench)
    return {"told": seconds, "taken": round(taken, 1), "ratio": round(seconds / taken, 2)}


def _forget(bench: Bench) -> None:
    shutil.rmtree(bench.home / "features", ignore_errors=True)
    (bench.home / "estimates.json").unlink(missing_ok=True)


def _taken(recipe: Recipe, bench: Bench) -> float:
    folder = Path(tempfile.mkdtemp(dir=bench.home))
    began = time.monotonic()
    trained(folder, recipe, bench.settings)
    return time.monotonic() - began

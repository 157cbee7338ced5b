"""Images of no known class, told by what the stages of the network see beside its last features.

`make bench ARGS=unknown_stages`; two minutes of one core. What the product compares by was chosen
here; benchmarks/unknown.py sets it beside other scores. The stages are those that timm lists; the
mean and the maximum of each are taken in the same pass. With each seed another fifth of the known
images is kept apart, and every class of up to six is left out in turn. As in the product the
threshold is that of 95 % of the learned images, each compared with the others and judged by folds
it was not in.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmarks.wrong_labels import imported
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import preprocessing_of
from core.backbones.runtime import freeze
from core.backbones.weights import load_network
from core.dataset.splits import folds
from core.evaluation.ood import ood_threshold
from core.features.extraction import load_pixels, reader
from core.features.linear_probe import fit_probe, softmax
from core.settings import Settings

SAMPLES = ("emoji", "digits", "surfaces")
SEEDS = (0, 1, 2)
MOST_LEFT_OUT = 6
MOST_OTHERS = 100
"""Images of each other sample."""

Blocks = list[np.ndarray]
"""The last features (n, d), then mean and maximum of each stage (n, 2 c)."""
Choice = Callable[[Blocks], Blocks]


def main() -> list[dict[str, Any]]:
    """A row for each way to compare, kind of unknown and sample."""
    known = dict(_samples())
    rows = []
    for sample, (blocks, labels) in known.items():
        found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
        for seed in SEEDS:
            others = [_some(known[other][0], seed) for other in SAMPLES if other != sample]
            strange = [np.concatenate(each) for each in zip(*others, strict=True)]
            turns = [("another sample", blocks, labels, strange)]
            turns += [("a class left out", *turn) for turn in _left_out(blocks, labels)]
            for kind, mine, own, unknown in turns:
                for way, result in _turn(mine, own, unknown, seed):
                    found.setdefault((kind, way), []).append(result)
            print(sample, seed, flush=True)
        rows += [_row(sample, kind, way, each) for (kind, way), each in found.items()]
    return rows


class _WithStages(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        names = [each["module"] for each in network.feature_info]  # type: ignore[union-attr]
        self.seen: dict[str, torch.Tensor] = {}
        for name in names:
            network.get_submodule(name).register_forward_hook(self._recorder(name))
        channels = [int(each["num_chs"]) for each in network.feature_info]  # type: ignore[union-attr]
        classifier = network.get_classifier()  # type: ignore[operator]
        self.sizes = [classifier.in_features, *(2 * each for each in channels)]

    def _recorder(self, name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def record(_module: nn.Module, _inputs: Any, maps: torch.Tensor) -> None:
            self.seen[name] = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)

        return record

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.network.forward_features(images)  # type: ignore[operator]
        features = self.network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        return torch.cat([features, *self.seen.values()], dim=1)


def _samples() -> Iterator[tuple[str, tuple[Blocks, np.ndarray]]]:
    """Blocks and labels of the images of each sample."""
    backbone = get_backbone(DEFAULT)
    preprocessing = preprocessing_of(backbone)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        module = _WithStages(load_network(backbone, 2, settings)).eval()
        run = freeze(module, preprocessing)
        for sample in SAMPLES:
            dataset, store = imported(sample, settings)
            images = [item.image for item in dataset.items]
            read = reader(store, preprocessing)
            parts = load_pixels(images, read, preprocessing)
            rows = np.concatenate([run(pixels) for _, pixels in parts])
            labels = [dataset.classes.index(str(item.label)) for item in dataset.items]
            blocks = np.split(rows, np.cumsum(module.sizes)[:-1], axis=1)
            yield sample, (blocks, np.array(labels))


def _some(blocks: Blocks, seed: int) -> Blocks:
    kept = np.random.default_rng(seed).permutation(len(blocks[0]))[:MOST_OTHERS]
    return [each[kept] for each in blocks]


def _left_out(blocks: Blocks, labels: np.ndarray) -> Iterator[tuple[Blocks, np.ndarray, Blocks]]:
    for left in range(min(MOST_LEFT_OUT, labels.max() + 1)):
        rest = labels != left
        yield [each[rest] for each in blocks], labels[rest], [each[~rest] for each in blocks]


class _Side(NamedTuple):
    """Images, and the probabilities of their classes."""

    blocks: Blocks
    probabilities: np.ndarray


def _turn(
    blocks: Blocks, labels: np.ndarray, unknown: Blocks, seed: int
) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """For each way: AUROC, share of known images let pass, share of unknown ones noticed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    new, learned = order[: len(order) // 5], order[len(order) // 5 :]
    classes, own = np.unique(labels[learned], return_inverse=True)
    probe = fit_probe(blocks[0][learned], own, len(classes), folds(own.tolist(), None, 5, seed))

    def side(of: Blocks) -> _Side:
        return _Side(of, softmax(of[0] @ probe.weight.T + probe.bias))

    bank = _Side([each[learned] for each in blocks], probe.out_of_fold)
    sides = bank, side([each[new] for each in blocks]), side(unknown)
    for way, (choice, doubt) in WAYS.items():
        far = _distances(choice, bank, sides)
        threshold, passed, strange = (
            d * doubt(each.probabilities) for d, each in zip(far, sides, strict=True)
        )
        limit = ood_threshold(threshold)
        truth = np.r_[np.zeros(len(passed)), np.ones(len(strange))]
        area = float(roc_auc_score(truth, np.r_[passed, strange]))
        yield way, (area, float((passed <= limit).mean()), float((strange > limit).mean()))


def _distances(choice: Choice, bank: _Side, sides: Sequence[_Side]) -> list[np.ndarray]:
    """To the nearest of the bank, over all blocks; an image of the bank itself to another one.

    Every block counts by the inverse of how far the images of the bank lie apart in it.
    """
    far = [np.zeros((len(side.blocks[0]), len(bank.blocks[0]))) for side in sides]
    for number, reference in enumerate(choice(bank.blocks)):
        roots = _roots(reference)
        weight = 1 / (1 - (roots @ roots.T).mean())
        for distance, side in zip(far, sides, strict=True):
            distance += weight * (1 - _roots(choice(side.blocks)[number]) @ roots.T)
    np.fill_diagonal(far[0], np.inf)
    return [distance.min(1).clip(min=0) for distance in far]


def _roots(features: np.ndarray) -> np.ndarray:
    rows = np.sign(features) * np.sqrt(np.abs(features))
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(min=1e-12)
    return unit


def _row(
    sample: str, kind: str, way: str, turns: list[tuple[float, float, float]]
) -> dict[str, Any]:
    area, passed, noticed = np.mean(turns, axis=0)
    return {
        "sample": sample,
        "unknown": kind,
        "compared": way,
        "auroc": round(float(area), 3),
        "known_called_unknown": round(1 - float(passed), 3),
        "unknown_called_unknown": round(float(noticed), 3),
    }


def _confidence(probabilities: np.ndarray) -> np.ndarray:
    """The doubt in use: 1 for a sure answer, 2 at most."""
    doubt: np.ndarray = 2 - probabilities.max(1)
    return doubt


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """1 for a sure answer, 1.65 where all classes are as likely."""
    p = probabilities.clip(1e-7)
    doubt: np.ndarray = np.exp(-0.5 * (p * np.log(p)).sum(1) / np.log(p.shape[1]))
    return doubt


def _last(blocks: Blocks) -> Blocks:
    return blocks[:1]


def _one(blocks: Blocks) -> Blocks:
    return [np.concatenate(blocks, axis=1)]


def _all(blocks: Blocks) -> Blocks:
    return blocks


def _late(blocks: Blocks) -> Blocks:
    return [blocks[0], *blocks[-2:]]


WAYS: dict[str, tuple[Choice, Callable[[np.ndarray], np.ndarray]]] = {
    "last features (before)": (_last, _confidence),
    "last features, entropy": (_last, _entropy),
    "all stages as one vector": (_one, _confidence),
    "all stages, each a block": (_all, _confidence),
    "last two stages, each a block": (_late, _confidence),
    "last two stages, entropy (in use)": (_late, _entropy),
}


if __name__ == "__main__":
    main()

"""How far one's own domain is from the photographs that the backbones have learned from.

Asked of the bundled EfficientNet-Lite0, which still has its original classifier of 1,000 ImageNet
classes: how confident they are, whether their answers go with one's own labels, and how far the
activations in every layer are from those it saw while it learned.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from core.dataset.store import Store
from core.events import Event, Progress
from core.pretraining_analysis.resampling import Measured, corrected
from core.pretraining_analysis.validation import Plan
from core.settings import Settings

Nearness = Literal["near", "between", "far"]

_LOOKED_AT = 48
"""Images whose activations are compared: more changed the divergence by less than a tenth."""
_NEAR, _FAR = -0.8, 2.2
"""Remoteness below which a domain is near, and above which it is far. Measured by
`python -m benchmarks similarity` (divergence, entropy and remoteness): pieces of seven photographs
0.03, 0.39, -3.9; of a cat and a cup 0.06, 0.15, -5.0; of a palace and a flower 0.03, 0.57, -2.0;
emoji 0.10, 0.59, 0.1; microscopy and astronomy 0.09, 0.64, 0.5; printed pages and coins 0.07, 0.69,
0.5; surfaces 0.13, 0.62, 0.8; coloured clouds 0.33, 0.78, 3.7; noise 0.55, 0.74, 4.1; digits 0.35,
0.83, 4.3; plain colours 1.01, 0.92, 6.8."""


@dataclass(frozen=True, slots=True)
class DomainShift:
    """What the bundled network says about the images of the training part."""

    nearness: Nearness
    remoteness: float
    """Divergence and entropy in one figure: see `remoteness`."""
    entropy: Measured
    """Mean entropy of the 1,000 original classes' probabilities over log 1,000: 0 when each image
    is surely one of them, 1 when it might be any."""
    mutual_information: Measured
    """Of the original classes' answers with the own labels, over the labels' entropy, on images not
    counted with: 0 to 1."""
    divergence: float
    """Between the activations here and those on ImageNet: median over layers, in nats."""


def domain_shift(
    features: np.ndarray, plan: Plan, store: Store, settings: Settings
) -> Generator[Event, None, DomainShift]:
    """Yield Progress and return (by `yield from`) what was found.

    `features` (n, d): those of the bundled backbone, a row for each of the plan's items.
    """
    yield Progress("Predicting ImageNet classes", 0, 0)
    probabilities = original_answers(features)
    entropies = normalized_entropy(probabilities)
    images = plan.images
    step = max(1, len(images) // _LOOKED_AT)
    divergence = yield from _divergence(images[::step][:_LOOKED_AT], store, settings)
    stderr = float(entropies.std() / np.sqrt(len(entropies)))
    entropy = Measured(float(entropies.mean()), stderr)
    information = mutual_information(probabilities, plan)
    remote = remoteness(divergence, entropy.mean)
    return DomainShift(nearness(remote), remote, entropy, information, divergence)


def remoteness(divergence: float, entropy: float) -> float:
    """Both figures in one: twice the divergence counts like a tenth more entropy."""
    return float(np.log2(max(divergence, 1e-4) / 0.1) + (entropy - 0.58) / 0.1)


def nearness(remote: float) -> Nearness:
    """Remoteness as one of three words."""
    if remote > _FAR:
        return "far"
    return "near" if remote < _NEAR else "between"


def original_answers(features: np.ndarray) -> np.ndarray:
    """Probabilities (n, 1000) of the bundled backbone's original classifier."""
    from core.backbones.weights import original_classifier
    from core.features.linear_probe import softmax

    weight, bias = original_classifier()
    return softmax(features @ weight.T + bias)


def normalized_entropy(probabilities: np.ndarray) -> np.ndarray:
    """(n,) entropy of probabilities (n, classes) over the greatest possible: 0 to 1."""
    logs = np.log(np.maximum(probabilities, 1e-12))
    each: np.ndarray = -(probabilities * logs).sum(1) / np.log(probabilities.shape[1])
    return each


def mutual_information(probabilities: np.ndarray, plan: Plan) -> Measured:
    """How much the answers (n, k) tell about the labels: mutual information over their entropy.

    From the empirical joint distribution of answers and labels, as LEEP does (Nguyen et al., ICML
    2020, arXiv 2002.12462), but evaluated on each fold's own images: on those it was counted with,
    a thousand classes would seem to tell everything. Below 0 they tell nothing: counted as 0.
    """
    found = []
    for train, held in plan.folds:
        counts = np.bincount(plan.labels[train], minlength=plan.classes)
        usual = (counts + 0.5) / (counts.sum() + 0.5 * plan.classes)
        joint = np.zeros((plan.classes, probabilities.shape[1]))
        np.add.at(joint, plan.labels[train], probabilities[train])
        # One image's worth of the usual mixture: a class that is never answered tells nothing.
        given = (joint.T + usual) / (joint.sum(0)[:, None] + 1)
        true = plan.labels[held]
        expected = (probabilities[held] @ given)[np.arange(len(held)), true]
        loss, blind = -np.log(expected).mean(), -np.log(usual[true]).mean()
        found.append(1 - loss / blind)
    known = corrected(np.array(found), plan.ratio)
    return Measured(float(np.clip(known.mean, 0, 1)), known.stderr)


def _divergence(
    images: Sequence[str], store: Store, settings: Settings
) -> Generator[Event, None, float]:
    """The median over layers of how far activations are from what normalisation remembers.

    Each batch normalisation keeps the mean and variance that its channels had on ImageNet. For each
    channel: the Kullback-Leibler divergence between a normal distribution with those and one with
    today's (adaptive batch normalisation, Li et al. 2016, arXiv 1603.04779, sees a domain in them).
    """
    import torch

    from core.backbones.catalogue import DEFAULT, get_backbone
    from core.backbones.preprocessing import preprocessing_of
    from core.backbones.weights import load_network
    from core.devices import device_of
    from core.features.extraction import load_pixels

    backbone = get_backbone(DEFAULT)
    network = load_network(backbone, 2, settings).to(device_of(settings))
    preprocessing = preprocessing_of(backbone)
    sums: dict[Any, np.ndarray] = {}

    def note(layer: Any, given: tuple[torch.Tensor, ...], _: Any) -> None:
        x = given[0].float()
        moments = torch.stack([x.mean((0, 2, 3)), (x**2).mean((0, 2, 3))])
        here = moments.double().cpu().numpy() * len(x)
        sums[layer] = sums.get(layer, 0.0) + here

    layers = [m for m in network.modules() if getattr(m, "running_var", None) is not None]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    what, done = "Measuring how much your images differ from photographs", 0
    try:
        for hashes, pixels in load_pixels(images, store.open, preprocessing, batch=16):
            with torch.inference_mode():
                batch = preprocessing.normalised(pixels).to(device_of(settings))
                network(batch.contiguous(memory_format=torch.channels_last))
            done += len(hashes)
            yield Progress(what, done, len(images))
    finally:
        for hook in hooks:
            hook.remove()
    return float(np.median([_apart(layer, sums[layer] / done) for layer in layers]))


def _apart(layer: Any, moments: np.ndarray) -> float:
    """The middle channel's divergence; `moments` (2, channels): means, means of squares."""
    mean, square = moments
    variance = np.maximum(square - mean**2, 1e-8)
    kept = cast(np.ndarray, layer.running_var.double().cpu().numpy()) + layer.eps
    shift = (mean - layer.running_mean.double().cpu().numpy()) ** 2
    ratio = variance / kept
    return float(np.median(0.5 * (ratio + shift / kept - 1 - np.log(ratio))))

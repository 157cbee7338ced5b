"""A rare class counts as much as a frequent one, where it is asked for."""

import pytest
import torch
from tiny import PREPROCESSING, Tiny, trainer_of
from torch import nn

from core.backbones.augmentation import Augmentation
from core.training.batch_sources import ImageSource
from core.training.trainer import Trainer
from core.transfer import Batch, FineTuning, GradientPhase, losses


def test_with_class_weights_a_rare_class_counts_as_much_as_a_frequent_one():
    labels = torch.tensor([0] * 9 + [1] * 3)
    weights = losses.class_weights(labels, 3)
    assert weights[1] == pytest.approx(3 * weights[0])
    assert weights[labels].mean() == pytest.approx(1)
    logits = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    each = [losses.cross_entropy(logits[labels == k], labels[labels == k]) for k in (0, 1)]
    whole = losses.cross_entropy(logits, labels, 0.0, weights)
    assert whole == pytest.approx(float(sum(each) / 2))
    halves = [losses.cross_entropy(logits[k::2], labels[k::2], 0.1, weights) for k in (0, 1)]
    assert losses.cross_entropy(logits, labels, 0.1, weights) == pytest.approx(
        float(sum(halves) / 2)
    )


def test_objectives_are_given_the_class_weights_when_they_are_asked_for(pixels):
    rare = (pixels[0][:30], [0] * 24 + [1] * 6)
    given = []

    def objective(forward, batch: Batch):
        given.append(batch.weights)
        logits, _ = forward(batch.inputs)
        return logits.square().mean(), logits

    list(trainer_of(rare, objective=objective, balanced=True)[1].run())
    list(trainer_of(rare, objective=objective)[1].run())
    assert given[0].tolist() == pytest.approx([30 / 48, 30 / 12])
    assert given[-1] is None


def test_each_of_several_tasks_has_class_weights_of_its_own(pixels):
    images = pixels[0][:12]
    answers = [[0, 2]] * 6 + [[0, 0]] * 3 + [[1, -1]] * 3
    source = ImageSource(images, answers, PREPROCESSING, Augmentation(), "cpu")
    network = Tiny()
    network.head = nn.Linear(8, 5)
    phase = GradientPhase("Learning", 1, [{"params": list(network.parameters()), "lr": 0.01}])
    heads = {"colour": slice(0, 2), "shape": slice(2, 5)}
    options = FineTuning(batch=8, balanced=True)
    trainer = Trainer(
        network, network, phase, source, options, seed=0, number=0, output_slices=heads
    )
    expected = [12 / 18, 12 / 6, 9 / 6, 1, 9 / 12]
    assert trainer.weights.tolist() == pytest.approx(expected)

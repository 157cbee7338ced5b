"""A tiny hand-made network, and what trains it."""

import torch
from torch import nn

from core.backbones.augmentation import Augmentation
from core.backbones.preprocessing import Preprocessing
from core.training.batch_sources import ImageSource
from core.training.model_soup import ModelSoup
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase

PREPROCESSING = Preprocessing(12, "squash", (0.5,) * 3, (0.5,) * 3)


class Tiny(nn.Module):
    """A convolution, BatchNorm, dropout, a frozen-able body, a classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.drop(self.body(self.stem(x)).mean((2, 3))))

    def get_classifier(self):
        return self.head


def makings(pixels, *, steps=20, trained=lambda net: net.parameters(), seed=3, n_averaged_runs=1,
            objective=None, validation=None, from_scratch=False, lr=1e-2, **options):  # fmt: skip
    """A network, its phase, and what makes the trainer of a repetition."""
    torch.manual_seed(0)
    network = Tiny()
    policy = options.get("augmentation", "plain")
    source = ImageSource(*pixels, PREPROCESSING, Augmentation(policy=policy), "cpu")
    groups = [{"params": list(trained(network)), "lr": lr}]
    phase = GradientPhase(
        "Learning",
        steps,
        groups,
        objective,
        from_scratch=from_scratch,
        n_averaged_runs=n_averaged_runs,
    )
    validation = (
        ImageSource(*validation, PREPROCESSING, Augmentation(), "cpu") if validation else source
    )

    def make(repetition=0):
        return Trainer(network, network, phase, source, FineTuning(batch=8, **options), seed=seed,
                       number=1, repetition=repetition, validation=validation)  # fmt: skip

    return network, phase, make


def trainer_of(pixels, **choices):
    """A network and its trainer."""
    network, _, make = makings(pixels, **choices)
    return network, make()


def soup_of(pixels, **choices):
    """A network and what trains it several times."""
    network, phase, make = makings(pixels, **choices)
    return network, ModelSoup(phase, make)


def body(network):
    """The parameters in the middle of it."""
    return network.body.parameters()


def weights(network):
    """A copy of all that it is made of, by name."""
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_equal(one, other):
    """To the last bit."""
    for name, value in one.items():
        assert torch.equal(value, other[name]), name

"""What every strategy promises, checked on one network: shared by all strategies' tests."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import timm
import torch
from timm.models.vgg import VGG

from core.backbones.augmentation import Augmentation
from core.backbones.graph_split import cut
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import classifier, merge, remember_head
from core.strategies import strategies
from core.training.batch_sources import ImageSource
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase
from core.transfer.option_info import resolve

NETWORKS = {
    "CNN with BatchNorm": ("resnet10t", "cnn"),
    "ConvNeXt": ("convnext_atto", "convnext"),
    "ViT": ("vit_tiny_patch16_224", "vit"),
    "VGG": ("vgg11", "vgg"),
}
OPEN = {
    "resnet10t": {"zero_init_last": False, "channels": (16, 24, 32, 48)},
    "convnext_atto": {"ls_init_value": 0.1, "depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32)},
    "vit_tiny_patch16_224": {"img_size": 32, "depth": 6, "embed_dim": 48},
}
"""The branches of trained networks are open; those of freshly made ones are shut. Narrow and
shallow: every layer of a kind is treated alike."""
TEACHER_OUTPUTS = (torch.zeros(6, 3), torch.eye(6))
"""Logits and features of a teacher for the six images."""


def made(family):
    """A small network of this family, always the same."""
    architecture, _ = NETWORKS[family]
    torch.manual_seed(0)
    if architecture == "vgg11":  # the whole of it would take most of the time of all tests
        narrow = [8, "M", 16, "M", 32, 32, "M", 32, 32, "M", 32, 32, "M"]
        network = VGG(narrow, num_classes=3, mlp_ratio=0.02).eval()
    else:
        network = timm.create_model(architecture, num_classes=3, **OPEN[architecture]).eval()
    remember_head(network, (torch.randn(10, classifier(network).in_features), torch.zeros(10)))
    return network


def six_images():
    chance = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (6, 3, 32, 32), generator=chance).to(torch.uint8).numpy()
    preprocessing = Preprocessing(32, "squash", (0.5,) * 3, (0.5,) * 3)
    return ImageSource(pixels, [0, 1, 2] * 2, preprocessing, Augmentation(), "cpu")


def prepared(name, chosen, network, family):
    """The options and the phases."""
    kind, strategy = NETWORKS[family][1], strategies()[name]
    options = resolve(strategy, chosen, images=300, classes=3, family=kind)
    phases = strategy.phases(network, options)
    seen = np.random.default_rng(0).normal(size=(6, classifier(network).in_features))
    for phase in phases:
        if isinstance(phase, GradientPhase) and phase.on_features:
            phase.on_features(seen.astype(np.float32), np.array([0, 1, 2] * 2))
    return options, phases


def trainer_of(network, phase, options, images, number, steps):
    assert isinstance(options, FineTuning)
    return Trainer(
        network, network, replace(phase, steps=steps), images,
        options.model_copy(update={"batch": 4}), seed=0, number=number,
        auxiliary=dict.fromkeys(phase.auxiliary, images),
        teacher_outputs=TEACHER_OUTPUTS if phase.uses_teacher else None,
    )  # fmt: skip


def declared(network, phase):
    mine = {id(p) for group in phase.groups for p in group["params"]}
    return {n for n, p in network.named_parameters() if id(p) in mine}


def state_of(network):
    return {n: v.clone() for n, v in network.state_dict().items()}


def stepping(phases):
    """The phases of gradient steps, by their number."""
    return {n: phase for n, phase in enumerate(phases) if isinstance(phase, GradientPhase)}


def changes_exactly_what_it_declares(name, chosen, family, network, images):
    options, phases = prepared(name, chosen, network, family)
    for number, phase in stepping(phases).items():
        before, learned = state_of(network), [p for g in phase.groups for p in g["params"]]
        begun = [parameter.detach().clone() for parameter in learned]
        steps = options.model_copy(update={"ema": 0.0})
        trainer = trainer_of(network, phase, steps, images, number, 2)
        losses = [event.loss for event in trainer.run()]
        trainer.settle()
        assert len(losses) == 2
        assert np.isfinite(losses).all()
        changed = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
        if phase.from_scratch:  # a network that begins at random has statistics to learn, too
            changed -= {n for n, _ in network.named_buffers()}
        assert changed == declared(network, phase)
        assert not any(torch.equal(p, b) for p, b in zip(learned, begun, strict=True))


def goes_on_to_the_same_weights(name, chosen, family, original, images):
    def begun(number, seed):
        torch.manual_seed(seed)
        network = deepcopy(original)
        options, phases = prepared(name, chosen, network, family)
        return network, trainer_of(network, phases[number], options, images, number, 2)

    _, phases = prepared(name, chosen, deepcopy(original), family)
    for number in stepping(phases):
        whole, trainer = begun(number, 5)
        list(trainer.run())
        halved, trainer = begun(number, 5)
        next(trainer.run())
        kept, state = state_of(halved), {n: v.clone() for n, v in trainer.state().items()}
        resumed, again = begun(number, 6)
        resumed.load_state_dict(kept)
        again.load(state)
        list(again.run())
        expected = whole.state_dict()
        for key, value in resumed.state_dict().items():
            assert torch.equal(value, expected[key]), (number, key)


def can_be_cut_where_it_begins(name, chosen, family, network):
    _, phases = prepared(name, chosen, network, family)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    for phase in stepping(phases).values():
        parts = cut(network, declared(network, phase))
        with torch.no_grad():
            inputs = parts.prefix(images) if parts.prefix else images
            torch.testing.assert_close(parts.suffix(inputs), network(images))


def is_saved_as_it_was_taught(name, chosen, family, original):
    """Parts that a strategy added are merged; the weights fit a network of the usual making."""
    network = deepcopy(original)
    _, phases = prepared(name, chosen, network, family)
    chance = torch.Generator().manual_seed(3)
    for phase in stepping(phases).values():
        with torch.no_grad():
            for parameter in (p for group in phase.groups for p in group["params"]):
                parameter += 0.01 * torch.randn(parameter.shape, generator=chance)
    images = torch.rand(2, 3, 32, 32, generator=chance)
    with torch.no_grad():
        taught = network(images)
        merge(network)
        usual = deepcopy(original)
        usual.load_state_dict(network.state_dict())
        torch.testing.assert_close(usual(images), taught, atol=1e-4, rtol=1e-4)

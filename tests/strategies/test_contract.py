"""What every strategy promises on every family of network, with small networks made here."""

from dataclasses import replace

import pytest
import timm
import torch

from core.backbones.augment import Augmentation
from core.backbones.cut import cut
from core.backbones.preprocess import Preprocessing
from core.backbones.weights import merge
from core.errors import BadRecipe
from core.strategies import FineTuning, Phase, resolve, strategies
from core.training.loop import Trainer
from core.training.sources import Pictures

NETWORKS = {
    "CNN with BatchNorm": ("resnet10t", "cnn"),
    "ConvNeXt": ("convnext_atto", "convnext"),
    "ViT": ("vit_tiny_patch16_224", "vit"),
    "VGG": ("vgg11", "cnn"),
}

OTHERWISE = [
    ("soft_sharing", {"hold": "bss"}),
    ("soft_sharing", {"hold": "delta"}),
    ("domain_adaptation", {"method": "coral"}),
    ("domain_adaptation", {"method": "mmd"}),
    ("domain_adaptation", {"method": "dann"}),
    ("distillation", {"what": "relations"}),
    ("pseudo_labels", {"balance": False, "sure": 0.3}),
]
"""Choices that bring a loss of their own."""

TAUGHT = (torch.zeros(6, 3), torch.eye(6))
"""Logits and features of a teacher for the six pictures."""


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request):
    architecture, family = NETWORKS[request.param]
    torch.manual_seed(0)
    # A trained ConvNeXt's branches are open; freshly made they are shut to a millionth.
    shape = {"vit": {"img_size": 64}, "convnext": {"ls_init_value": 0.1}}.get(family, {})
    if architecture == "vgg11":  # its two layers of 4,096 would take most of the time of all tests
        shape = {"mlp_ratio": 0.05}
    return timm.create_model(architecture, num_classes=3, **shape).eval(), family


@pytest.fixture(scope="module")
def pictures():
    chance = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (6, 3, 64, 64), generator=chance).to(torch.uint8).numpy()
    preprocessing = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
    return Pictures(pixels, [0, 1, 2] * 2, preprocessing, Augmentation(), "cpu")


@pytest.mark.parametrize("name", list(strategies()))
def test_exactly_what_a_strategy_declares_changes(name, network, pictures):
    assert_what_is_declared_changes(name, {}, network, pictures)


@pytest.mark.parametrize("network", ["CNN with BatchNorm"], indirect=True)
@pytest.mark.parametrize(("name", "chosen"), OTHERWISE)
def test_so_it_does_whatever_loss_is_chosen(name, chosen, network, pictures):
    assert_what_is_declared_changes(name, chosen, network, pictures)


def assert_what_is_declared_changes(name, chosen, network, pictures):
    made, family = network
    strategy = strategies()[name]
    options = resolve(strategy, chosen, images=300, classes=3, family=family)
    start = {n: v.clone() for n, v in made.state_dict().items()}
    for number, phase in enumerate(_phases(strategy, made, options)):
        if not isinstance(phase, Phase):
            continue
        assert isinstance(options, FineTuning)
        learned = [p for group in phase.groups for p in group["params"]]
        declared = {id(p) for p in learned}
        names = {n for n, p in made.named_parameters() if id(p) in declared}
        begun = [p.detach().clone() for p in learned]
        before = {n: v.clone() for n, v in made.state_dict().items()}
        short = replace(phase, steps=2)
        few = options.model_copy(update={"batch": 4, "ema": 0.0})
        trainer = Trainer(
            made, made, short, pictures, few, seed=0, number=number,
            streams=dict.fromkeys(phase.streams, pictures), taught=TAUGHT if phase.taught else None,
        )  # fmt: skip
        losses = [event.loss for event in trainer.run()]
        trainer.settle()
        assert all(loss == loss and loss < float("inf") for loss in losses)
        changed = {n for n, v in made.state_dict().items() if not torch.equal(v, before[n])}
        if phase.fresh:  # a network that begins at random has statistics to learn, too
            changed -= {n for n, _ in made.named_buffers()}
        assert changed == names
        assert not any(torch.equal(p, b) for p, b in zip(learned, begun, strict=True))
    merge(made)
    made.load_state_dict(start)


def _phases(strategy, network, options):
    """The phases; none where the network lacks what the strategy changes and it says so."""
    try:
        return strategy.phases(network, options)
    except BadRecipe:
        return []


def test_a_network_without_normalisation_says_what_to_choose_instead():
    network = timm.create_model("vgg11", num_classes=3)
    options = resolve(strategies()["selective"], {}, images=300, classes=3, family="cnn")
    with pytest.raises(BadRecipe, match="no norms; choose another part"):
        strategies()["selective"].phases(network, options)


@pytest.mark.parametrize("name", list(strategies()))
def test_the_network_can_be_cut_where_a_strategy_begins(name, network):
    made, family = network
    strategy = strategies()[name]
    options = resolve(strategy, {}, images=300, classes=3, family=family)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    for phase in _phases(strategy, made, options):
        if isinstance(phase, Phase):
            declared = {id(p) for group in phase.groups for p in group["params"]}
            parts = cut(made, {n for n, p in made.named_parameters() if id(p) in declared})
            with torch.no_grad():
                inputs = parts.prefix(images) if parts.prefix else images
                torch.testing.assert_close(parts.suffix(inputs), made(images))

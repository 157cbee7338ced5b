"""What every strategy promises on every family of network, with small networks made here."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from timm.models.vgg import VGG

from core.backbones.augmentation import Augmentation
from core.backbones.graph_split import cut
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import classifier, merge, remember_head
from core.errors import BadRecipe
from core.strategies import FineTuning, Phase, Probe, resolve, strategies
from core.training.batch_sources import Pictures
from core.training.trainer import Trainer

NETWORKS = {
    "CNN with BatchNorm": ("resnet10t", "cnn"),
    "ConvNeXt": ("convnext_atto", "convnext"),
    "ViT": ("vit_tiny_patch16_224", "vit"),
    "VGG": ("vgg11", "vgg"),
}
OPEN = {
    "resnet10t": {"zero_init_last": False},
    "convnext_atto": {"ls_init_value": 0.1},
    "vit_tiny_patch16_224": {"img_size": 32},
}
"""The branches of trained networks are open; those of freshly made ones are shut."""
CHOICES = [
    *((name, {}) for name in strategies()),
    ("descriptions", {"then": "last layers"}),
    *(("selective", {"parts": parts}) for parts in ("biases", "layers")),
    *(("soft_sharing", {"hold": hold}) for hold in ("bss", "delta", "co-tuning")),
    *(("domain_adaptation", {"method": method}) for method in ("dann", "coral", "mmd")),
    *(("distillation", {"what": what}) for what in ("answers", "relations")),
    ("pseudo_labels", {"balance": False}),
]
CLASSIFIER_ALONE = {"feature_extraction", "domain_alignment", "instance_weighting", "descriptions"}
"""Those that take no gradient step unless they are asked to."""
NOT_HERE = {("lora", "CNN with BatchNorm"), ("lora", "ConvNeXt"), ("lora", "VGG")}
"""Where a network lacks what a strategy changes by default."""
TAUGHT = (torch.zeros(6, 3), torch.eye(6))
"""Logits and features of a teacher for the six pictures."""


def over(choices):
    """Each of these on each network that has what it changes."""
    pairs = [
        pytest.param(family, name, chosen, id=" ".join([family, name, *map(str, chosen.values())]))
        for family in NETWORKS
        for name, chosen in choices
        if chosen or (name, family) not in NOT_HERE
    ]
    return pytest.mark.parametrize(("family", "name", "chosen"), pairs, indirect=["family"])


every_choice = over(CHOICES)
with_steps = over([(name, o) for name, o in CHOICES if o or name not in CLASSIFIER_ALONE])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two wait longer for each other than such small networks take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def family(request):
    return request.param


@pytest.fixture(scope="module")
def original(family):
    architecture, _ = NETWORKS[family]
    torch.manual_seed(0)
    if architecture == "vgg11":  # the whole of it would take most of the time of all tests
        narrow = [8, "M", 16, "M", 32, 32, "M", 32, 32, "M", 32, 32, "M"]
        made = VGG(narrow, num_classes=3, mlp_ratio=0.02).eval()
    else:
        made = timm.create_model(architecture, num_classes=3, **OPEN[architecture]).eval()
    remember_head(made, (torch.randn(10, classifier(made).in_features), torch.zeros(10)))
    return made


@pytest.fixture
def network(original):
    return deepcopy(original)


@pytest.fixture(scope="module")
def pictures():
    chance = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (6, 3, 32, 32), generator=chance).to(torch.uint8).numpy()
    preprocessing = Preprocessing(32, "squash", (0.5,) * 3, (0.5,) * 3)
    return Pictures(pixels, [0, 1, 2] * 2, preprocessing, Augmentation(), "cpu")


def prepared(name, chosen, network, family):
    """The options and the phases."""
    kind, strategy = NETWORKS[family][1], strategies()[name]
    options = resolve(strategy, chosen, images=300, classes=3, family=kind)
    phases = strategy.phases(network, options)
    seen = np.random.default_rng(0).normal(size=(6, classifier(network).in_features))
    for phase in phases:
        if isinstance(phase, Phase) and phase.beforehand:
            phase.beforehand(seen.astype(np.float32), np.array([0, 1, 2] * 2))
    return options, phases


def trainer_of(network, phase, options, pictures, number, steps):
    assert isinstance(options, FineTuning)
    return Trainer(
        network, network, replace(phase, steps=steps), pictures,
        options.model_copy(update={"batch": 4}), seed=0, number=number,
        streams=dict.fromkeys(phase.streams, pictures), taught=TAUGHT if phase.taught else None,
    )  # fmt: skip


def declared(network, phase):
    mine = {id(p) for group in phase.groups for p in group["params"]}
    return {n for n, p in network.named_parameters() if id(p) in mine}


def state_of(network):
    return {n: v.clone() for n, v in network.state_dict().items()}


@every_choice
def test_exactly_what_a_strategy_declares_changes(name, chosen, family, network, pictures):
    options, phases = prepared(name, chosen, network, family)
    stepped = [phase for phase in phases if isinstance(phase, Phase)]
    assert bool(stepped) == (name not in CLASSIFIER_ALONE or bool(chosen))
    assert all(isinstance(phase, Probe) for phase in phases if phase not in stepped)
    for number, phase in enumerate(stepped):
        before, learned = state_of(network), [p for g in phase.groups for p in g["params"]]
        begun = [parameter.detach().clone() for parameter in learned]
        steps = options.model_copy(update={"ema": 0.0})
        trainer = trainer_of(network, phase, steps, pictures, number, 2)
        losses = [event.loss for event in trainer.run()]
        trainer.settle()
        assert len(losses) == 2
        assert np.isfinite(losses).all()
        changed = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
        if phase.fresh:  # a network that begins at random has statistics to learn, too
            changed -= {n for n, _ in network.named_buffers()}
        assert changed == declared(network, phase)
        assert not any(torch.equal(p, b) for p, b in zip(learned, begun, strict=True))


@pytest.mark.parametrize(("name", "family"), sorted(NOT_HERE), indirect=["family"])
def test_where_a_network_lacks_what_would_change_it_says_what_to_choose(name, family, network):
    with pytest.raises(BadRecipe, match="choose"):
        prepared(name, {}, network, family)


@pytest.mark.parametrize("family", ["VGG"], indirect=True)
def test_a_network_without_normalisation_changes_its_biases_or_says_what_else(family, network):
    options, _ = prepared("selective", {}, network, family)
    assert options.parts == "biases"
    with pytest.raises(BadRecipe, match="choose another part"):
        prepared("selective", {"parts": "norms"}, network, family)


@with_steps
def test_a_phase_that_goes_on_from_its_state_ends_with_the_same_weights(
    name, chosen, family, original, pictures
):
    def begun(number, seed):
        torch.manual_seed(seed)
        made = deepcopy(original)
        options, phases = prepared(name, chosen, made, family)
        return made, trainer_of(made, phases[number], options, pictures, number, 2)

    _, phases = prepared(name, chosen, deepcopy(original), family)
    for number in (n for n, phase in enumerate(phases) if isinstance(phase, Phase)):
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


@with_steps
def test_the_network_can_be_cut_where_a_strategy_begins(name, chosen, family, network):
    _, phases = prepared(name, chosen, network, family)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    for phase in phases:
        if isinstance(phase, Phase):
            parts = cut(network, declared(network, phase))
            with torch.no_grad():
                inputs = parts.prefix(images) if parts.prefix else images
                torch.testing.assert_close(parts.suffix(inputs), network(images))


@with_steps
def test_what_is_saved_answers_as_what_was_taught(name, chosen, family, original, network):
    """Parts that a strategy added are merged; the weights fit a network of the usual making."""
    _, phases = prepared(name, chosen, network, family)
    chance = torch.Generator().manual_seed(3)
    for phase in (phase for phase in phases if isinstance(phase, Phase)):
        with torch.no_grad():
            for parameter in (p for group in phase.groups for p in group["params"]):
                parameter += 0.01 * torch.randn(parameter.shape, generator=chance)
    images = torch.rand(2, 3, 32, 32, generator=chance)
    with torch.no_grad():
        told = network(images)
        merge(network)
        usual = deepcopy(original)
        usual.load_state_dict(network.state_dict())
        torch.testing.assert_close(usual(images), told, atol=1e-4, rtol=1e-4)

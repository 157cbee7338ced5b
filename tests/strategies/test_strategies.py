"""Every strategy as a person meets it: titles, options, defaults, and what it trains."""

import subprocess
import sys

import numpy as np
import pytest
import timm

from core.backbones.stages import stages
from core.backbones.weights import classifier
from core.errors import BadRecipe
from core.strategies import get_strategy, recommended, strategies
from core.transfer import FineTuning, GradientPhase, LinearProbe, Situation
from core.transfer.option_info import describe, resolve
from core.transfer.strategy import lacking

LITE0 = "tf_efficientnet_lite0"
FAMILIES = {"resnet18": "cnn", "convnext_atto": "convnext", "vit_tiny_patch16_224": "vit"}


@pytest.mark.parametrize("name", list(strategies()))
def test_a_person_can_understand_each_choice(name):
    strategy = strategies()[name]
    assert strategy.title != strategy.term
    assert strategy.advice.endswith(".")
    assert strategy.hurts.endswith(".")
    infos = describe(strategy, 300, 5, "cnn")
    assert 2 <= sum(info.main for info in infos) <= 4
    assert all(info.title and info.help.endswith(".") for info in infos)
    assert all(info.type for info in infos)


@pytest.mark.parametrize("name", list(strategies()))
@pytest.mark.parametrize("images", [10, 150, 500, 5000])
@pytest.mark.parametrize("family", ["cnn", "convnext", "vit"])
def test_defaults_are_within_their_own_limits_at_every_size(name, images, family):
    resolve(strategies()[name], {}, images=images, classes=2, family=family)


@pytest.mark.parametrize("name", list(strategies()))
def test_an_option_that_does_not_exist_is_refused_by_name(name):
    with pytest.raises(BadRecipe, match=r"no option “speed”.*There are"):
        resolve(strategies()[name], {"speed": 3}, images=100, classes=2, family="cnn")


def test_a_value_out_of_range_is_refused_with_the_range():
    with pytest.raises(BadRecipe, match=r"steps.*greater than or equal to 1"):
        resolve(get_strategy("full"), {"steps": 0}, images=100, classes=2, family="cnn")


def test_an_unknown_strategy_is_refused_with_those_that_exist():
    with pytest.raises(BadRecipe, match=r"There are: feature_extraction, last_stages, .*full"):
        get_strategy("magic")


@pytest.mark.parametrize("architecture", list(FAMILIES))
def test_full_fine_tuning_trains_everything_and_early_layers_least(architecture):
    network = timm.create_model(architecture, num_classes=3)
    options = resolve(
        get_strategy("full"), {}, images=500, classes=3, family=FAMILIES[architecture]
    )
    probe, phase = get_strategy("full").phases(network, options)
    assert isinstance(probe, LinearProbe)
    assert isinstance(phase, GradientPhase)
    trained = {id(p): g["lr"] for g in phase.groups for p in g["params"]}
    assert set(trained) == {id(p) for p in network.parameters()}
    first, last = next(network.parameters()), network.get_classifier().weight
    assert trained[id(first)] < trained[id(last)] == options.lr


@pytest.mark.parametrize("architecture", list(FAMILIES))
def test_a_larger_share_of_the_layers_trains_more_of_them(architecture):
    network = timm.create_model(architecture, num_classes=3)
    counts = []
    for fraction in (0.1, 0.3, 0.6, 0.99):
        options = resolve(
            get_strategy("last_stages"),
            {"trainable_fraction": fraction},
            images=500,
            classes=3,
            family="cnn",
        )
        phase = get_strategy("last_stages").phases(network, options)[1]
        counts.append(sum(p.numel() for g in phase.groups for p in g["params"]))
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] <= sum(p.numel() for p in network.parameters())


def test_listing_the_strategies_does_not_load_torch():
    code = "import sys, core.strategies as s; s.strategies(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_of_gradient_strategies_share_their_names():
    for name in ("last_stages", "full"):
        assert issubclass(strategies()[name].options, FineTuning)


@pytest.mark.parametrize(
    ("situation", "name"),
    [
        (Situation(images=60, fewest=20), "feature_extraction"),
        (Situation(images=400, fewest=5), "feature_extraction"),
        (Situation(images=150, fewest=30, photographs=False), "last_stages"),
        (Situation(images=400, fewest=30), "last_stages"),
        (Situation(images=2000, fewest=200, photographs=False), "full"),
        (Situation(images=2000, fewest=200, photographs=False, changes=True), "feature_extraction"),
        (Situation(images=60, fewest=10, unlabelled=400), "self_supervised"),
        (Situation(images=60, fewest=10, unlabelled=400, changes=True), "feature_extraction"),
        (Situation(images=60, fewest=10, unlabelled=50), "feature_extraction"),
        (Situation(images=400, fewest=30, unlabelled=400), "last_stages"),
        (Situation(images=60, fewest=10, source=400), "instance_weighting"),
        (Situation(images=60, fewest=10, source=400, unlabelled=200), "self_supervised"),
        (Situation(images=30, fewest=5, source=400, unlabelled=50), "instance_weighting"),
    ],
)
def test_the_situation_decides_what_is_recommended_and_a_reason_is_given(situation, name):
    has = {"labelled", *(["unlabelled"] if situation.unlabelled else [])}
    has |= {"source"} if situation.source else set()
    found, reason = recommended(situation, has=has, family="cnn")
    assert found == name
    assert reason.endswith(".")


def test_what_is_lacking_is_never_recommended():
    situation = Situation(images=60, fewest=10, unlabelled=400)
    assert recommended(situation, has={"labelled"}, family="cnn")[0] == "feature_extraction"


def test_what_a_strategy_lacks_is_said_with_what_to_add():
    lora = get_strategy("lora")
    assert lacking(lora, has={"labelled"}, family="vit") == ""
    assert "Choose a transformer" in lacking(lora, has={"labelled"}, family="cnn")
    assert "of a different kind" in lacking(
        get_strategy("instance_weighting"), has=set(), family="cnn"
    )


@pytest.mark.parametrize("name", list(strategies()))
def test_the_drawing_of_a_strategy_shows_which_layers_learn(name):
    strategy = strategies()[name]
    family, architecture = ("vit", "vit_tiny_patch16_224") if name == "lora" else ("cnn", LITE0)
    network = timm.create_model(architecture, num_classes=3)
    thirds = np.array_split(np.arange(len(stages(network))), 3)
    size = [sum(p.numel() for place in third for p in stages(network)[place]) for third in thirds]
    owner = {id(p): place for place, layer in enumerate(stages(network)) for p in layer}
    options = resolve(strategy, {}, images=300, classes=3, family=family)
    phases = strategy.phases(network, options)
    groups = [
        group for phase in phases if isinstance(phase, GradientPhase) for group in phase.groups
    ]
    trained = {id(p): p for group in groups for p in group["params"]}
    assert phases[0].all_steps == 0 or id(classifier(network).weight) in trained
    for layer, third, whole in zip(strategy.layers, thirds, size, strict=False):
        learned = sum(p.numel() for key, p in trained.items() if owner.get(key) in third)
        if name == "lora":  # what it adds lies beside the layers, as much in each of them
            learned = sum(p.numel() for key, p in trained.items() if key not in owner) / 3
        low, high = {"frozen": (0, 0), "little": (1e-6, 0.2)}.get(layer, (0.5, 1))
        assert low <= learned / whole <= high


@pytest.mark.parametrize("name", list(strategies()))
def test_every_option_says_its_type_default_and_range_and_keeps_to_them(name):
    strategy = strategies()[name]
    kinds = {"int", "float", "bool", "choice", "number-or-auto", "weights", "texts"}
    for info in describe(strategy, 300, 5, "cnn"):
        assert info.title
        assert info.type in kinds
        assert info.range
        resolve(strategy, {info.name: info.default}, images=300, classes=5, family="cnn")
        if info.type in ("int", "float"):
            for beyond in (info.minimum - 1, info.maximum + 1):
                with pytest.raises(BadRecipe) as refused:
                    resolve(strategy, {info.name: beyond}, images=300, classes=5, family="cnn")
                assert f"Allowed for {info.name}: {info.range}." in str(refused.value)


@pytest.mark.parametrize(
    ("name", "chosen", "allowed"),
    [
        ("full", {"lr": 0}, "lr: above 0, at most 1."),
        (
            "full",
            {"steps": 0, "ema": 1},
            "steps: 1 to 20000. Allowed for ema: at least 0, below 1.",
        ),
        ("full", {"mirror": "perhaps"}, "mirror: one of auto, yes, no."),
        ("multi_task", {"weights": {"a": 101}}, "weights: each 0 to 100."),
        ("feature_extraction", {"C": 0}, "C: above 0, at most 10000; or empty"),
    ],
)
def test_what_is_out_of_range_is_named_with_what_is_allowed(name, chosen, allowed):
    with pytest.raises(BadRecipe) as refused:
        resolve(strategies()[name], chosen, images=300, classes=5, family="cnn")
    assert f"Allowed for {allowed}" in str(refused.value)

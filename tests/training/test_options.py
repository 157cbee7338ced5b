"""What the options of all fine-tuning do, on tiny networks, and that none breaks a resume."""

import numpy as np
import pytest
import torch
from tiny import assert_equal, body, soup_of, trainer_of, weights
from torch import nn

from core.backbones.augmentation import Augmentation, augment
from core.backbones.graph_split import cut
from core.errors import BadRecipe
from core.events import Step, Validated
from core.strategies import get_strategy
from core.training.activation_cache import variation
from core.training.batch_sources import ActivationSource, activate
from core.training.trainer import Trainer
from core.transfer import AuxiliaryData, FineTuning, GradientPhase
from core.transfer.option_info import resolve

# Averaging over steps, and weight decay


def test_the_model_is_the_running_average_of_its_steps(pixels):
    network, trainer = trainer_of(pixels, steps=5, ema=0.2)
    average = {name: p.detach().double() for name, p in network.named_parameters()}
    for event in trainer.run():
        if isinstance(event, Step):
            keep = (1 / 10, 2 / 11, 0.2, 0.2, 0.2)[event.step - 1]  # little at first
            for name, p in network.named_parameters():
                average[name] = keep * average[name] + (1 - keep) * p.detach().double()
    last = weights(network)
    trainer.settle()
    for name, p in network.named_parameters():
        torch.testing.assert_close(p.detach().double(), average[name], rtol=1e-5, atol=1e-7)
    assert not torch.equal(network.head.weight, last["head.weight"])


def test_without_averaging_the_last_step_alone_is_kept(pixels):
    network, trainer = trainer_of(pixels, steps=5, ema=0.0)
    list(trainer.run())
    last = weights(network)
    trainer.settle()
    assert_equal(last, weights(network))


def test_weight_decay_shrinks_what_has_no_gradient_by_its_share_of_each_learning_rate(pixels):
    def nothing_to_learn(forward, batch):
        logits, _ = forward(batch.inputs)
        return 0 * logits.sum(), logits

    rates = [0.1 * 0.01 / 0.11, *(0.05 * (1 + np.cos(np.pi * p / 0.9)) for p in (0.15, 0.4, 0.65))]
    for decay in (0.5, 0.0):
        network, trainer = trainer_of(
            pixels, steps=4, lr=0.1, ema=0.0, weight_decay=decay, objective=nothing_to_learn
        )
        start = network.head.weight.detach().clone()
        list(trainer.run())
        trainer.settle()
        shrunk = np.prod([1 - rate * decay for rate in rates])
        torch.testing.assert_close(network.head.weight.detach(), start * shrunk, rtol=1e-5, atol=0)


# Dropout before the classifier


def hidden_of(network):
    """Shares of zeros that reach the classifier, while it learns and while it is looked at."""
    network.drop.p = 0.0
    network.body[-1] = nn.Sigmoid()  # never zero by itself
    hidden = {True: [], False: []}

    def write_down(head, inputs, _):
        hidden[head.training].append(float((inputs[0] == 0).float().mean()))

    network.head.register_forward_hook(write_down)
    return hidden


def test_dropout_hides_its_share_of_what_the_classifier_reads_while_learning_only(pixels):
    network, trainer = trainer_of(pixels, dropout=0.75)
    hidden = hidden_of(network)
    list(trainer.run())
    assert np.mean(hidden[True]) == pytest.approx(0.75, abs=0.05)
    assert hidden[True] != [hidden[True][0]] * 20
    assert set(hidden[False]) == {0.0}


def test_dropout_leaves_nothing_behind_in_the_network(pixels):
    network, trainer = trainer_of(pixels, dropout=0.5)
    plain, _ = trainer_of(pixels)
    list(trainer.run())
    trainer.settle()
    assert [type(m) for m in network.modules()] == [type(m) for m in plain.modules()]
    assert not network.head._forward_pre_hooks
    images = torch.rand(4, 3, 12, 12)
    assert torch.equal(network(images), network(images))


def test_dropout_reaches_the_classifier_of_a_network_that_was_cut(pixels):
    network, _ = trainer_of(pixels)
    suffix = cut(network.eval(), {"head.weight", "head.bias"}).suffix
    kept = ActivationSource(torch.rand(40, 2, 8) + 1, pixels[1], "cpu")
    phase = GradientPhase("Learning", 3, [{"params": list(network.head.parameters()), "lr": 0.01}])
    hidden = hidden_of(network)
    options = FineTuning(batch=8, dropout=0.5)
    list(Trainer(network, suffix, phase, kept, options, seed=0, number=0).run())
    assert np.mean(hidden[True]) == pytest.approx(0.5, abs=0.15)


def test_dropout_spares_a_classifier_that_does_not_learn_and_what_an_objective_reads(pixels):
    read = []

    def objective(forward, batch):
        logits, features = forward(batch.inputs)
        read.append(features.detach())
        return logits.square().mean(), logits

    network, trainer = trainer_of(pixels, dropout=0.9, trained=body, objective=objective)
    hidden = hidden_of(network)
    list(trainer.run())
    assert set(hidden[False]) == {0.0}  # a frozen classifier stays in eval mode
    network, trainer = trainer_of(pixels, dropout=0.9, objective=objective)
    hidden = hidden_of(network)
    list(trainer.run())
    assert min(hidden[True]) > 0.5
    assert all(bool((each > 0).all()) for each in read)


# How images are varied


@pytest.mark.parametrize("policy", ["trivial", "rand"])
def test_a_policy_varies_each_image_anew_and_by_the_given_generator_alone(pixels, policy):
    images = torch.from_numpy(np.repeat(pixels[0][1:2], 24, axis=0))
    how = Augmentation(1.0, mirror=False, policy=policy)
    before = torch.random.get_rng_state()
    made, again, other = (
        augment(images, how, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(made, again)
    assert not torch.equal(made, other)
    assert made.shape == images.shape
    assert 0 <= made.min() < made.max() <= 255
    assert len({each.numpy().tobytes() for each in made}) > 12


def test_the_plain_policy_is_what_it_always_was(pixels):
    images = torch.from_numpy(pixels[0])
    made = augment(images, Augmentation(), torch.Generator().manual_seed(5))
    assert made.sum().item() == pytest.approx(2_191_204.25, rel=1e-5)


def test_images_of_many_channels_can_only_be_varied_plainly():
    images = torch.zeros(2, 5, 12, 12)
    with pytest.raises(BadRecipe, match=r"5 channels.*plain"):
        augment(images, Augmentation(policy="rand"), torch.Generator())


def test_kept_activations_are_those_of_the_policy(pixels):
    def passed(policy):
        how = Augmentation(policy=policy)
        return torch.cat(list(activate(pixels[0], lambda x: x.mean((2, 3)), how, 3, 11)))

    assert torch.equal(passed("trivial"), passed("trivial"))
    assert not torch.equal(passed("trivial"), passed("plain"))


def test_unlabelled_images_are_varied_plainly_unless_strongly():
    how = Augmentation(policy="trivial")
    assert variation(AuxiliaryData("unlabelled"), how).policy == "plain"
    assert variation(AuxiliaryData("unlabelled", strong=True), how).policy == "trivial"


# All together


def looks_after(step, events):
    return [e for e in events if isinstance(e, Validated) and e.step >= step]


CHOICES = {
    "dropout": {"dropout": 0.5},
    "trivial": {"augmentation": "trivial"},
    "rand": {"augmentation": "rand"},
    "balanced": {"balanced": True},
    "patience": {"patience": 2, "steps": 36},
    "soup": {"n_averaged_runs": 2, "steps": 9},
    "all": {
        "dropout": 0.3,
        "augmentation": "rand",
        "balanced": True,
        "patience": 5,
        "n_averaged_runs": 2,
    },
}


@pytest.mark.parametrize("stop_at", [3, 6, 9, 14])
@pytest.mark.parametrize("name", list(CHOICES))
def test_with_each_option_a_resumed_phase_ends_with_the_same_weights(pixels, turned, name, stop_at):
    """Stopped right after a step, before the look that may follow it."""
    choices = {"steps": 16, **CHOICES[name]}
    if "patience" in choices:
        choices["validation"] = turned
    whole, soup = soup_of(pixels, **choices)
    events = list(soup.run(before=0, of=99))
    soup.settle()
    halved, first = soup_of(pixels, **choices)
    for event in first.run(before=0, of=99):
        if isinstance(event, Step) and event.step == stop_at:
            break
    kept, state = weights(halved), {n: v.clone() for n, v in first.state().items()}
    network, second = soup_of(pixels, **choices)
    network.load_state_dict(kept)
    second.load(state)
    assert second.step == min(stop_at, soup.step)
    rest = list(second.run(before=0, of=99))
    second.settle()
    assert second.step == soup.step
    assert_equal(weights(whole), weights(network))
    assert [e for e in rest if isinstance(e, Validated)] == looks_after(stop_at, events)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("dropout", 0.95, "less than or equal to 0.9"),
        ("augmentation", "wild", "'plain', 'trivial' or 'rand'"),
        ("patience", 21, "less than or equal to 20"),
        ("n_averaged_runs", 0, "greater than or equal to 1"),
        ("balanced", "perhaps", "boolean"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_can(name, value, said):
    with pytest.raises(BadRecipe, match=f"{name}.*{said}"):
        resolve(get_strategy("full"), {name: value}, images=100, classes=2, family="cnn")

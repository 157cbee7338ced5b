"""What the options of all fine-tuning do, on tiny networks, and that none breaks a resume."""

import numpy as np
import pytest
import torch
from tiny import PREPROCESSING, Tiny, makings, soup_of, trainer_of
from torch import nn

from core.backbones.augmentation import Augmentation, augment
from core.backbones.graph_split import cut
from core.errors import BadRecipe
from core.events import Note, Step, Validated
from core.strategies import get_strategy
from core.training.activation_cache import variation
from core.training.batch_sources import ActivationSource, ImageSource, activate
from core.training.trainer import Trainer
from core.transfer import AuxiliaryData, Batch, FineTuning, GradientPhase, losses
from core.transfer.option_info import resolve


@pytest.fixture
def turned(pixels):
    """The same images with the classes exchanged: the more is learned, the worse it looks."""
    images, labels = pixels
    return images, [1 - label for label in labels]


def body(network):
    return network.body.parameters()


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_equal(one, other):
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


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


# Stopping early


def test_it_stops_early_and_keeps_the_best_state_when_the_watched_part_gets_worse(pixels, turned):
    network, trainer = trainer_of(pixels, steps=48, patience=3, validation=turned)
    start = weights(network)
    events = list(trainer.run(before=10, of=100))
    trainer.settle()
    assert trainer.step == 12  # a look every fourth step; the first, before any, was the best
    assert_equal(start, weights(network))
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert "Stopped early, after step 22 of 100" in note
    assert "3 checks" in note
    assert "40 validation images" in note


def test_the_state_that_did_best_is_kept_and_named(pixels, turned):
    """What it learns at first is right, then the images turn against it."""
    network, trainer = trainer_of(pixels, steps=60, patience=2, ema=0.0)
    looks = []
    for event in trainer.run():
        if isinstance(event, Validated):
            looks.append((event.loss, event.step, weights(network)))
            if event.step == 20:
                trainer.validation.labels = torch.tensor(turned[1])
    trainer.settle()
    _, step, best = min(looks, key=lambda look: look[0])
    assert trainer.step == 30
    assert step == 20
    assert_equal(best, weights(network))


def test_it_goes_on_to_the_end_while_it_gets_better(pixels):
    _, trainer = trainer_of(pixels, steps=24, patience=8)
    list(trainer.run())
    assert trainer.step == 24


def test_without_a_part_to_watch_nothing_stops_early(pixels):
    network, watching = trainer_of(pixels, patience=1)
    phase, source, options = watching.phase, watching.source, watching.options
    alone = Trainer(network, network, phase, source, options, seed=0, number=0)
    events = list(alone.run())
    assert len(events) == alone.step == 20


def test_a_phase_that_leaves_the_classifier_alone_is_not_stopped_early(pixels, turned):
    _, trainer = trainer_of(pixels, patience=1, trained=body, validation=turned)
    list(trainer.run())
    assert trainer.step == 20


def test_statistics_that_were_learned_are_kept_with_the_state_they_belong_to(pixels, turned):
    network, trainer = trainer_of(pixels, patience=1, validation=turned, from_scratch=True)
    start = weights(network)
    list(trainer.run())
    trainer.settle()
    after = weights(network)
    assert torch.equal(start["stem.1.running_mean"], after["stem.1.running_mean"])


# Class weights


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


# Soups


def test_a_soup_is_the_mean_of_repetitions_from_the_same_start(pixels):
    network, soup = soup_of(pixels, n_averaged_runs=3)
    events = list(soup.run(before=0, of=60))
    soup.settle()
    made = weights(network)
    alone = []
    for repetition in range(3):
        network, _, make = makings(pixels)
        trainer = make(repetition)
        list(trainer.run())
        trainer.settle()
        alone.append(weights(network))
    assert not torch.equal(alone[0]["head.weight"], alone[1]["head.weight"])
    for name, value in made.items():
        mean = sum(each[name].double() for each in alone) / 3
        torch.testing.assert_close(value.double(), mean, rtol=1e-5, atol=1e-6)
    assert [event.step for event in events if isinstance(event, Step)] == list(range(1, 61))
    assert "3 times from the same start" in events[-1].text


def test_what_was_carried_out_to_the_end_is_kept_when_a_soup_is_stopped(pixels):
    network, soup = soup_of(pixels, n_averaged_runs=3)
    for event in soup.run(before=0, of=60):
        if isinstance(event, Step) and event.step == 25:
            break
    soup.settle()
    once, trainer = trainer_of(pixels)
    list(trainer.run())
    trainer.settle()
    assert_equal(weights(once), weights(network))


def test_an_objective_begins_anew_in_each_repetition(pixels):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, forward, batch):
            logits, _ = forward(batch.inputs)
            self.calls += 1
            return logits.square().mean(), logits

    objective = Counting()
    _, soup = soup_of(pixels, n_averaged_runs=2, objective=objective)
    list(soup.run(before=0, of=40))
    assert objective.calls == 20


def test_what_an_objective_made_of_features_outlives_a_resume_in_every_repetition(pixels):
    """The resumed process gives it none: see GradientPhase.on_features."""

    class Told(nn.Module):
        def __init__(self, told):
            super().__init__()
            self.register_buffer("told", torch.tensor(float(told)))

        def forward(self, forward, batch):
            logits, _ = forward(batch.inputs)
            return (logits - self.told).square().mean(), logits

    _, first = soup_of(pixels, n_averaged_runs=2, objective=Told(3))
    for event in first.run(before=0, of=40):
        if isinstance(event, Step) and event.step == 5:
            break
    later = Told(0)
    _, second = soup_of(pixels, n_averaged_runs=2, objective=later)
    second.load(first.state())
    list(second.run(before=0, of=40))
    assert second.repetition == 1
    assert later.told == 3


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

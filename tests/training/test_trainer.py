"""The gradient loop on tiny hand-made networks."""

import math

import pytest
import torch
from tiny import trainer_of
from torch import nn

from core.errors import Diverged
from core.events import Note, Validated
from core.training.batch_sources import ActivationSource
from core.training.schedule import schedule


def test_it_learns(pixels):
    _, trainer = trainer_of(pixels, steps=60)
    seen = [event for event in trainer.run() if isinstance(event, Validated)]
    assert seen[-1].accuracy > 0.95
    assert seen[-1].loss < seen[0].loss


def test_exactly_the_chosen_parameters_change_and_no_statistics_drift(pixels):
    network, trainer = trainer_of(pixels, trained=lambda net: net.head.parameters())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    list(trainer.run())
    trainer.settle()
    changed = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
    assert changed == {"head.weight", "head.bias"}


def test_batchnorm_keeps_its_statistics_even_when_its_scale_learns(pixels):
    network, trainer = trainer_of(pixels)
    before = network.stem[1].running_mean.clone()
    scale = network.stem[1].weight.detach().clone()
    list(trainer.run())
    assert torch.equal(network.stem[1].running_mean, before)
    assert not torch.equal(network.stem[1].weight, scale)


def test_only_modules_that_learn_leave_eval_mode(pixels):
    network, _ = trainer_of(pixels, trained=lambda net: net.head.parameters())
    assert network.head.training
    assert not network.stem[0].training
    assert not network.body.training


@pytest.mark.parametrize("stop_at", [1, 7, 19])
def test_a_run_that_goes_on_from_its_state_ends_with_the_same_weights(pixels, stop_at):
    whole_network, whole = trainer_of(pixels)
    list(whole.run())
    whole.settle()
    first_network, first = trainer_of(pixels)
    events = first.run()
    while first.step < stop_at:
        next(events)
    weights = {n: v.clone() for n, v in first_network.state_dict().items()}
    state = {n: v.clone() for n, v in first.state().items()}
    second_network, second = trainer_of(pixels)
    second_network.load_state_dict(weights)
    second.load(state)
    list(second.run())
    second.settle()
    for name, value in whole_network.state_dict().items():
        assert torch.equal(value, second_network.state_dict()[name]), name


def test_another_seed_gives_other_weights(pixels):
    ends = []
    for seed in (1, 2):
        network, trainer = trainer_of(pixels, seed=seed)
        list(trainer.run())
        ends.append(network.head.weight.detach().clone())
    assert not torch.equal(*ends)


def test_every_image_is_seen_once_before_any_comes_again(pixels):
    _, trainer = trainer_of(pixels)
    seen = []
    for step in range(5):
        seen += trainer.batches.chosen(step, 40, "train").tolist()
    assert sorted(seen) == list(range(40))


def test_validation_leaves_no_trace(pixels):
    network, validated = trainer_of(pixels)
    list(validated.run())
    other, alone = trainer_of(pixels)
    alone.validation = None
    list(alone.run())
    assert torch.equal(network.head.weight, other.head.weight)


def test_a_loss_that_runs_away_ends_with_a_plain_sentence(pixels):
    network, trainer = trainer_of(pixels)
    with torch.no_grad():
        network.head.weight.fill_(math.inf)
    with pytest.raises(Diverged, match=r"smaller learning rate than 0\.0003"):
        list(trainer.run())


def test_a_full_gpu_halves_what_goes_through_at_a_time_and_changes_nothing_else(pixels):
    """The memory error is made by hand: there is no GPU to fill here."""
    whole_network, whole = trainer_of(pixels, steps=3)
    network, trainer = trainer_of(pixels, steps=3)
    whole_network.drop.p = network.drop.p = 0.0
    whole.watched = trainer.validation = None

    class Small(nn.Module):
        def forward(self, x):
            if len(x) > 4:
                raise torch.cuda.OutOfMemoryError("full")
            return network(x)

    trainer.suffix = Small()
    list(whole.run())
    notes = [event.text for event in trainer.run() if isinstance(event, Note)]
    assert len(notes) == 1
    assert "4 at a time" in notes[0]
    torch.testing.assert_close(
        network.state_dict(), whole_network.state_dict(), rtol=0.01, atol=1e-3
    )


def test_activations_of_several_views_are_drawn_at_random():
    views = torch.arange(12.0).view(3, 4)[..., None]
    source = ActivationSource(views, [0, 1, 0], "cpu")
    drawn = [source.batch(torch.tensor([1]), torch.Generator().manual_seed(k))[0].item()
             for k in range(50)]  # fmt: skip
    assert set(drawn) == {4.0, 5.0, 6.0, 7.0}
    assert [x[0].flatten().tolist() for x in source.plain()] == [[0.0, 4.0, 8.0]]


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    rates = [schedule(k / 100) for k in range(101)]
    assert rates[0] < 0.15
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates[100] == pytest.approx(0, abs=1e-9)

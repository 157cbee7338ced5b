"""The mean of repetitions from the same start, stopped and resumed wherever it is."""

import torch
from tiny import assert_equal, makings, soup_of, trainer_of, weights
from torch import nn

from core.events import Step


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

"""A run that watches images it does not learn from stops early, and keeps its best state."""

import torch
from tiny import assert_equal, body, trainer_of, weights

from core.events import Note, Validated
from core.training.trainer import Trainer


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

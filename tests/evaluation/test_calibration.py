"""Temperatures, sets and reliability: sums made by hand, simulations, and real features."""

import numpy as np
import pytest
import torch
from torch import nn

from core.dataset.splits import folds
from core.evaluation.calibration import (
    Change,
    MiscalibratedBins,
    bins,
    brier_scores,
    change,
    change_in_words,
    conformal_threshold,
    fit_temperature,
    log_losses,
    miscalibrated_bins,
    prediction_sets,
    reliability,
    temperature_scaled,
)
from core.evaluation.calibration_result import CalibrationData, fit_calibration, measure
from core.evaluation.metrics import log_loss
from core.features.linear_probe import fit_probe, softmax


def drawn(n, classes=4, seed=0, sharpness=2.0):
    """Probabilities, and labels drawn from exactly these."""
    chance = np.random.default_rng(seed)
    shares = softmax(sharpness * chance.normal(size=(n, classes)))
    return np.array([chance.choice(classes, p=row) for row in shares]), shares


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_logits_were_spoiled_with_is_found(temperature):
    true, shares = drawn(20_000)
    spoiled = temperature_scaled(shares, 1 / temperature)
    assert fit_temperature(true, spoiled) == pytest.approx(temperature, rel=0.04)


def test_tempering_divides_logits_and_never_changes_the_answer():
    logits = np.random.default_rng(0).normal(size=(50, 5))
    shares = softmax(logits)
    assert temperature_scaled(shares, 2.0) == pytest.approx(softmax(logits / 2), abs=1e-6)
    each = np.linspace(0.5, 3, 50)
    assert temperature_scaled(shares, each) == pytest.approx(
        softmax(logits / each[:, None]), abs=1e-6
    )
    assert (temperature_scaled(shares, each).argmax(1) == shares.argmax(1)).all()
    assert temperature_scaled(np.array([[1.0, 0.0]]), 3.0).sum() == pytest.approx(1)


def test_a_few_right_answers_are_no_reason_for_confidence():
    shares = np.full((8, 3), 0.05)
    shares[:, 0] = 0.9
    assert 0.4 < fit_temperature(np.zeros(8, int), shares) < 1
    assert fit_temperature(np.zeros(0, int), np.zeros((0, 3))) == 1.0


def test_a_classifier_that_was_made_far_too_shy_is_mended(digits):
    """Its strength is held so low; with a temperature from other images than those judged."""
    own = folds(digits.labels.tolist(), None, 5, 0)
    fitted = fit_probe(digits.features, digits.labels, 10, own, C_grid=(0.003,))
    half = np.arange(400) % 2 == 0
    told, true = fitted.out_of_fold, digits.labels
    temperature = fit_temperature(true[half], told[half])
    before, after = told[~half], temperature_scaled(told[~half], temperature)
    assert temperature < 0.9
    found = change(log_losses(true[~half], before), log_losses(true[~half], after))
    assert found.interval[1] < 0
    assert found.after == pytest.approx(log_loss(true[~half], after), abs=1e-6)


def test_the_temperature_of_the_first_classifier_is_near_one(digits):
    """Its strength was chosen by log-loss, so little is left to mend."""
    own = folds(digits.labels.tolist(), None, 5, 0)
    fitted = fit_probe(digits.features, digits.labels, 10, own)
    assert 0.8 < fit_temperature(digits.labels, fitted.out_of_fold) < 1.3


@pytest.mark.parametrize("n", [60, 120, 200])
def test_a_temperature_does_not_worsen_the_log_loss_of_the_first_classifier(digits, n):
    """The one that every run begins with, on new images, in the mean of twelve draws."""
    changes = []
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(400)
        learn, new = order[:n], order[n:]
        x, y = digits.features, digits.labels
        fitted = fit_probe(x[learn], y[learn], 10, folds(y[learn].tolist(), None, 5, 0))
        temperature = fit_calibration(CalibrationData(y[learn], fitted.out_of_fold)).temperature
        shares = softmax(x[new] @ fitted.weight.T + fitted.bias)
        changes.append(
            log_loss(y[new], temperature_scaled(shares, temperature)) - log_loss(y[new], shares)
        )
    assert np.mean(changes) < 0.005
    assert max(changes) < 0.05


def trained_without_restraint(rows, labels, new):
    """Answers (n, classes) of a small network that gradient steps have taught by heart."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(rows.shape[1], 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.Adam(network.parameters(), 0.002)
    target = torch.from_numpy(labels)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(torch.from_numpy(rows)), target).backward()
        optimiser.step()
    with torch.inference_mode():
        assert (network(torch.from_numpy(rows)).argmax(1) == target).all()
        return torch.softmax(network(torch.from_numpy(new)), 1).numpy()


def test_a_temperature_improves_the_log_loss_of_a_network_that_learned_to_be_too_bold(digits):
    """Each image with a temperature from the others: in turns, as for any test part."""
    order = np.random.default_rng(0).permutation(400)
    learn, new = order[:120], order[120:]
    x, y = digits.features, digits.labels
    test = CalibrationData(y[new], trained_without_restraint(x[learn], y[learn], x[new]))
    told = measure(
        test, test, fit_calibration(test), "test", folds(y[new].tolist(), None, 5, 0), None
    )
    assert told.temperature > 1.2
    assert told.log_loss.interval[1] < 0
    assert told.brier.after < told.brier.before


def test_brier_is_the_squared_distance_from_the_truth():
    shares = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    assert brier_scores(np.array([0, 1]), shares) == pytest.approx([0.09 + 0.04 + 0.01, 2.0])


def test_a_change_is_resampled_alike_however_many_are_drawn_at_once(monkeypatch):
    before, after = np.random.default_rng(0).random((2, 37))
    found = change(before, after, extremes=(-1.0, 2.0))
    for at_once in (1, 100, 37 * 999):
        monkeypatch.setattr("core.evaluation.calibration._MOST_AT_ONCE", at_once)
        assert change(before, after, extremes=(-1.0, 2.0)) == found


def test_the_interval_of_a_change_holds_the_truth_about_95_times_in_100():
    chance, held = np.random.default_rng(1), []
    for _ in range(60):
        before = chance.exponential(size=80)
        low, high = change(before, before + chance.normal(-0.1, 0.5, 80)).interval
        held.append(low <= -0.1 <= high)
    assert np.mean(held) > 0.88


def test_bins_of_an_honest_classifier_hold_its_confidence():
    true, shares = drawn(3000)
    bins = reliability(true, shares)
    assert len(bins) == 10
    assert sum(each.n for each in bins) == 3000
    held = [each.interval[0] <= each.confidence <= each.interval[1] for each in bins]
    assert sum(held) >= 8
    assert [each.confidence for each in bins] == sorted(each.confidence for each in bins)


@pytest.mark.parametrize(("n", "bins"), [(1, 1), (20, 1), (40, 2), (150, 10)])
def test_few_images_make_few_bins(n, bins):
    assert len(reliability(*drawn(n))) == bins


def test_sets_hold_the_truth_as_often_as_promised_in_simulation():
    """Split conformal prediction: between level and level + 1 / (n + 1) on average."""
    inside = []
    for seed in range(120):
        true, shares = drawn(240, seed=seed)
        shares = temperature_scaled(shares, 0.3)  # however wrong the probabilities are
        floor = conformal_threshold(true[:40], shares[:40])
        inside.append(prediction_sets(shares[40:], floor)[np.arange(200), true[40:]].mean())
    assert 0.885 < np.mean(inside) < 0.95


def test_the_floor_is_the_conformal_quantile():
    shares = np.column_stack([np.arange(1, 20) / 20, 1 - np.arange(1, 20) / 20])
    # ceil(20 * 0.9) = 18th smallest score of 19, so the 2nd smallest probability of the truth.
    assert conformal_threshold(np.zeros(19, int), shares) == pytest.approx(2 / 20)


def test_too_few_images_promise_nothing():
    true, shares = drawn(9)
    assert conformal_threshold(true, shares) is not None
    assert conformal_threshold(true[:8], shares[:8]) is None


def test_a_set_is_never_empty():
    assert prediction_sets(np.full((2, 5), 0.2), 0.9).sum(1).tolist() == [1, 1]


def test_sets_hold_the_truth_as_often_as_promised_on_real_features(digits):
    """Floors from out-of-fold answers, sets for images that no fold has seen."""
    inside = []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(400)
        learn, new = order[:200], order[200:]
        x, y = digits.features, digits.labels
        fitted = fit_probe(
            x[learn], y[learn], 10, folds(y[learn].tolist(), None, 5, 0), C_grid=(0.03,)
        )
        floor = conformal_threshold(y[learn], fitted.out_of_fold)
        shares = softmax(x[new] @ fitted.weight.T + fitted.bias)
        inside.append(prediction_sets(shares, floor)[np.arange(200), y[new]].mean())
    assert 0.86 < np.mean(inside) < 0.97


def told(n, chance, *, overconfident=0.0):
    """n answers, most of them as sure as fine-tuned networks are, that are right as often as said,
    or by `overconfident` of what is left to certainty less often."""
    sure = np.where(chance.random(n) < 0.7, 1 - chance.exponential(0.01, n).clip(0, 0.5),
                    chance.uniform(0.4, 1, n))  # fmt: skip
    return bins(sure, chance.random(n) < sure - overconfident)


@pytest.mark.parametrize("n", [40, 150, 2000])
def test_hardly_an_honest_classifier_is_called_too_bold_or_too_shy(n):
    chance = np.random.default_rng(0)
    found = [miscalibrated_bins(told(n, chance)) for _ in range(200)]
    assert sum(bool(each.overconfident or each.underconfident) for each in found) <= 0.05 * 200


def test_one_that_is_clearly_too_sure_is_called_too_bold():
    chance = np.random.default_rng(0)
    found = [miscalibrated_bins(told(400, chance, overconfident=0.15)) for _ in range(20)]
    assert all(each.overconfident >= 2 and not each.underconfident for each in found)


def test_a_classifier_that_is_never_sure_and_always_right_is_too_shy():
    assert miscalibrated_bins(bins(np.full(60, 0.6), np.ones(60, bool))) == MiscalibratedBins(
        overconfident=0, underconfident=4
    )
    assert miscalibrated_bins([]) == MiscalibratedBins(0, 0)


def test_models_that_share_their_images_are_blamed_later():
    found = bins(np.full(16, 0.9), np.arange(16) < 11)
    assert miscalibrated_bins(found).overconfident == 1
    assert miscalibrated_bins(found, cross_validated=True).overconfident == 0


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((-0.09, -0.01), "better (difference -0.090 to -0.010"),
        ((0.01, 0.09), "worse (difference +0.010 to +0.090"),
        (
            (-0.01, 0.02),
            "no measurable difference (difference -0.010 to +0.020",
        ),
        (
            (-0.004, -0.0002),
            "hardly any difference (difference -0.004 to 0.000",
        ),
        (
            (0.0001, 0.0003),
            "hardly any difference (difference 0.000 to 0.000",
        ),
        (
            (-0.0001, 0.02),
            "no measurable difference (difference 0.000 to +0.020",
        ),
    ],
)
def test_a_difference_whose_bound_rounds_to_nothing_is_next_to_none(interval, said):
    assert change_in_words(Change(1.0, 0.9, interval)).startswith(said)

"""The interval of an audit, and whether it differs from the promise."""

import numpy as np
import pytest
from scipy.stats import fisher_exact, hypergeom

from core.field.accuracy import Promise, field_interval, fisher, verdict


@pytest.mark.parametrize("population", [120, 200, 400, 2000])
@pytest.mark.parametrize("band", [(0.5, 0.65), (0.65, 0.8), (0.8, 0.9), (0.9, 0.98)])
def test_94_to_96_of_100_audits_of_60_images_hold_the_truth(population, band):
    bounds = np.array([field_interval(correct, 60, population) for correct in range(61)])
    right = np.arange(round(band[0] * population), round(band[1] * population))[:, None]
    holds = (bounds[:, 0] <= right / population + 1e-9) & (
        right / population - 1e-9 <= bounds[:, 1]
    )
    chance = hypergeom.pmf(np.arange(61)[None], population, right, 60)
    assert 0.94 <= (chance * holds).sum(1).mean() <= 0.965


def test_the_interval_closes_when_all_images_were_looked_at_and_knows_what_was_seen():
    assert field_interval(51, 60, 60) == (0.85, 0.85)
    assert field_interval(0, 0, 100) == (0.0, 1.0)
    for correct in range(61):
        low, high = field_interval(correct, 60, 70)
        assert correct / 70 <= low <= correct / 60 <= high <= 1 - (60 - correct) / 70


def test_a_field_as_promised_is_called_different_5_times_of_100_at_most():
    rng = np.random.default_rng(0)
    for n in (40, 95):
        told = [
            verdict(int(rng.binomial(60, 0.9)), 60, Promise(int(right), n))
            for right in rng.binomial(n, 0.9, 2000)
        ]
        assert 0.005 < np.mean([each != "cannot tell" for each in told]) < 0.05


def test_a_clear_difference_is_told_and_a_small_one_is_not():
    promise = Promise(86, 95)
    assert verdict(40, 60, promise) == "worse"
    assert verdict(51, 60, promise) == "cannot tell"
    assert verdict(60, 60, Promise(60, 95)) == "better"
    assert verdict(0, 0, promise) == "cannot tell"
    assert verdict(1, 2, promise) == "cannot tell"
    assert verdict(46, 60, promise) == "worse"
    assert verdict(46, 60, Promise(86, 95, cross_validated=True)) == "cannot tell"


def test_fishers_test_is_the_one_of_scipy():
    for table in ((3, 1, 1, 3), (47, 13, 86, 9), (0, 5, 5, 0), (10, 2, 200, 1)):
        assert fisher(*table) == pytest.approx(fisher_exact([table[:2], table[2:]]).pvalue)

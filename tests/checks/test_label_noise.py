"""How likely labels are wrong, on labels drawn from known probabilities."""

import numpy as np
import pytest

from core.checks._label_noise import number_wrong, probability_wrong


def drawn(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, labels drawn from them, and which of these were then replaced by chance."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(4, 0.15), n)
    labels = np.array([random.choice(4, p=row) for row in probabilities])
    wrong = random.random(n) < share
    labels[wrong] = (labels[wrong] + random.integers(1, 4, wrong.sum())) % 4
    return probabilities, labels, wrong


@pytest.mark.parametrize("share", [0.0, 0.05, 0.15])
def test_so_many_labels_are_wrong_as_it_says(share):
    said, true = 0.0, 0
    for seed in range(20):
        probabilities, labels, wrong = drawn(300, share, seed)
        said += probability_wrong(probabilities, labels).sum()
        true += wrong.sum()
    assert said == pytest.approx(true, rel=0.25, abs=40)


def test_hard_images_alone_are_no_wrong_labels():
    """A doubtful classifier is wrong often, as its own confidence foretells."""
    probabilities, labels, _ = drawn(400, 0.0, 0)
    assert (probabilities.argmax(1) != labels).mean() > 0.1
    assert (probability_wrong(probabilities, labels) >= 0.4).sum() <= 2


def test_the_confidence_of_the_classifier_is_set_right_first():
    probabilities, labels, _ = drawn(400, 0.08, 1)
    bold = probabilities.clip(1e-6) ** 2
    bold /= bold.sum(1, keepdims=True)
    told = probability_wrong(probabilities, labels), probability_wrong(bold, labels)
    assert told[1].sum() == pytest.approx(told[0].sum(), rel=0.1)


def test_one_number_ranks_them():
    probabilities = np.array([[0.98, 0.02]] * 30 + [[0.02, 0.98]] * 30)
    labels = np.repeat([0, 1], 30)
    labels[[3, 40]] = 1, 0
    wrong = probability_wrong(probabilities, labels)
    assert set(np.argsort(-wrong)[:2]) == {3, 40}
    assert wrong[3] > 0.4 > np.delete(wrong, [3, 40]).max()


def test_a_count_comes_with_what_is_likely():
    assert number_wrong(np.array([])) == (0, 0, 0)
    expected, low, high = number_wrong(np.full(20, 0.5))
    assert expected == 10
    assert 2 <= low < 8 < 12 < high <= 18
    expected, low, high = number_wrong(np.ones(20))
    assert (expected, high) == (20, 20)
    assert 10 <= low < 20
    assert number_wrong(np.array([0.9, 0.8, 0.4]))[1] >= 0

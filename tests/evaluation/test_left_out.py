"""Classes that are left out in turn: how many of their images are noticed, on real features."""

import numpy as np

from core.dataset.splits import folds
from core.evaluation import left_out
from core.evaluation.left_out import MOST_CLASSES, Kept, leave_classes_out
from core.evaluation.ood import distances, doubt, ood_score, ood_threshold, prepared
from core.features.feature_rows import drop_rows
from core.features.linear_probe import fit_probe, softmax

WIDTHS = (1280,)
"""Of the digits' last features alone."""


def test_it_says_what_really_leaving_a_class_out_does(digits):
    """All at once and class by class with a classifier and a threshold of its own, it is alike."""
    some = digits.labels < 6
    features, labels = digits.features[:400][some], digits.labels[some]
    found = leave_classes_out(features, WIDTHS, labels, [*range(len(labels))])
    flagged = 0
    for left in range(6):
        rest = labels != left
        rows, own = features[rest], np.unique(labels[rest], return_inverse=True)[1]
        fitted = fit_probe(rows, own, 5, folds(own.tolist(), None, 5, 0))
        bank, groups = prepared(rows), [*range(len(rows))]
        far = distances(rows, bank, apart=(groups, groups))
        threshold = ood_threshold(ood_score(far, doubt([fitted.out_of_fold])))
        new = features[~rest]
        unsure = doubt([softmax(new @ fitted.weight.T + fitted.bias)])
        flagged += int((ood_score(distances(new, bank), unsure) > threshold).sum())
    assert (found.n, found.n_classes) == (240, 6)
    assert abs(found.flagged - flagged) <= 24
    low, high = found.interval
    assert 0 <= low <= found.flagged / 240 <= high <= 1


def test_more_of_a_class_left_out_is_noticed_by_what_the_late_stages_see(digits):
    groups = [*range(400)]
    last = leave_classes_out(digits.features, WIDTHS, digits.labels, groups)
    late = leave_classes_out(digits.wide, digits.widths, digits.labels, groups)
    assert late.flagged > last.flagged


def test_images_of_one_group_are_not_compared(digits):
    """Each image has a copy in another class, so that none is far from what is left."""
    features = np.concatenate([digits.features[:40], digits.features[:40]])
    labels = np.repeat([0, 1, 2, 3], 20)
    together = leave_classes_out(features, WIDTHS, labels, [*range(80)])
    apart = leave_classes_out(features, WIDTHS, labels, [*range(40), *range(40)])
    assert together.flagged == 0
    assert apart.n == 80


def test_classes_that_differ_in_it_make_the_interval_wider():
    """Two classes lie apart, two on one another: a third class may be either."""
    features = np.abs(np.random.default_rng(0).normal(0, 0.02, (160, 16))) + 0.2
    labels = np.repeat(np.arange(4), 40)
    for number, label in enumerate(labels):
        features[number, min(label, 2)] += 3
    found = leave_classes_out(features, (16,), labels, [*range(160)])
    low, high = found.interval
    assert 0.3 < found.flagged / found.n < 0.7
    assert high - low > 0.4


def test_two_classes_and_too_few_images_tell_nothing(digits):
    two = np.flatnonzero(digits.labels < 2)
    few = np.flatnonzero(digits.labels < 3)[::20]
    for rows in (two, few):
        groups = [*range(len(rows))]
        assert leave_classes_out(digits.features[rows], WIDTHS, digits.labels[rows], groups) is None


def test_of_many_classes_some_are_left_out():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(20), 6)
    found = leave_classes_out(random.uniform(0, 1, (120, 8)), (8,), labels, [*range(120)])
    assert (found.n_classes, found.n) == (MOST_CLASSES, 6 * MOST_CLASSES)


def test_what_is_kept_says_the_same_again_and_goes_with_its_images(digits, tmp_path, monkeypatch):
    features, labels = digits.features[:200], digits.labels[:200]
    images = [f"{row:064x}" for row in range(200)]
    plain = leave_classes_out(features, WIDTHS, labels, [*range(200)])
    kept = Kept(tmp_path, images)
    assert leave_classes_out(features, WIDTHS, labels, [*range(200)], kept=kept) == plain
    (file,) = tmp_path.iterdir()

    def never(*args):
        raise AssertionError("it was kept")

    with monkeypatch.context() as patched:
        patched.setattr(left_out, "_probabilities", never)
        assert leave_classes_out(features, WIDTHS, labels, [*range(200)], kept=kept) == plain
    moved = np.where(labels == 0, 1, labels)
    leave_classes_out(features, WIDTHS, moved, [*range(200)], kept=kept)
    assert len([*tmp_path.iterdir()]) == 2, "other labels are another question"
    file.write_bytes(file.read_bytes()[:-1])
    assert leave_classes_out(features, WIDTHS, labels, [*range(200)], kept=kept) == plain
    drop_rows(tmp_path.iterdir(), [images[0]])
    assert [*tmp_path.parent.glob(f"{tmp_path.name}/*")] == []

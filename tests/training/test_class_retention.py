"""What a classifier keeps of classes that only an earlier model knows."""

import numpy as np
import pytest
import timm
import torch

from core.features.linear_probe import ProbeFit
from core.strategies import get_strategy
from core.transfer import Batch
from core.transfer.class_retention import retained_classes
from core.transfer.heads import Head, LinearClassifier

OLD_WEIGHT = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [3.0, 3.0, 3.0]], np.float32)
OLD_BIAS = np.array([0.5, -0.5, 1.0], np.float32)


EARLIER = LinearClassifier(("a", "b", "d"), OLD_WEIGHT, OLD_BIAS)


def head(*classes: str) -> Head:
    return Head("", classes, slice(0, len(classes)), np.zeros(0, np.int64))


def test_old_and_new_classes_keep_what_tells_them_apart_among_themselves():
    labels = np.array([2, 4, 2])
    found = retained_classes(EARLIER, head("a", "b", "c", "d", "e"), labels)
    assert found.observed.tolist() == [2, 4]
    assert found.old.tolist() == [0, 1, 3]
    assert found.among_observed(labels).tolist() == [0, 1, 0]
    new = np.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 9.0]], np.float32), np.array([4.0, -2.0])
    probabilities = np.array([[0.25, 0.75]], np.float32)
    both = found.beside(ProbeFit(*new, 1.0, probabilities))
    x = np.array([0.3, -1.2, 0.7], np.float32)
    logits = both.weight @ x + both.bias
    old = OLD_WEIGHT @ x + OLD_BIAS
    own = new[0] @ x + new[1]
    np.testing.assert_allclose(logits[[0, 1, 3]] - logits[0], old - old[0], atol=1e-5)
    np.testing.assert_allclose(logits[[2, 4]] - logits[2], own - own[0], atol=1e-5)
    np.testing.assert_allclose([logits[[0, 1, 3]].sum(), logits[[2, 4]].sum()], 0, atol=1e-5)
    np.testing.assert_array_equal(both.out_of_fold, [[0, 0, 0.25, 0, 0.75]])


def test_an_old_class_among_the_shown_ones_leaves_the_others_as_sure_as_they_were():
    found = retained_classes(EARLIER, head("a", "b", "c", "d"), np.array([1, 2, 3]))
    np.testing.assert_allclose(found.weight, [OLD_WEIGHT[0] - OLD_WEIGHT.mean(0)], atol=1e-6)
    np.testing.assert_allclose(found.bias, [OLD_BIAS[0] - OLD_BIAS.mean()], atol=1e-6)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("a", "b", "d"), [0, 1, 2]),  # all are shown
        (("a", "b", "c", "d"), [2, 2]),  # one alone can only be learned against the others
        (("a", "b", "c", "x"), [0, 1, 2]),  # nobody has ever known this one
    ],
)
def test_where_nothing_can_be_remembered_beside_others_all_are_fitted(classes, labels):
    assert retained_classes(EARLIER, head(*classes), np.array(labels)) is None


def gradient(observed_classes: list[bool]) -> torch.Tensor:
    """Of the loss on the answers, where the old model has nothing to say."""
    known, network = get_strategy("continual"), timm.create_model("resnet18", num_classes=3)
    objective = known.phases(network, known.options(teacher_weight=0.0))[1].objective
    logits = torch.zeros(2, 3, requires_grad=True)
    outputs, observed = (torch.zeros(2, 3), torch.zeros(2, 4)), torch.tensor(observed_classes)
    batch = Batch(
        torch.zeros(2, 4), torch.tensor([1, 2]), teacher_outputs=outputs, observed_classes=observed
    )
    loss, _ = objective(lambda inputs: (logits, inputs), batch)
    loss.backward()
    return logits.grad


def test_steps_on_new_classes_do_not_unlearn_a_class_that_is_only_remembered():
    assert (gradient([False, True, True])[:, 0] == 0).all()
    assert (gradient([True, True, True])[:, 0] > 0).all()

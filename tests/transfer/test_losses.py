"""Each loss against values computed by hand."""

import itertools
import math

import numpy as np
import pytest
import torch

from core.transfer import losses


def test_l2_sp_is_half_the_squared_distance():
    now = [torch.tensor([1.0, 2.0]), torch.tensor([[3.0]])]
    start = [torch.tensor([0.0, 0.0]), torch.tensor([[1.0]])]
    assert float(losses.l2_sp(now, start)) == pytest.approx((1 + 4 + 4) / 2)


def test_spectral_shrinkage_takes_the_smallest_singular_value():
    features = torch.diag(torch.tensor([5.0, 3.0, 0.5]))
    assert float(losses.batch_spectral_shrinkage(features)) == pytest.approx(0.25)
    assert float(losses.batch_spectral_shrinkage(features, 2)) == pytest.approx(9.25)


def test_delta_weighs_each_feature():
    now, start = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 0.0]])
    weight = torch.tensor([3.0, 0.5])
    assert float(losses.attention_distance(now, start, weight)) == pytest.approx((3 + 2) / 2)


def test_a_class_is_like_what_its_images_were_taken_for_on_average():
    # Answers to two images of the first class: (1/2, 1/2) and (3/4, 1/4); one of the third.
    logits = torch.tensor([[0.0, 0.0], [math.log(3), 0.0], [0.0, math.log(4)]])
    found = losses.category_relationship(logits, torch.tensor([0, 0, 2]), 3)
    by_hand = torch.tensor([[0.625, 0.375], [0.0, 0.0], [0.2, 0.8]])
    torch.testing.assert_close(found, by_hand)


def test_co_tuning_is_the_cross_entropy_to_the_relationship():
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])  # answers (3/4, 1/4) and (1/2, 1/2)
    wanted = torch.tensor([[0.6, 0.4], [0.0, 1.0]])
    by_hand = (-(0.6 * math.log(0.75) + 0.4 * math.log(0.25)) + math.log(2)) / 2
    assert float(losses.co_tuning(logits, wanted)) == pytest.approx(by_hand)


def test_coral_is_the_distance_of_covariances():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(20, 3)), rng.normal(size=(30, 3)) * [1, 2, 3]
    by_hand = np.square(np.cov(one.T) - np.cov(other.T)).sum() / (4 * 9)
    found = losses.coral(torch.from_numpy(one), torch.from_numpy(other))
    assert float(found) == pytest.approx(by_hand)


def test_mmd_vanishes_for_the_same_images_and_grows_with_the_distance():
    one = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    assert float(losses.mmd(one, one)) == pytest.approx(0, abs=1e-6)
    assert float(losses.mmd(one, one + 3)) > float(losses.mmd(one, one + 1)) > 0.01


def test_class_confusion_of_certain_answers_is_nothing_and_of_uniform_ones_the_most():
    certain = 1000 * torch.eye(3).repeat(4, 1)
    assert float(losses.class_confusion(certain)) == pytest.approx(0, abs=1e-5)
    # Uniform: every entry of the normalised class correlation is 1/3, so (3 - 1) / 3.
    assert float(losses.class_confusion(torch.zeros(12, 3))) == pytest.approx(2 / 3, abs=1e-5)


def test_class_confusion_by_hand_on_two_images():
    logits = torch.tensor([[2.5, 0.0], [0.0, 5.0]])
    shares = np.exp(logits.numpy() / 2.5)
    shares /= shares.sum(1, keepdims=True)
    entropy = -(shares * np.log(shares + 1e-5)).sum(1)
    weight = 1 + np.exp(-entropy)
    weight = 2 * weight / weight.sum()
    confusion = (shares * weight[:, None]).T @ shares
    confusion /= confusion.sum(1, keepdims=True)
    by_hand = (confusion.sum() - np.trace(confusion)) / 2
    assert float(losses.class_confusion(logits)) == pytest.approx(by_hand, rel=1e-5)


def test_the_gradient_comes_back_reversed_and_scaled():
    value = torch.tensor([1.0, -2.0], requires_grad=True)
    turned = losses.reverse_gradient(value, 0.3)
    assert torch.equal(turned, value)
    (turned * torch.tensor([10.0, 1.0])).sum().backward()
    torch.testing.assert_close(value.grad, torch.tensor([-3.0, -0.3]))


def test_the_adversary_grows_from_nothing_to_full_strength():
    assert losses.adversarial_strength(0) == pytest.approx(0)
    assert losses.adversarial_strength(0.1) == pytest.approx(2 / (1 + math.exp(-1)) - 1)
    assert losses.adversarial_strength(1) == pytest.approx(0.9999, abs=1e-4)


def test_distillation_is_the_divergence_times_the_temperature_squared():
    student, teacher = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(3) * 2, 0.0]])
    by_hand = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert float(losses.distillation(student, teacher, 2.0)) == pytest.approx(4 * by_hand)
    assert float(losses.distillation(teacher, teacher)) == pytest.approx(0, abs=1e-6)


def test_relations_do_not_change_when_features_are_scaled_moved_or_turned():
    teacher = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(2)))
    student = 3 * teacher @ turn + 7
    assert float(losses.relational_distance(student, teacher)) == pytest.approx(0, abs=1e-6)
    assert float(losses.relational_angle(student, teacher)) == pytest.approx(0, abs=1e-6)


def test_relational_distance_by_hand():
    teacher = torch.tensor([[0.0], [1.0], [3.0]])  # distances 1, 3, 2: mean 2
    student = torch.tensor([[0.0], [1.0], [2.0]])  # distances 1, 2, 1: mean 4/3
    differences = np.array([1 / 2 - 3 / 4, 3 / 2 - 6 / 4, 2 / 2 - 3 / 4])
    by_hand = 2 * (differences**2 / 2).sum() / 9  # Huber, all below 1; both halves of the matrix
    assert float(losses.relational_distance(student, teacher)) == pytest.approx(by_hand, rel=1e-5)


def test_relational_angle_by_hand():
    corner = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # cosines 0, √½ and √½
    line = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])  # cosines 1, -1 and 1
    assert float(losses.relational_angle(corner, corner)) == pytest.approx(0)
    # Huber of 1, 1 + √½ (beyond 1, so linear) and 1 - √½; j and k may change places; 27 triples.
    by_hand = 2 * (1 / 2 + (1 + math.sqrt(0.5) - 0.5) + (1 - math.sqrt(0.5)) ** 2 / 2) / 27
    assert float(losses.relational_angle(corner, line)) == pytest.approx(by_hand, rel=1e-5)
    assert float(losses.relational_angle(line, corner)) == pytest.approx(by_hand, rel=1e-5)


def test_relational_angle_is_the_huber_loss_of_the_cosines_of_all_triples():
    rng = np.random.default_rng(3)
    student, teacher = rng.normal(size=(4, 3)), rng.normal(size=(4, 5))

    def cosine(points, i, j, k):
        one, other = points[j] - points[i], points[k] - points[i]
        lengths = np.linalg.norm(one) * np.linalg.norm(other)
        return one @ other / lengths if lengths else 0.0

    def huber(x):
        return x * x / 2 if abs(x) < 1 else abs(x) - 0.5

    differences = [
        cosine(student, i, j, k) - cosine(teacher, i, j, k)
        for i, j, k in itertools.product(range(4), repeat=3)
    ]
    assert max(map(abs, differences)) > 1  # both branches of the Huber loss are needed
    found = losses.relational_angle(torch.from_numpy(student), torch.from_numpy(teacher))
    assert float(found) == pytest.approx(np.mean([huber(x) for x in differences]))

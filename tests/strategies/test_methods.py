"""What ways to learn do with features and answers, on made ones whose result is known."""

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn import functional

from core.backbones.weights import remember_head
from core.strategies import get_strategy
from core.strategies.domain_alignment import coral, subspace
from core.strategies.instance_weighting import importance, tradaboost
from core.transfer import Batch
from core.transfer.option_info import resolve


def phases_of(name, network, **chosen):
    """The options, and the phases of a strategy."""
    options = resolve(get_strategy(name), chosen, images=300, classes=2, family="cnn")
    return options, get_strategy(name).phases(network, options)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return timm.create_model("resnet10t", num_classes=2).eval()


# Borrowed images


@pytest.fixture(scope="module")
def worlds():
    """Thirty rows of one's own, sixty of another world; every sixth of those is like one's own."""
    rng = np.random.default_rng(0)
    own, source = rng.normal(size=(30, 8)), rng.normal(size=(60, 8))
    like = np.arange(60) % 6 == 0
    source[~like] += 3
    return own, np.arange(30) % 2, source, np.arange(60) % 2, like


def test_rows_that_resemble_ones_own_weigh_more(worlds):
    *_, like = worlds
    weights = importance(*worlds[:4])
    assert weights[like].min() > weights[~like].max()


@pytest.mark.parametrize("highest", [1.0, 1.25, 100.0])
def test_what_one_image_may_weigh_is_clipped_and_all_together_get_their_share(worlds, highest):
    _, (probe,) = phases_of("instance_weighting", None, highest=highest, source_weight=0.5)
    found, plain = probe.weigh(*worlds[:4]), importance(*worlds[:4])
    over = plain > highest * plain.mean()
    assert over.any() == (highest < 100)
    assert found.sum() == pytest.approx(0.5 * 30)
    each = (found / plain)[~over]
    np.testing.assert_allclose(each, each[0])
    np.testing.assert_allclose(found[over], each[0] * highest * plain.mean())


def test_rows_that_contradict_ones_own_lose_weight_round_by_round():
    rng = np.random.default_rng(0)
    labels, theirs = np.arange(40) % 2, np.arange(60) % 2
    contradict = np.arange(60) % 3 == 0

    def rows(answers):
        return 6 * answers[:, None] - 3 + rng.normal(size=(len(answers), 6))

    own, source = rows(labels), rows(np.where(contradict, 1 - theirs, theirs))
    weights = tradaboost(own, labels, source, theirs)
    fall = 1 / (1 + np.sqrt(2 * np.log(60) / 10))  # of one round, as in the paper
    np.testing.assert_allclose(weights[contradict], fall**10)
    np.testing.assert_array_equal(weights[~contradict], 1)


# Aligned features


def test_coral_gives_the_source_the_mean_and_the_covariance_of_the_target():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(20000, 3)) @ np.array([[2, 0, 0], [1, 1, 0], [0, 0, 1]]) + 5
    target = rng.normal(size=(15000, 3)) @ np.array([[1, 2, 0], [0, 1, 0], [0, 0, 3]]) - 1
    aligned = coral(source, target)
    np.testing.assert_allclose(aligned.rows.mean(0), target.mean(0), atol=1e-4)
    np.testing.assert_allclose(np.cov(aligned.rows.T), np.cov(target.T), rtol=0.01, atol=0.01)
    np.testing.assert_array_equal(target @ aligned.matrix - aligned.shift, target)


def test_coral_teaches_a_classifier_that_is_right_in_a_domain_of_other_scale_and_place():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    source = rng.normal(size=(400, 4)) + 4 * labels[:, None] * [1, 0, 0, 0]
    target = 10 * source[::-1] * [1, 3, 0.2, 2] + 50

    def right(rows):
        centres = [rows[labels == k].mean(0) for k in (0, 1)]
        far = [np.square(target - centre).sum(1) for centre in centres]
        return (np.argmin(far, 0) == labels[::-1]).mean()

    assert right(source) == pytest.approx(0.5, abs=0.1)
    assert right(coral(source, target).rows) > 0.95


def met(aligned, target):
    """How rows of the target meet the classifier."""
    return (target - aligned.shift) @ aligned.matrix


def test_subspaces_bring_the_same_images_in_another_place_onto_each_other():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(50, 6)) * [9, 7, 5, 1, 1, 1]
    order = rng.permutation(50)
    aligned = subspace(source, source[order] + 30, 3)
    assert aligned.rows.shape == (50, 3)
    np.testing.assert_allclose(met(aligned, source[order] + 30), aligned.rows[order], atol=1e-9)


def test_subspaces_are_turned_onto_each_other_as_far_as_a_linear_map_can():
    """Fernando et al. 2013, equation 2: the map with the least distance between the bases."""
    rng = np.random.default_rng(0)
    spread = np.array([9, 7, 5, 1, 1, 1])
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    source, target = rng.normal(size=(50, 6)) * spread, rng.normal(size=(70, 6)) * spread @ turn
    theirs, ours = (np.linalg.eigh(np.cov(rows.T))[1][:, ::-1][:, :3] for rows in (source, target))
    least, *_ = np.linalg.lstsq(ours, theirs, rcond=None)
    by_hand = (target - target.mean(0)) @ ours @ least
    found = met(subspace(source, target, 3), target)
    np.testing.assert_allclose(np.abs(found), np.abs(by_hand), atol=1e-6)  # signs are free


# Own answers to unsorted images


def told(logits):
    """Forward of a network whose images are its logits already."""
    return logits, logits


def logits_of(*shares):
    return torch.log(torch.tensor([[share, 1 - share] for share in shares]))


def batch_of(labels, weak, strong):
    labels = torch.tensor(labels)
    own = logits_of(*[0.7] * len(labels))
    auxiliary = {"weak": (weak, None), "strong": (strong, None)}
    return Batch(own, labels, auxiliary)


def consistent(network, **chosen):
    _, phases = phases_of("pseudo_labels", network, label_smoothing=0.0, **chosen)
    return phases[1].objective


def test_answers_below_the_threshold_teach_nothing_and_those_above_it_do(network):
    objective = consistent(network, confidence_threshold=0.9, unlabelled_weight=2.0, balance=False)
    strong = logits_of(0.2, 0.2)
    labelled = -(np.log(0.7) + np.log(0.3)) / 2
    unsure, _ = objective(told, batch_of([0, 1], logits_of(0.89, 0.12), strong))
    assert float(unsure) == pytest.approx(labelled)
    one_is_sure, _ = objective(told, batch_of([0, 1], logits_of(0.91, 0.12), strong))
    assert float(one_is_sure) == pytest.approx(labelled + 2 * -np.log(0.2) / 2)


def test_no_gradient_flows_through_the_answers_that_are_trained(network):
    objective = consistent(network)
    for _ in range(2):  # what is remembered of the first batch holds no graph, either
        weak, strong = logits_of(0.99).requires_grad_(), logits_of(0.2).requires_grad_()
        loss, _ = objective(told, batch_of([0], weak, strong))
        loss.backward()
        assert not weak.grad.any()
        assert strong.grad.all()
        assert not objective.seen.requires_grad


def after_many_batches(objective):
    """Nine of ten are labelled and answered with the first class."""
    answered = logits_of(*[0.95] * 9, 0.45)  # 9 of 10 on average
    for _ in range(150):
        objective(told, batch_of([0] * 9 + [1], answered, answered))
    return objective


def test_a_class_that_is_answered_as_often_as_it_is_labelled_is_not_pushed_down(network):
    objective = after_many_batches(consistent(network))
    assert float(objective.answers(logits_of(0.88))[0, 0]) == pytest.approx(0.88, abs=0.005)


def test_answers_are_evened_towards_the_shares_of_the_labels(network):
    objective = after_many_batches(consistent(network))
    objective.labelled = torch.tensor([50.0, 50.0])  # labelled evenly, answered 9 to 1
    evened = objective.answers(logits_of(0.88))
    by_hand = (0.88 / 0.9) / (0.88 / 0.9 + 0.12 / 0.1)
    assert float(evened[0, 0]) == pytest.approx(by_hand, abs=0.01)
    assert float(evened.sum()) == pytest.approx(1)


def test_without_balance_answers_stay_as_they_are(network):
    objective = after_many_batches(consistent(network, balance=False))
    torch.testing.assert_close(
        objective.answers(logits_of(0.88, 0.2)), torch.tensor([[0.88, 0.12], [0.2, 0.8]])
    )


# Two variations of an image, seen alike


class AsItIs(nn.Module):
    """Foresees that nothing changes, and passes no gradient on."""

    def forward(self, features):
        return features.detach()


@pytest.fixture
def alike(network):
    _, phases = phases_of("self_supervised", network)
    return phases[1].objective


def two_views(one, two):
    return Batch(one, torch.tensor([0]), {"one": (one, None), "two": (two, None)})


def views():
    chance = torch.Generator().manual_seed(0)
    return [torch.randn(4, 512, generator=chance).requires_grad_() for _ in range(2)]


def test_features_that_are_foreseen_exactly_are_as_good_as_can_be(alike):
    one, two = views()
    alike.foresee = AsItIs()
    assert float(alike(told, two_views(one, one))[0]) == pytest.approx(-1, abs=1e-6)
    cosines = torch.cosine_similarity(*alike.project(torch.cat([one, two])).chunk(2))
    assert cosines.abs().max() < 0.9
    assert float(alike(told, two_views(one, two))[0]) == pytest.approx(-cosines.mean().item())


def test_no_gradient_flows_through_what_is_to_be_foreseen(alike):
    one, two = views()
    loss, _ = alike(told, two_views(one, two))
    loss.backward()
    assert one.grad.any()
    assert two.grad.any()
    alike.foresee = AsItIs()  # now only what is foreseen could pass a gradient on
    loss, _ = alike(told, two_views(*views()))
    assert not loss.requires_grad


def test_images_do_not_come_to_look_all_alike(alike):
    """Nothing but the heads' normalisation over the batch forbids what would be easiest."""
    chance = torch.Generator().manual_seed(0)
    pictures, trunk = torch.randn(32, 64, generator=chance), nn.Linear(64, 512)
    learned = [{"params": trunk.parameters(), "lr": 1e-3}, {"params": alike.parameters()}]
    optimiser = torch.optim.AdamW(learned, lr=1e-2)
    for _ in range(60):
        one, two = (pictures + 0.5 * torch.randn(32, 64, generator=chance) for _ in range(2))
        batch = two_views(one, two)
        loss, _ = alike(lambda inputs: (None, trunk(inputs)), batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    seen = functional.normalize(alike.project(trunk(pictures)), dim=1)
    assert (
        float(seen.detach().std(0).mean() * seen.shape[1] ** 0.5) > 0.5
    )  # 1: spread; 0: all the same


# Held near the start


@pytest.mark.parametrize(
    ("hold", "decay"), [("l2-sp", 0.0), ("bss", 0.07), ("delta", 0.07), ("co-tuning", 0.07)]
)
def test_weights_are_pulled_to_nothing_unless_they_are_pulled_to_their_start(network, hold, decay):
    remember_head(network, (torch.zeros(5, 512), torch.zeros(5)))
    options, (_, phase) = phases_of("soft_sharing", network, hold=hold, weight_decay=0.07)
    head, body = phase.groups
    assert body["weight_decay"] == decay
    assert head.get("weight_decay", options.weight_decay) == 0.07
    held = {id(p) for group in phase.groups for p in group["params"]}
    assert {id(p) for p in network.parameters()} <= held
    assert len(held) - len(list(network.parameters())) == (2 if hold == "co-tuning" else 0)

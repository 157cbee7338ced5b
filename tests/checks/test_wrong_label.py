"""Suspected wrong labels, on probabilities from the real out-of-fold classifier."""

import re
from dataclasses import replace

import numpy as np
from made_evidence import clusters, dataset_of, evidence_of

from core.checks import checks, from_dict, problems_of, to_dict
from core.checks._runner import out_of_fold
from core.checks.wrong_label import suspects

CHECK = checks()["wrong-label"]


def looked_at(features, labels):
    probabilities = out_of_fold(dataset_of(labels), features)
    return problems_of(CHECK, evidence_of(labels, features=features, probabilities=probabilities))


def test_flipped_labels_are_found_with_the_class_they_had():
    features, labels = clusters((30, 30, 30))
    flipped = {3: "c", 40: "a", 77: "b"}
    given = [flipped.get(index, label) for index, label in enumerate(labels)]
    problems = looked_at(features, given)
    assert {p.indices[0]: p.suggestion for p in problems} == {p: labels[p] for p in flipped}
    assert all(p.fixes[0].label == p.suggestion and p.fixes[1].kind == "remove" for p in problems)
    assert all(p.weight == p.chance and 0.25 <= p.chance <= 1 for p in problems)
    assert f"rather than “{flipped[problems[0].indices[0]]}”" in problems[0].sentence


def test_classes_that_lie_apart_raise_no_suspicion():
    assert looked_at(*clusters((30, 30, 30))) == []


def test_classes_that_cannot_be_told_apart_raise_no_suspicion():
    features = np.random.default_rng(0).uniform(0, 1, (60, 16)).astype(np.float32)
    assert len(looked_at(features, ["a", "b"] * 30)) <= 2


def test_a_class_too_small_to_be_learned_is_left_in_peace():
    features, labels = clusters((30, 30))
    assert looked_at(features, [*labels[:-3], "tiny", "tiny", "tiny"]) == []


def test_without_shares_nothing_is_asked():
    features, labels = clusters((5, 5))
    assert problems_of(CHECK, evidence_of(labels, features=features)) == []


def test_unlabelled_images_are_no_suspects():
    features, labels = clusters((20, 20))
    dataset = dataset_of(labels)
    items = [*dataset.items]
    items[0] = replace(items[0], label=None, role="unlabelled")
    dataset = replace(dataset, items=tuple(items))
    evidence = evidence_of(labels, features=features, probabilities=out_of_fold(dataset, features))
    assert np.isnan(evidence.probabilities[0]).all()
    assert problems_of(CHECK, replace(evidence, dataset=dataset)) == []


def test_how_many_of_those_listed_are_wrong_is_said_with_an_interval():
    features, labels = clusters((30, 30, 30))
    flipped = {3: "c", 40: "a", 50: "c", 77: "b"}
    given = [flipped.get(index, label) for index, label in enumerate(labels)]
    problems = looked_at(features, given)
    assert len(problems) == 4
    assert re.fullmatch(
        r"Of these 4, about [34] are expected to be wrong \(likely [0-4]–4\)\.",
        CHECK.summary(problems),
    )


def test_what_an_earlier_version_found_is_not_counted():
    features, labels = clusters((30, 30, 30))
    problems = looked_at(features, ["b", *labels[1:]])
    earlier = {key: value for key, value in to_dict(problems[0]).items() if key != "chance"}
    assert CHECK.summary([from_dict(earlier)]) == ""


def test_doubt_is_measured_against_what_is_usual_in_the_class():
    """An answer of 0.04 is nothing strange where the classifier never says more than 0.1."""
    probabilities = np.full((40, 2), 0.5)
    probabilities[:20] = (0.1, 0.9)
    probabilities[0] = (0.04, 0.96)
    assert suspects(probabilities, np.repeat([0, 1], 20)) == []


def test_a_near_copy_is_never_learned_from_when_its_twin_is_evaluated():
    """Both twins have the same wrong label; apart, each would vouch for the other."""
    features, labels = clusters((30, 30), width=8)
    features[1] = features[0]
    given = ["b", "b", *labels[2:]]
    alone = out_of_fold(dataset_of(given), features)
    tied = out_of_fold(dataset_of(given), features, alike=[(0, 1)])
    assert tied[0, 1] < alone[0, 1]


def test_images_that_are_all_near_copies_cannot_be_evaluated():
    features, labels = clusters((3, 3))
    pairs = [(index, index + 1) for index in range(5)]
    assert out_of_fold(dataset_of(labels), features, alike=pairs) is None

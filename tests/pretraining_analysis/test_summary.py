"""How far real photographs and noise are from what the bundled network knows, and what is kept."""

import json

import numpy as np
import pytest
from made_features import dataset_of

from core.events import Finished, Progress
from core.files import unsealed
from core.pretraining_analysis.domain_shift import entropy, information, nearness, remoteness
from core.pretraining_analysis.summary import look_ahead, outlook_of
from core.pretraining_analysis.validation import plan_of


@pytest.fixture(scope="module")
def outlooks(photographs, noise, store, settings):
    assert outlook_of(photographs.id, settings) is None
    events = [list(look_ahead(dataset, store, settings)) for dataset in (photographs, noise)]
    return events, [outlook_of(dataset.id, settings) for dataset in (photographs, noise)]


def test_photographs_are_near_and_noise_is_far(outlooks):
    near, far = (each.similarity for each in outlooks[1])
    assert (near.nearness, far.nearness) == ("near", "far")
    assert near.doubt.mean < 0.5 < far.doubt.mean
    assert near.distance < 0.1 < far.distance


def test_its_old_answers_tell_photographs_apart_and_nothing_about_noise(outlooks):
    near, far = (each.similarity.information for each in outlooks[1])
    assert near.mean - 2 * near.stderr > 0.3
    assert far.mean < 2 * far.stderr


def test_it_tells_how_it_goes_on_and_ends_with_the_dataset(outlooks, photographs):
    events = outlooks[0][0]
    assert sum(isinstance(event, Progress) for event in events) > 5
    assert isinstance(events[-1], Finished)
    assert events[-1].result == {"dataset": photographs.id}


def test_what_was_found_is_read_back_as_it_was_written(outlooks, photographs):
    found = outlooks[1][0]
    assert found.classes == ("cat", "cup", "space")
    assert found.images == 24
    assert found.curve.points[-1].accuracy.mean > 0.8
    assert [0 < recall.stderr < 0.5 for recall in found.curve.points[-1].recall] == [True] * 3


def test_recall_that_was_written_without_its_error_is_taken_for_unknown(
    outlooks, photographs, settings
):
    file = settings.home / "outlooks" / f"{photographs.id}.json"
    whole = file.read_text(encoding="utf-8")
    content = json.loads(unsealed(whole))
    for point in content["curve"]["points"]:
        point["recall"] = [each["mean"] for each in point["recall"]]
    file.write_text(json.dumps(content), encoding="utf-8")
    found = outlook_of(photographs.id, settings)
    assert found.curve.points[-1].recall == (None, None, None)
    assert found.curve.points[-1].accuracy == outlooks[1][0].curve.points[-1].accuracy
    file.write_text(whole, encoding="utf-8")


def test_a_damaged_file_counts_as_never_looked(outlooks, photographs, settings):
    file = settings.home / "outlooks" / f"{photographs.id}.json"
    whole = file.read_text(encoding="utf-8")
    for damage in (whole[:-3], "[]", '{"format": 1}', "{}", whole.replace('"doubt"', '"d"')):
        file.write_text(damage, encoding="utf-8")
        assert outlook_of(photographs.id, settings) is None
    file.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(
    ("distance", "doubt", "word"),
    [
        (0.02, 0.42, "near"), (0.09, 0.15, "near"), (0.03, 0.57, "near"),
        (0.10, 0.59, "between"), (0.13, 0.62, "between"), (0.10, 0.62, "between"),
        (0.35, 0.83, "far"), (0.55, 0.74, "far"), (1.04, 0.92, "far"),
    ],
)  # fmt: skip
def test_the_words_fit_the_sets_they_were_calibrated_on(distance, doubt, word):
    assert nearness(remoteness(distance, doubt)) == word


def test_entropy_is_0_for_a_sure_answer_and_1_for_none_at_all():
    shares = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(entropy(shares), [0, 1, 0.5], atol=1e-6)


def test_answers_that_go_with_the_labels_tell_all_and_others_nothing():
    labels = np.arange(200) % 4
    plan = plan_of(dataset_of(labels))
    chance = np.random.default_rng(0)
    each = np.eye(1000)
    assert information(each[10 * plan.labels], plan).mean > 0.9
    blind = information(each[chance.integers(0, 1000, len(plan.labels))], plan)
    assert blind.mean <= 2 * blind.stderr
    # Half of the answers go with the labels: about half of it is told.
    mixed = np.where(chance.random(len(plan.labels)) < 0.5, 10 * plan.labels, 5)
    assert 0.3 < information(each[mixed], plan).mean < 0.7

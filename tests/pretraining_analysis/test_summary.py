"""How far real photographs and noise are from what the bundled network knows, and what is kept."""

import json

import numpy as np
import pytest
from made_features import dataset_of

from core.events import Finished, Progress
from core.files import unsealed
from core.pretraining_analysis.domain_shift import (
    mutual_information,
    nearness,
    normalized_entropy,
    remoteness,
)
from core.pretraining_analysis.summary import analyse, pretraining_analysis_of
from core.pretraining_analysis.validation import plan_of


@pytest.fixture(scope="module")
def analyses(photographs, noise, store, settings):
    assert pretraining_analysis_of(photographs.id, settings) is None
    events = [list(analyse(dataset, store, settings)) for dataset in (photographs, noise)]
    return events, [
        pretraining_analysis_of(dataset.id, settings) for dataset in (photographs, noise)
    ]


def test_photographs_are_near_and_noise_is_far(analyses):
    near, far = (each.domain_shift for each in analyses[1])
    assert (near.nearness, far.nearness) == ("near", "far")
    assert near.entropy.mean < 0.5 < far.entropy.mean
    assert near.divergence < 0.1 < far.divergence


def test_its_old_answers_tell_photographs_apart_and_nothing_about_noise(analyses):
    near, far = (each.domain_shift.mutual_information for each in analyses[1])
    assert near.mean - 2 * near.stderr > 0.3
    assert far.mean < 2 * far.stderr


def test_it_tells_how_it_goes_on_and_ends_with_the_dataset(analyses, photographs):
    events = analyses[0][0]
    assert sum(isinstance(event, Progress) for event in events) > 5
    assert isinstance(events[-1], Finished)
    assert events[-1].result == {"dataset": photographs.id}


def test_what_was_found_is_read_back_as_it_was_written(analyses, photographs):
    found = analyses[1][0]
    assert found.classes == ("cat", "cup", "space")
    assert found.images == 24
    assert found.curve.points[-1].accuracy.mean > 0.8
    assert [0 < recall.stderr < 0.5 for recall in found.curve.points[-1].recall] == [True] * 3


def test_what_an_older_version_found_is_read_and_recall_without_its_error_is_unknown(
    analyses, photographs, settings
):
    file = settings.home / "pretraining_analysis" / f"{photographs.id}.json"
    whole = file.read_text(encoding="utf-8")
    content = json.loads(unsealed(whole)) | {"format": 1}
    names = {"entropy": "doubt", "mutual_information": "information", "divergence": "distance"}
    shift = content.pop("domain_shift").items()
    content["similarity"] = {names.get(name, name): value for name, value in shift}
    for point in content["curve"]["points"]:
        point["recall"] = [each["mean"] for each in point["recall"]]
    file.unlink()
    old = settings.home / "outlooks" / file.name
    old.parent.mkdir()
    old.write_text(json.dumps(content), encoding="utf-8")
    found = pretraining_analysis_of(photographs.id, settings)
    assert found.domain_shift == analyses[1][0].domain_shift
    assert found.curve.points[-1].recall == (None, None, None)
    assert found.curve.points[-1].accuracy == analyses[1][0].curve.points[-1].accuracy
    file.write_text(whole, encoding="utf-8")


def test_a_damaged_file_counts_as_never_looked(analyses, photographs, settings):
    file = settings.home / "pretraining_analysis" / f"{photographs.id}.json"
    whole = file.read_text(encoding="utf-8")
    for damage in (whole[:-3], "[]", '{"format": 1}', "{}", whole.replace('"entropy"', '"d"')):
        file.write_text(damage, encoding="utf-8")
        assert pretraining_analysis_of(photographs.id, settings) is None
    file.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(
    ("divergence", "entropy", "word"),
    [
        (0.02, 0.42, "near"), (0.09, 0.15, "near"), (0.03, 0.57, "near"),
        (0.10, 0.59, "between"), (0.13, 0.62, "between"), (0.10, 0.62, "between"),
        (0.35, 0.83, "far"), (0.55, 0.74, "far"), (1.04, 0.92, "far"),
    ],
)  # fmt: skip
def test_the_words_fit_the_sets_they_were_calibrated_on(divergence, entropy, word):
    assert nearness(remoteness(divergence, entropy)) == word


def test_entropy_is_0_for_a_sure_answer_and_1_for_none_at_all():
    shares = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(normalized_entropy(shares), [0, 1, 0.5], atol=1e-6)


def test_answers_that_go_with_the_labels_tell_all_and_others_nothing():
    labels = np.arange(200) % 4
    plan = plan_of(dataset_of(labels))
    chance = np.random.default_rng(0)
    each = np.eye(1000)
    assert mutual_information(each[10 * plan.labels], plan).mean > 0.9
    blind = mutual_information(each[chance.integers(0, 1000, len(plan.labels))], plan)
    assert blind.mean <= 2 * blind.stderr
    # Half of the answers go with the labels: about half of it is told.
    mixed = np.where(chance.random(len(plan.labels)) < 0.5, 10 * plan.labels, 5)
    assert 0.3 < mutual_information(each[mixed], plan).mean < 0.7

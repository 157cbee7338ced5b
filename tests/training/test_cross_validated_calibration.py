"""How sure a cross-validated run is, measured on every image by the model that had not learned
from it."""

from types import SimpleNamespace

import numpy as np
import pytest

from core.analysis.prediction import image_predictions
from core.dataset.store import Store
from core.evaluation.metrics import log_loss, wilson
from core.evaluation.report import Report
from core.evaluation.thresholds import reliability_of
from core.events import Finished
from core.export.model_card import limits
from core.export.report import write_document
from core.export.run_facts import facts_of
from core.model import Model
from core.recipe import Recipe
from core.training.run import train, train_fold
from pages.sections.results.calibration_summary import sets_in_words, unknown_in_words

JUDGES = "each tested by one of 5 models not trained on it"


@pytest.fixture(scope="module")
def ran(run_folder, settings):
    """A cross-validated run, and each of its parts carried out by itself."""
    whole = run_folder("feature_extraction", "whole")
    recipe = Recipe.from_json((whole / "recipe.json").read_text())
    recipe = recipe.model_copy(update={"evaluation": "cross_validation"})
    (whole / "recipe.json").write_text(recipe.to_json())
    assert isinstance(list(train(whole, settings, lambda: False))[-1], Finished)
    parts = []
    for part in range(5):
        folder = run_folder("feature_extraction", f"part-{part}")
        own = recipe.model_copy(update={"fold": part})
        (folder / "recipe.json").write_text(own.to_json())
        list(train_fold(folder, settings, lambda: False))
        parts.append(folder)
    return SimpleNamespace(whole=whole, parts=parts, report=Report.load(whole))


def said_by(ran):
    """True classes (60,) and probabilities (60, classes), from the reports of the parts."""
    rows = [row for part in ran.parts for row in Report.load(part).predictions]
    true = np.array([ran.report.classes.index(row.true) for row in rows])
    return true, np.array([row.probabilities for row in rows])


def test_losses_and_confidence_are_those_of_the_answers_of_all_parts(ran):
    true, shares = said_by(ran)
    result = ran.report.calibration
    assert result.n_folds == ran.report.n_folds == 5
    assert result.log_loss.after == pytest.approx(log_loss(true, shares), abs=1e-5)
    apart = ((shares - np.eye(3)[true]) ** 2).sum(1)
    assert result.brier.after == pytest.approx(apart.mean(), abs=1e-5)
    parts = [Report.load(part).calibration for part in ran.parts]
    before = np.mean([part.log_loss.before for part in parts])  # of twelve images each
    assert result.log_loss.before == pytest.approx(before)

    groups = np.array_split(np.argsort(shares.max(1), kind="stable"), 4)
    right = shares.argmax(1) == true
    assert len(result.reliability) == 4  # of fifteen images each
    for found, group in zip(result.reliability, groups, strict=True):
        assert found.confidence == pytest.approx(shares[group].max(1).mean(), abs=1e-5)
        assert (found.n, found.correct) == (15, right[group].sum())
        assert found.interval == wilson(found.correct, 15, cross_validated=True)
    assert reliability_of(ran.report) == result.reliability


def test_sets_and_unknown_images_are_counted_by_the_model_that_had_not_learned_them(ran, settings):
    inside = called = single = 0
    store = Store(settings.home)
    for part in ran.parts:
        model, rows = Model.load(part / "model"), Report.load(part).predictions
        pixels = [model.preprocessing.pixels(store.open(row.image)) for row in rows]
        answers = list(image_predictions(model, [""] * len(rows), model.forward(np.stack(pixels))))
        inside += sum(
            row.true in own["prediction_set"] for row, own in zip(rows, answers, strict=True)
        )
        single += sum(len(own["prediction_set"]) == 1 for own in answers)
        called += sum(own["ood"] for own in answers)
    sets, ood = ran.report.calibration.sets, ran.report.calibration.ood
    assert (sets.n, sets.covered, sets.singletons) == (ran.report.n, inside, single)
    assert sets.interval == wilson(inside, 60, cross_validated=True)
    assert (ood.n, ood.flagged) == (ran.report.n, called)
    assert ood.interval == wilson(called, 60, cross_validated=True)


def test_what_the_kept_model_does_is_still_its_own(ran):
    kept, model = Report.load(ran.parts[0]).calibration, Model.load(ran.whole / "model")
    result = ran.report.calibration
    assert (result.n, result.origin) == (kept.n, kept.origin) == (48, "folds")
    assert result.temperature == kept.temperature == model.description.temperature
    assert model.reference.threshold == Model.load(ran.parts[0] / "model").reference.threshold
    assert result.per_image is None


def test_whoever_reads_of_it_learns_who_evaluated(ran, settings, tmp_path):
    result = ran.report.calibration
    assert f"of 60 images, {JUDGES}" in sets_in_words(result)
    assert JUDGES in unknown_in_words(result)
    card = limits(facts_of(ran.whole, Store(settings.home)))
    assert card.count(f"({JUDGES})") == 3
    list(write_document(ran.whole, tmp_path / "report.html", settings))
    assert f"measured on 60 images, {JUDGES}" in (tmp_path / "report.html").read_text()


def test_classes_are_left_out_of_what_the_kept_model_learned_from(ran):
    kept, whole = Report.load(ran.parts[0]).calibration.left_out, ran.report.calibration.left_out
    assert kept == whole
    assert (kept.n, kept.n_classes) == (48, 3)
    low, high = kept.interval
    assert low <= kept.flagged / kept.n <= high

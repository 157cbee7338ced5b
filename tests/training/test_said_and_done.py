"""What is said of a model is what it does, wherever there are nearly too few images to tell."""

import numpy as np
import pytest
from PIL import Image

from core.analysis.prediction import image_predictions
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import Finished
from core.export.model_card import limits
from core.export.report import write_document
from core.export.run_facts import facts_of
from core.model import Model
from core.training.run import train
from pages.sections.results.calibration_summary import (
    sets_in_words,
    temperature_in_words,
    unknown_in_words,
)


@pytest.fixture(scope="module")
def finished(run_folder, settings):
    """A short run on so many handwritten digits of each class."""
    from sklearn.datasets import load_digits

    loaded, store = load_digits(), Store(settings.home)

    def item(number, label):
        pixels = Image.fromarray((loaded.images[number] * 15.9).astype(np.uint8)).convert("RGB")
        return Item(store.add(pixels, lossless=True), str(label), f"{label}/{number}.png")

    def make(strategy, sizes):
        items = [
            item(number, label)
            for label, size in enumerate(sizes)
            for number in np.flatnonzero(loaded.target == label)[:size]
        ]
        dataset = Dataset("Some digits", tuple(items))
        store.save(dataset)
        options = {"steps": 1, "batch": 8} if strategy == "full" else {}
        folder = run_folder(strategy, dataset=dataset, **options)
        assert isinstance(list(train(folder, settings, lambda: False))[-1], Finished)
        return folder

    return make


@pytest.mark.parametrize(
    ("strategy", "sizes", "tested", "sets", "unknown"),
    [
        ("full", (15, 15, 18), 10, False, False),
        ("full", (20, 20, 20), 12, False, False),
        ("full", (20, 20, 25), 13, True, False),
        ("full", (30, 30, 35), 19, True, False),
        ("full", (40, 40, 35), 23, True, False),
        ("full", (40, 40, 40), 24, True, True),
        ("feature_extraction", (5, 5, 5), 3, True, False),  # 12 learned images judge
        ("feature_extraction", (8, 8, 8), 6, True, False),  # 18
        ("feature_extraction", (9, 8, 8), 6, True, True),  # 19
    ],
)
def test_a_model_does_only_what_its_report_has_measured_and_says_so(
    finished, settings, tmp_path, strategy, sizes, tested, sets, unknown
):
    folder = finished(strategy, sizes)
    report, model, store = Report.load(folder), Model.load(folder / "model"), Store(settings.home)
    found = report.calibration
    assert report.n == tested
    assert (found.sets is not None, found.ood is not None) == (sets, unknown)

    pictures = [store.open(row.image) for row in report.predictions]
    pixels = np.stack([model.preprocessing.pixels(picture) for picture in pictures])
    rows = list(image_predictions(model, [""] * len(pictures), model.forward(pixels)))
    assert {row["prediction_set"] is not None for row in rows} == {sets}
    assert {row["ood"] is not None for row in rows} == {unknown}
    assert (model.description.temperature != 1.0) == sets

    card = limits(facts_of(folder, store))
    assert ("The classes in `prediction_set`" in card) == sets
    assert ("It marks images" in card) == unknown
    list(write_document(folder, tmp_path / "report.html", settings))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("Prediction sets are meant to contain" in page) == sets
    assert ("wrongly flagged as unknown" in page) == unknown
    assert ("Confidence was not calibrated" in page) == (not sets)
    assert sets_in_words(found).startswith("Too few") == (not sets)
    assert unknown_in_words(found).startswith("Too few") == (not unknown)
    assert ("was not calibrated" in temperature_in_words(found)) == (not sets)


def test_where_no_class_was_looked_at_it_is_not_for_want_of_images(run_folder, settings):
    folder = run_folder("domain_alignment")
    list(train(folder, settings, lambda: False))
    found = Report.load(folder).calibration
    for said in (sets_in_words(found), temperature_in_words(found)):
        assert "the test labels are used for the score alone" in said
        assert "Too few" not in said

"""Ranking backbones on real images: the rows, their order, stopping, and what cannot be tried."""

from types import SimpleNamespace

import numpy as np
import pytest
from made_features import TINY, dataset_of

from core.dataset.channels import RGB
from core.errors import BadRecipe
from core.events import Finished, Note, Progress, Ranked
from core.pretraining_analysis import backbone_ranking
from core.pretraining_analysis.backbone_ranking import candidates, guess, rank
from core.pretraining_analysis.ranking_rows import RankingRow, ordered, ranking_of, suggested
from core.pretraining_analysis.validation import plan_of

LITE0, REMOTE = "tf_efficientnet_lite0", "resnet18.a1_in1k"
BOTH = (TINY, LITE0)


@pytest.fixture(scope="module")
def events(photographs, store, settings):
    """Stopped after the first row, then gone on with, and one that cannot be had."""
    first = rank(photographs, store, settings, BOTH)
    stopped = []
    for event in first:
        stopped.append(event)
        if isinstance(event, Ranked):
            break
    first.close()
    saved_rows = ranking_of(photographs.id, settings)
    again = list(rank(photographs, store, settings, [*BOTH, REMOTE]))
    return stopped, saved_rows, again


def test_a_ranking_stopped_half_way_keeps_its_rows_and_goes_on_from_them(events):
    stopped, saved_rows, again = events
    tried = [event.row["backbone"] for event in stopped if isinstance(event, Ranked)]
    assert [row["backbone"] for row in saved_rows.rows] == tried == [LITE0]
    looked = {event.what for event in again if isinstance(event, Progress)}
    assert not any("Lite0" in what for what in looked)
    assert any(TINY in what for what in looked)


def test_every_row_has_its_figures_with_their_errors(events, photographs):
    last = events[2][-1]
    assert isinstance(last, Finished)
    assert last.result["dataset"] == photographs.id
    for row in last.result["rows"][:2]:
        assert set(RankingRow.__annotations__) - set(row) == {"error"}
        assert 0 <= row["accuracy"] <= 1
        assert row["stderr"] > 0
        assert row["knn_stderr"] > 0
        assert row["images_per_second"] > 0
        assert row["parameters"] > 100_000


def test_a_backbone_that_cannot_be_had_is_a_row_with_the_reason(events, photographs, settings):
    last = events[2][-1].result["rows"][-1]
    assert last["backbone"] == REMOTE
    assert "not on this machine" in last["error"]
    known = ranking_of(photographs.id, settings)
    assert len(known.rows) == 3
    assert {row["backbone"] for row in known.tried} == set(BOTH)


def test_the_bundled_network_tells_a_cat_from_a_cup(events):
    rows = {row["backbone"]: row for row in events[2][-1].result["rows"]}
    assert rows[LITE0]["accuracy"] > 0.9
    assert rows[LITE0]["knn"] > 0.9


def test_it_says_that_the_test_part_was_left_alone(events, photographs, settings):
    (note,) = [event for event in events[2] if isinstance(event, Note)]
    assert "training images only" in note.text
    known = ranking_of(photographs.id, settings)
    assert (known.images, known.apart) == (24, True)


def test_a_damaged_file_counts_as_never_ranked(events, photographs, settings):
    file = settings.home / "rankings" / f"{photographs.id}.json"
    whole = file.read_text(encoding="utf-8")
    for damage in (whole[:-9], "[]", '{"format": 1, "plan": {}, "rows": []}', "{}",
                   whole.replace('"accuracy"', '"precision"')):  # fmt: skip
        file.write_text(damage, encoding="utf-8")
        assert ranking_of(photographs.id, settings) is None
    file.write_text(whole, encoding="utf-8")
    assert ranking_of(photographs.id, settings) is not None


def test_without_names_all_that_are_on_this_machine_are_tried_the_usual_one_first(settings):
    names = candidates(settings)
    assert set(names) == {f"tf_efficientnet_lite{number}" for number in range(3)}
    assert max(names, key=guess) == "tf_efficientnet_lite0"
    assert guess("resnet50.a1_in1k") > guess("vgg16.tv_in1k")


def test_a_mistyped_name_is_refused(photographs, store, settings):
    with pytest.raises(BadRecipe, match="No pretrained network"):
        list(rank(photographs, store, settings, ["resnet_that_is_not"]))


def row(name, folds, *, speed=10.0, imagenet=None):
    return {"backbone": name, "title": name, "accuracy": float(np.mean(folds)), "folds": folds,
            "images_per_second": speed, "imagenet": imagenet}  # fmt: skip


def test_the_best_comes_first_and_only_what_the_folds_can_tell_is_no_tie():
    plan = plan_of(dataset_of(np.arange(250) % 5))
    chance = np.random.default_rng(0)
    usual = chance.normal(0.9, 0.02, len(plan.folds))
    rows = [
        row("worse", (usual - 0.15).tolist()),
        {"backbone": "gone", "title": "gone", "error": "Not here."},
        row("same", (usual + chance.normal(0, 0.01, len(usual))).tolist(), speed=20),
        row("best", (usual + 0.01).tolist()),
    ]
    found = ordered(rows, plan)
    assert [each["backbone"] for each in found][-2:] == ["worse", "gone"]
    assert {each["backbone"]: each["tied"] for each in found[:3]} == {
        "best": True, "same": True, "worse": False
    }  # fmt: skip


def test_the_quickest_is_suggested_only_where_it_is_tied_and_near_the_first():
    def rows(second, *, tied=True):
        first = {"backbone": "first", "expected": 0.9, "stderr": 0.04, "tied": True,
                 "images_per_second": 10.0}  # fmt: skip
        return [first, first | {"backbone": "quick", "expected": second, "tied": tied,
                                "images_per_second": 90.0}]  # fmt: skip

    assert suggested(rows(0.87))["backbone"] == "quick"
    assert suggested(rows(0.6))["backbone"] == "first"  # few images tie what is much worse
    assert suggested(rows(0.87, tied=False))["backbone"] == "first"


def test_what_imagenet_says_decides_little_and_less_the_more_images_there_are():
    """Equal folds: the one that knows ImageNet better comes first, but never far ahead."""
    gains = []
    for images in (25, 2000):
        plan = plan_of(dataset_of(np.arange(images) % 5))
        folds = np.random.default_rng(1).normal(0.8, 0.03, len(plan.folds)).clip(0, 1).tolist()
        rows = ordered([row("low", folds, imagenet=70.0), row("high", folds, imagenet=85.0)], plan)
        assert [each["backbone"] for each in rows] == ["high", "low"]
        assert all(each["tied"] for each in rows)
        gains.append(rows[0]["expected"] - rows[1]["expected"])
    assert 0.1 > gains[0] > gains[1] >= 0


def test_the_speed_is_the_best_of_three_passes_over_sixteen_images_however_few_there_are(
    events, photographs, store, settings, monkeypatch
):
    """Each pass is made to take its own time; the images of the plan are only three."""
    plan = plan_of(photographs)
    monkeypatch.setattr(type(plan), "images", ["a", "b", "c"])
    passed, now = [], iter([0.0, 8.0, 10.0, 12.0, 20.0, 24.0])

    def load_pixels(images, read, preprocessing):
        passed.append(len(images))
        yield images, None

    monkeypatch.setattr("core.features.extraction.load_pixels", load_pixels)
    monkeypatch.setattr("core.features.extraction.warm", lambda *args: lambda pixels: None)
    monkeypatch.setattr(backbone_ranking, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert (
        backbone_ranking._speed(None, SimpleNamespace(form=RGB), plan, store, settings, "cpu")
        == 8.0
    )
    assert passed == [4, 16, 16, 16]


def test_the_speed_of_a_network_whose_features_were_known_is_measured_once_more(
    events, photographs, store, settings, monkeypatch
):
    timed = []
    measured = backbone_ranking._speed
    monkeypatch.setattr(
        backbone_ranking, "_speed", lambda *args: timed.append(1) or measured(*args)
    )
    (settings.home / "rankings" / f"{photographs.id}.json").unlink()
    *_, last = rank(photographs, store, settings, [TINY])
    assert timed == [1]
    assert last.result["rows"][0]["images_per_second"] > 0

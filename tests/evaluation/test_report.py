"""The report of a run: what it counts, and that it comes back from disk as it was."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.errors import NotFound, UnusableDataset
from core.evaluation.metrics import wilson
from core.evaluation.report import FORMAT, Report, TargetDomain
from core.evaluation.scoring import report_of

CLASSES = ("cat", "dog", "](x) <b>‮")


@dataclass
class Picture:
    image: str
    name: str


def a_report(n=30, **more):
    random = np.random.default_rng(0)
    true = random.integers(0, 3, n)
    probabilities = random.dirichlet(np.ones(3), n).astype(np.float32)
    return report_of(
        true,
        probabilities,
        classes=CLASSES,
        items=[Picture(f"{i:064x}", f"{i}.jpg") for i in range(n)],
        backbone="tf_efficientnet_lite0",
        strategy="feature_extraction",
        dataset="0123456789abcdef",
        seconds=1.5,
        n_train=120,
        **more,
    )


def test_a_report_comes_back_from_disk_as_it_was(tmp_path):
    start = np.random.default_rng(5).dirichlet(np.ones(3), 30)
    for report in (a_report(), a_report(start_probabilities=start, stopped=True)):
        report.save(tmp_path)
        assert Report.load(tmp_path) == report
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_a_report_on_a_thousand_classes_is_right_and_takes_a_few_megabytes():
    random = np.random.default_rng(0)
    true, classes = random.permutation(1000)[:300], [f"class {k}" for k in range(1000)]
    logits = 2 * random.normal(size=(300, 1000))
    logits[np.arange(300), np.where(np.arange(300) < 200, true, (true + 1) % 1000)] += 15
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    report = report_of(
        true, shares, classes=classes, items=[Picture(f"{k:064x}", f"{k}.jpg") for k in range(300)],
        backbone="tf_efficientnet_lite0", strategy="full", dataset="0123456789abcdef", seconds=1.5,
        n_train=3000,
    )  # fmt: skip
    assert (report.n, report.correct, len(report.mistakes)) == (300, 200, 100)
    assert sum(row.n for row in report.per_class) == sum(map(sum, report.confusion)) == 300
    assert report.confusion[true[299]][(true[299] + 1) % 1000] == 1
    text = report.to_json()
    assert len(text.encode()) < 5_000_000  # one number a line would be twice as much
    assert Report.from_json(text) == report


def test_the_counts_in_a_report_agree_with_each_other():
    report = a_report()
    assert report.correct == sum(report.confusion[i][i] for i in range(3))
    assert report.correct == sum(row.correct for row in report.per_class)
    assert report.n - report.correct == len(report.mistakes)
    assert report.accuracy == report.correct / report.n
    assert report.interval[0] < report.accuracy < report.interval[1]
    assert [row.label for row in report.per_class] == list(CLASSES)


def test_the_most_confident_mistake_comes_first():
    sureness = [row.confidence for row in a_report().mistakes]
    assert sureness == sorted(sureness, reverse=True)


def test_the_file_has_the_agreed_keys():
    content = json.loads(a_report().to_json())
    assert set(content) == {
        "format",
        "n", "correct", "accuracy", "interval", "majority", "classes", "confusion", "per_class",
        "predictions", "log_loss", "backbone", "strategy", "dataset", "seconds", "n_train",
        "start", "stopped", "retention", "task", "other_tasks", "calibration", "n_folds",
        "target_domain",
    }  # fmt: skip
    assert (content["format"], content["start"]) == (FORMAT, None)
    assert set(content["predictions"][0]) == {
        "image", "name", "true", "label", "probabilities", "fold",
    }  # fmt: skip
    assert set(content["per_class"][0]) == {
        "label", "n", "predicted", "correct", "precision", "precision_interval", "recall",
        "recall_interval", "f1",
    }  # fmt: skip


def test_the_start_is_compared_on_the_same_images():
    true = np.zeros(20, int)
    right, wrong = np.tile([0.9, 0.1], (20, 1)), np.tile([0.9, 0.1], (20, 1))
    wrong[:8] = [0.1, 0.9]
    report = report_of(
        true, right, classes=["a", "b"], items=[Picture("0", "x")] * 20, backbone="b",
        strategy="s", dataset="d", seconds=0, n_train=1, start_probabilities=wrong,
    )  # fmt: skip
    assert report.start.correct == 12
    assert (report.start.only_final_right, report.start.only_start_right) == (8, 0)
    assert report.start.verdict.startswith("This model does better")


def test_a_field_from_a_newer_version_is_left_out(tmp_path):
    report = a_report()
    content = json.loads(report.to_json()) | {"from the future": 1}
    assert Report.from_json(json.dumps(content)) == report


def test_a_report_of_an_older_version_has_todays_names_and_the_columns_that_it_lacked():
    others = (replace(a_report(), task="b"),)
    domain = TargetDomain(9, 2)
    report = replace(a_report(), n_folds=5, target_domain=domain, task="a", other_tasks=others)
    content = json.loads(report.to_json())
    for each in (content, *content["other_tasks"]):
        del each["format"], each["calibration"]
        each["rounds"], each["further"] = each.pop("n_folds"), each.pop("other_tasks")
        each["elsewhere"], each["recalled"] = each.pop("target_domain"), each.pop("retention")
        each["predictions"] = [
            {"part" if name == "fold" else name: value for name, value in row.items()}
            for row in each["predictions"]
        ]
        each["per_class"] = [{"class": "the oldest lack the rest"}]
    read = Report.from_json(json.dumps(content))
    assert (read.n_folds, read.target_domain, read.task) == (5, TargetDomain(9, 2), "a")
    assert read.predictions == report.predictions
    assert read.other_tasks == report.other_tasks
    for place, row in enumerate(read.per_class):
        assert row.label == CLASSES[place]
        assert row.predicted == sum(counts[place] for counts in report.confusion)
        expected = wilson(row.correct, row.predicted, cross_validated=True)
        assert row.precision_interval == expected


def test_a_run_without_results_says_so(tmp_path):
    with pytest.raises(NotFound, match="no results yet"):
        Report.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"n": 1}'])
def test_a_damaged_report_says_so(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(NotFound, match="cannot be read"):
        Report.load(tmp_path)


def test_nothing_can_be_scored_without_test_images():
    with pytest.raises(UnusableDataset, match="no test image"):
        a_report(n=0)


def test_a_page_can_read_results_without_loading_torch():
    code = "import core.evaluation.report, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

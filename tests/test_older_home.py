"""A home of the version before opens as it is: nothing is lost, and nothing in it is rewritten.

tests/fixtures/home_of_format_1 was made by that version: a project of three surfaces with two
finished runs. To be small it holds a few of the images, and of the networks the classifiers alone.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from core.__main__ import main
from core.analysis.prediction import predict_files, predictions_of
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.dataset.store import Store
from core.evaluation.report import FORMAT, Report
from core.events import Finished
from core.export.formats import export
from core.field.consent import kept_of
from core.field.kept import amount
from core.field.standing import standing_of
from core.model import Model
from core.pretraining_analysis.ranking_rows import ranking_of
from core.projects import datasets, list_projects, runs
from core.projects.database import migrate
from core.settings import Settings, get_settings

OLD = Path(__file__).parent / "fixtures" / "home_of_format_1"
FIRST, LAST_LAYERS = "62800c5b326b6f16", "791c8cae37664880"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The home, with the networks around its classifiers put back in."""
    home = tmp_path_factory.mktemp("older") / "home"
    shutil.copytree(OLD, home)
    network = load_network(get_backbone("tf_efficientnet_lite0"), 3, Settings()).state_dict()
    for model in home.glob("runs/*/model"):
        classifier = load_file(model / "classifier.safetensors")
        (model / "classifier.safetensors").unlink()
        whole = {name: value.contiguous() for name, value in {**network, **classifier}.items()}
        save_file(whole, model / "model.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(home))
        patch.setenv("GRAFT_DEVICE", "cpu")
        get_settings.cache_clear()
        migrate(get_settings())
        yield get_settings()
    get_settings.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def nothing_is_rewritten(settings: Settings) -> Iterator[None]:
    """Whatever the tests here do, what they found stays as it was, byte by byte."""

    def content() -> dict[Path, bytes]:
        folders = ("runs", "datasets", "images", "jobs", "rankings")
        files = [f for folder in folders for f in (settings.home / folder).rglob("*")]
        return {file: file.read_bytes() for file in files if file.is_file()}

    before = content()
    yield
    assert {file: content()[file] for file in before} == before


def images(settings: Settings) -> list[Path]:
    return sorted((settings.home / "images").rglob("*.png"))[:4]


def test_the_project_its_version_and_its_runs_are_there(settings: Settings) -> None:
    (project,) = list_projects()
    assert project.title == "Surfaces, made before"
    (version,) = datasets(project.id)
    assert Store(settings.home).load(version.dataset_id).classes == ("brick", "grass", "gravel")
    assert {run.id: run.title for run in runs(project.id)} == {
        FIRST: "First model", LAST_LAYERS: "Last layers, six steps",
    }  # fmt: skip


def test_the_run_that_was_made_by_itself_is_known_as_such(settings: Settings) -> None:
    (project,) = list_projects()
    assert {run.id: run.origin for run in runs(project.id)} == {
        FIRST: "automatic", LAST_LAYERS: "user",
    }  # fmt: skip


def test_its_reports_are_read_in_todays_words(settings: Settings) -> None:
    first, last = (Report.load(settings.home / "runs" / run) for run in (FIRST, LAST_LAYERS))
    assert (first.format, first.n, first.correct, first.n_folds) == (FORMAT, 192, 192, 5)
    assert {row.fold for row in first.predictions} == {0, 1, 2, 3, 4}
    assert sum(row.predicted for row in first.per_class) == 192
    assert first.calibration is not None
    assert (first.calibration.origin, first.calibration.n_folds) == ("folds", 5)
    assert first.calibration.sets is not None
    assert first.calibration.sets.n == 192
    assert (last.n, last.n_folds) == (39, 1)
    assert last.start is not None
    assert last.calibration is not None
    assert sum(each.n for each in last.calibration.reliability) == 39
    assert Report.from_json(first.to_json()) == first


def test_its_models_predict_with_their_thresholds(settings: Settings) -> None:
    run = settings.home / "runs" / FIRST
    model = Model.load(run / "model")
    assert model.description.conformal_threshold == pytest.approx(0.99977, abs=1e-5)
    assert model.description.temperature == pytest.approx(0.94093, abs=1e-5)
    assert model.reference is not None
    *_, last = predict_files(run, images(settings), settings)
    assert isinstance(last, Finished)
    expected = {row.image: row for row in Report.load(run).predictions}
    for row in predictions_of(last.result):
        then = expected[Path(row["image"]).stem]
        assert row["label"] == then.label
        assert row["probabilities"][then.true] == pytest.approx(max(then.probabilities), abs=0.01)
        assert row["prediction_set"] is not None
        assert row["prediction_set"][0] == row["label"]
        assert row["ood_score"] is not None


def test_its_model_is_exported_in_todays_form(settings: Settings, tmp_path: Path) -> None:
    *_, last = export(settings.home / "runs" / FIRST, tmp_path / "model.zip", settings)
    assert isinstance(last, Finished)
    assert last.result["max_difference"] < 1e-3  # by the predict.py that is in it
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        described = json.loads(archive.read("model.json"))
        assert "reference_features.safetensors" in archive.namelist()
    assert described["format"] == 2
    assert {"conformal_threshold", "coverage", "calibrations"} <= described.keys()


def test_its_runs_can_be_compared_with_one_of_today(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = settings.home / "runs" / LAST_LAYERS, tmp_path / "new"
    new.mkdir()
    Report.load(old).save(new)
    assert main(["compare", *map(str, (old, new, settings.home / "runs" / FIRST)), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [pair["shared"] for pair in document["pairs"]] == [39, 39, 39]
    assert all(pair["comparable"] and not pair["differs"] for pair in document["pairs"])


def test_a_report_on_an_old_run_is_written(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert main(["report", str(settings.home / "runs" / FIRST), str(file)]) == 0
    text = file.read_text(encoding="utf-8")
    assert "Correct on 192 of 192 images" in text
    assert "each tested by one of 5 models" in text


def test_nothing_of_it_is_kept_in_the_field_until_somebody_says_so(settings: Settings) -> None:
    (project,) = list_projects()
    assert kept_of(project.id, settings) == ""
    assert amount(project.id, settings) == (0, 0, 0)
    for run, promised in ((FIRST, 192), (LAST_LAYERS, 39)):  # its reports are a reference
        standing = standing_of(run, settings)
        assert (standing.watched.n, standing.watched.alarm) == (0, None)
        assert standing.reference == promised


def test_its_ranking_is_shown_without_the_figures_that_ordered_nothing(settings: Settings) -> None:
    (version,) = datasets(list_projects()[0].id)
    ranking = ranking_of(version.dataset_id, settings)
    assert ranking is not None
    (row,) = ranking.tried
    assert row["title"] == "EfficientNet-Lite0"
    assert "log_me" not in row

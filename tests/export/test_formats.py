"""An export format is one file: dropped where the others lie, it is offered by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_models import made_model
from made_reports import predicted, report_on

from core.__main__ import main
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadInput
from core.export import formats as registry
from core.export.formats import export, formats, guessed
from core.recipe import Recipe
from core.settings import Settings, get_settings

CLASSES_ALONE = '''
"""The names of the classes, one a line."""

from core.events import Finished
from core.export.formats import ExportFormat


def write(context, file):
    file.write_text("\\\\n".join(context.facts.description.classes))
    yield Finished(0.0, {"file": str(file)})


FORMAT = ExportFormat(
    title="The classes alone", purpose="To read.", suffix=".txt", write=write, is_guessed=True
)
'''


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file in another folder on the path of the formats."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "class_names.py").write_text(CLASSES_ALONE.replace("\\\\n", "\\n"))
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(folder)])
    formats.cache_clear()
    yield
    formats.cache_clear()


def test_these_are_there_and_their_files_end_so() -> None:
    suffixes = {name: form.suffix for name, form in formats().items()}
    assert suffixes.items() >= {
        ("classify", ".zip"),
        ("zip", ".zip"),
        ("onnx", ".onnx"),
        ("openvino", ".zip"),
        ("int8", ".zip"),
    }


def test_every_format_says_in_a_sentence_what_it_is_for() -> None:
    assert all(form.purpose.endswith(".") for form in formats().values())


def test_a_files_ending_means_at_most_one_format(dropped: None) -> None:
    guesses = [form.suffix for form in formats().values() if form.is_guessed]
    assert len(guesses) == len(set(guesses))
    assert guessed(Path("a/Model.ZIP")) == "zip"
    assert guessed(Path("model.onnx")) == "onnx"
    assert guessed(Path("classes.txt")) == "class_names"
    assert guessed(Path("model")) is None


def test_a_format_that_is_dropped_in_is_among_the_choices(
    dropped: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", "--help"])
    assert ended.value.code == 0
    help_text = " ".join(capsys.readouterr().out.split())
    assert "--format {class_names,classify," in help_text
    assert "class_names: The classes alone" in help_text


def test_a_format_that_is_dropped_in_is_written(
    dropped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    settings = get_settings()
    model, run = made_model(settings), tmp_path / "run"
    item = Item("a" * 64, model.classes[0], "a.png")
    dataset = Store(settings.home).save(Dataset("d", (item,)))
    model.save(run / "model")
    recipe = Recipe(
        dataset=dataset, backbone="tf_efficientnet_lite0", strategy="feature_extraction"
    )
    (run / "recipe.json").write_text(recipe.to_json())
    rows = [predicted(model.classes[0], model.classes[0])]
    fields = {"dataset": dataset, "backbone": recipe.backbone}
    report_on(rows, model.classes, **fields).save(run)
    file = tmp_path / "classes.txt"
    assert main(["export", str(run), str(file)]) == 0
    assert file.read_text().splitlines() == list(model.classes)
    get_settings.cache_clear()


def test_a_format_there_is_none_of_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There are: .*zip"):
        list(export(tmp_path, tmp_path / "x", Settings(home=tmp_path), form="floppy"))

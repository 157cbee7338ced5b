"""ONNX, OpenVINO and int8: one graph says what the app says, in a process without this program."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
from made_models import PREPROCESSING, photographs, reference_of
from made_runs import HOSTILE, made_run, small_model

from core.backbones.preprocessing import Preprocessing
from core.dataset.store import Store
from core.errors import BadInput, GraftError, NotFound
from core.export import bundle as bundle_module
from core.export import formats as module
from core.export.formats import export
from core.export.onnx_graph import METADATA, write_onnx
from core.export.run_facts import RunFacts, facts_of
from core.model import Model
from core.model_description import Description
from core.settings import Settings

BOUND = 1e-3


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def run(settings: Settings) -> Path:
    return made_run(settings)


@pytest.fixture(scope="module")
def graph(run: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of the bundled network, after its rehearsal."""
    file = tmp_path_factory.mktemp("graph") / "model.onnx"
    result = exported(run, file, settings, "onnx")
    assert result["n"] == result["labels_equal"] == 3 + 17
    assert result["max_difference"] < BOUND
    return file


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Settings]:
    """A run of a small network, and its settings."""
    settings = Settings(home=tmp_path_factory.mktemp("small"))
    return made_run(settings, small_model()), settings


def exported(run: Path, file: Path, settings: Settings, form: str) -> dict:
    *_, last = export(run, file, settings, form=form)
    assert last.result["format"] == form
    assert last.result["bytes"] == file.stat().st_size
    assert list(file.parent.iterdir()) == [file]
    return last.result


def asked(file: Path, pixels: np.ndarray) -> list[np.ndarray]:
    """What a graph says about prepared images (n, 3, size, size)."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, {"pixels": np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))})


def test_the_graph_says_what_the_app_says_of_any_number_of_images(run: Path, graph: Path) -> None:
    model = Model.load(run / "model")
    pixels = np.stack([model.preprocessing.pixels(photo) for photo in photographs()])
    for some in (pixels, pixels[:1]):
        probabilities, unknown = asked(graph, some)
        output = model.forward(some)
        assert np.abs(probabilities - output.probabilities).max() < BOUND
        assert unknown == pytest.approx(model.ood_scores(output), abs=BOUND)


def test_its_metadata_are_those_of_the_model_and_no_recipe(graph: Path) -> None:
    properties = {each.key: each.value for each in onnx.load(graph).metadata_props}
    about = json.loads(properties[METADATA])
    assert about["classes"][2] == HOSTILE
    assert about["preprocessing"]["fit"] == "squash"
    assert (about["conformal_threshold"], about["unknown_threshold"]) == (0.2, 1.0)
    assert about["image_rule"] == 1
    assert about["created_by"].startswith("Graft")
    assert "recipe" not in about


def test_weights_in_16_bits_halve_the_file_and_without_them_it_is_exact(
    small: tuple[Path, Settings], tmp_path: Path
) -> None:
    half = write_onnx(small[0], tmp_path / "half.onnx")
    whole = write_onnx(small[0], tmp_path / "whole.onnx", half_stored=False)
    assert half.bytes < 0.6 * whole.bytes
    model = Model.load(small[0] / "model")
    pixels = np.stack([model.preprocessing.pixels(photo) for photo in photographs()])
    assert np.abs(asked(whole.file, pixels)[0] - model.predict_pixels(pixels)).max() < 1e-5


def test_several_tasks_stand_one_after_the_other_each_with_its_own_temperature(
    settings: Settings, tmp_path: Path
) -> None:
    network = timm.create_model("resnet10t", num_classes=5).eval()
    description = Description(
        classes=("a", "b"),
        preprocessing=Preprocessing(64, "pad", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        backbone="resnet10t",
        tasks={"fur": ("a", "b"), "tail": ("x", "y", "z")},
        calibrations={
            "fur": {"temperature": 2.0, "conformal_threshold": None},
            "tail": {"temperature": 0.5, "conformal_threshold": 0.1},
        },
    )
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 64, 64), dtype=np.uint8)
    reference = reference_of(Model(network, description), pixels[:2], 0.1)
    model = Model(network, description, reference)
    model.save(tmp_path / "model")
    probabilities, unknown = asked(write_onnx(tmp_path, tmp_path / "m.onnx").file, pixels)
    output = model.forward(pixels)
    assert np.abs(probabilities - output.probabilities).max() < BOUND
    assert unknown == pytest.approx(model.ood_scores(output), abs=BOUND)


def test_a_model_without_reference_features_has_one_output(tmp_path: Path) -> None:
    network = timm.create_model("resnet10t", num_classes=2).eval()
    description = Description(
        classes=("a", "b"), preprocessing=replace(PREPROCESSING, size=64), backbone="resnet10t"
    )
    Model(network, description).save(tmp_path / "model")
    facts = write_onnx(tmp_path, tmp_path / "m.onnx")
    assert not facts.has_unknown
    assert len(asked(facts.file, np.zeros((1, 3, 64, 64), np.uint8))) == 1


FAMILIES: dict[str, tuple[int, dict]] = {
    "tf_efficientnetv2_b0": (64, {}),
    "mobilenetv4_conv_small": (64, {}),
    "convnextv2_atto": (64, {"depths": [1, 1, 1, 1], "dims": [8, 16, 32, 64]}),
    "vit_tiny_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "vit_small_patch16_dinov3": (64, {"img_size": 64, "depth": 2}),
    "vit_base_patch16_siglip_224": (64, {"img_size": 64, "depth": 1}),
    "swin_tiny_patch4_window7_224": (56, {"img_size": 56, "depths": [1, 1, 1, 1]}),
}
"""A small network of each family of the catalogue; benchmarks/every_backbone.py takes them all."""


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_networks_exports(name: str, tmp_path: Path) -> None:
    size, shape = FAMILIES[name]
    network = timm.create_model(name, num_classes=3, **shape).eval()
    description = Description(
        classes=("a", "b", "c"),
        preprocessing=replace(PREPROCESSING, size=size),
        backbone=name,
        arguments=shape,
    )
    model = Model(network, description)
    model.save(tmp_path / "model")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, size, size), dtype=np.uint8)
    probabilities, *_ = asked(write_onnx(tmp_path, tmp_path / "m.onnx").file, pixels)
    assert np.abs(probabilities - model.predict_pixels(pixels)).max() < BOUND


def test_a_model_of_other_channels_is_sent_to_the_zip(tmp_path: Path) -> None:
    network = timm.create_model("resnet10t", num_classes=2, in_chans=1).eval()
    description = Description(
        classes=("a", "b"),
        preprocessing=Preprocessing(64, "squash", (0.5,), (0.5,), bits=16),
        backbone="resnet10t",
    )
    Model(network, description).save(tmp_path / "model")
    with pytest.raises(BadInput, match=r"1 channel of 16 bits.*Export it as the ZIP"):
        write_onnx(tmp_path, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_no_model_is_no_graph(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        write_onnx(tmp_path, tmp_path / "m.onnx")


def test_openvino_agrees_on_odd_files_in_a_process_of_its_own(
    small: tuple[Path, Settings], tmp_path: Path
) -> None:
    result = exported(small[0], tmp_path / "model.zip", small[1], "openvino")
    assert result["n"] == result["labels_equal"] == 3 + 17
    assert result["max_difference"] < 1e-5


def test_int8_says_in_its_card_what_it_changes(
    small: tuple[Path, Settings], tmp_path: Path
) -> None:
    result = exported(small[0], tmp_path / "model.zip", small[1], "int8")
    assert result["n"] == 20
    assert result["max_difference"] > BOUND
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        card = " ".join(archive.read("MODEL_CARD.md").decode().split())
        quantized = archive.read("model.onnx")
    assert re.search(r"Of 3 test images, \d get another class than in the app", card)
    assert len(quantized) < 0.4 * (small[0] / "model" / "model.safetensors").stat().st_size


def test_int8_is_for_convolutions_only(
    small: tuple[Path, Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_a_transformer(run: Path, store: Store) -> RunFacts:
        facts = facts_of(run, store)
        return replace(facts, backbone=replace(facts.backbone, family="vit"))

    monkeypatch.setattr(module, "facts_of", of_a_transformer)
    with pytest.raises(BadInput, match="Export it as ONNX instead"):
        list(export(small[0], tmp_path / "m.zip", small[1], form="int8"))


def test_a_graph_that_says_something_else_is_not_handed_out(
    small: tuple[Path, Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = bundle_module.CLASSIFY["classify.py"].read_text()
    other = tmp_path / "classify.py"
    other.write_text(script.replace("[float(value) for value in", "[1 - float(value) for value in"))
    assert other.read_text() != script
    monkeypatch.setitem(bundle_module.CLASSIFY, "classify.py", other)
    with pytest.raises(GraftError, match="differ from the app's by up to"):
        list(export(small[0], tmp_path / "model.onnx", small[1], form="onnx"))
    assert [path.name for path in tmp_path.iterdir()] == ["classify.py"]

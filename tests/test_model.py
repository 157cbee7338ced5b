"""A model is two harmless files, says the same in every process, and skips what it cannot read."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from made_models import (
    CLASSES,
    PREPROCESSING,
    made_model,
    photographs,
    reference_of,
    write_photographs,
)

from core.analysis.prediction import image_predictions, predict_files
from core.errors import BadInput, NotFound
from core.evaluation.ood import Blocks, ReferenceFeatures
from core.events import Finished, Progress
from core.files import read_sealed
from core.model import Model, model_folder
from core.model_description import Description
from core.settings import Settings

SMALL = replace(PREPROCESSING, size=64)
KINDS = {
    "resnet10t": {},
    "convnext_atto": {},
    "vit_tiny_patch16_224": {"img_size": 64},
    "vgg11": {"mlp_ratio": 0.01},
    "tiny_vit_5m_224": {},
}
"""Names of networks, and what timm must be told of them besides. The last one computes with numbers
that its weights file does not hold."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def run(settings):
    """A run folder with a saved model."""
    folder = settings.home / "runs" / "0123456789abcdef"
    made_model(settings).save(folder / "model")
    return folder


def test_the_description_comes_back_as_it_was():
    description = Description(
        classes=CLASSES, preprocessing=PREPROCESSING, backbone="x", arguments={"img_size": 8}
    )
    assert Description.from_json(description.to_json()) == description


def test_a_saved_model_predicts_what_it_predicted_before(run, settings):
    before = made_model(settings).predict(photographs())
    after = Model.load(run / "model").predict(photographs())
    assert after.shape == (3, 3)
    assert after.dtype == np.float32
    assert np.allclose(after.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(before, after, atol=1e-5)


def said_in_a_fresh_process(*models):
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'tests');"
        "from made_models import photographs; from core.model import Model;"
        "[print(Model.load(Path(one)).predict(photographs()).tobytes().hex())"
        " for one in sys.argv[1:]]"
    )
    command = [sys.executable, "-c", code, *map(str, models)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_a_fresh_process_predicts_exactly_the_same(run):
    (said,) = said_in_a_fresh_process(run / "model")
    assert said == Model.load(run / "model").predict(photographs()).tobytes().hex()


def test_models_of_every_kind_of_network_say_the_same_in_a_fresh_process(tmp_path):
    told = {}
    for name, arguments in KINDS.items():
        network = timm.create_model(name, num_classes=3, **arguments).eval()
        description = Description(
            classes=CLASSES, preprocessing=SMALL, backbone=name, arguments=arguments
        )
        model = Model(network, description)
        model.save(tmp_path / name)
        told[tmp_path / name] = model.predict(photographs())
    for said, expected in zip(said_in_a_fresh_process(*told), told.values(), strict=True):
        found = np.frombuffer(bytes.fromhex(said), np.float32).reshape(expected.shape)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert np.ptp(found, axis=0).max() > 0


def test_the_order_of_the_classes_is_kept(run):
    assert Model.load(run / "model").classes == CLASSES


def test_saving_twice_leaves_one_whole_model(run, settings, tmp_path):
    model = Model.load(run / "model")
    for _ in range(2):
        model.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["model.json", "model.safetensors"]
    first, second = (
        (folder / "model.safetensors").read_bytes()
        for folder in (run / "model", tmp_path / "model")
    )
    assert first == second


def test_no_image_gives_no_row(run):
    assert Model.load(run / "model").predict([]).shape == (0, 3)


def test_a_higher_temperature_makes_every_answer_less_sure(run):
    model = Model.load(run / "model")
    content = json.loads(model.description.to_json()) | {"temperature": 3.0}
    cooler = Model(model.network, Description.from_json(json.dumps(content)))
    sure, unsure = (m.predict(photographs()).max(axis=1) for m in (model, cooler))
    assert (unsure < sure).all()


def test_a_model_of_an_older_version_says_what_it_always_said(run, settings, tmp_path):
    """Without floor and known images: no set, and nothing is ever unknown."""
    for path in (run / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = json.loads(read_sealed(tmp_path / "model.json"))
    del content["conformal_threshold"], content["coverage"], content["calibrations"]
    content["format"] = 1
    (tmp_path / "model.json").write_text(json.dumps(content))
    model = Model.load(tmp_path)
    assert model.reference is None
    output = model.forward(model.preprocessing.pixels(photographs()[0])[None])
    (row,) = image_predictions(model, ["a"], output)
    assert (row["prediction_set"], row["ood"], row["ood_score"]) == (None, None, None)


@pytest.fixture(scope="module")
def careful(settings):
    """The model with a floor for its sets, knowing the photograph of the cat alone."""
    model = made_model(settings)
    pixels = np.stack([model.preprocessing.pixels(picture) for picture in photographs()])
    output = model.forward(pixels)
    threshold = float(np.sort(output.probabilities[0])[1])  # of the cat's second likeliest class
    reference = reference_of(model, pixels[:1], 0.05)
    described = replace(model.description, conformal_threshold=threshold)
    return Model(model.network, described, reference), output


def test_a_row_names_the_likely_classes_and_says_whether_it_is_unknown(careful):
    model, output = careful
    cat, cup, woman = image_predictions(model, ["cat", "cup", "woman"], output)
    likest_first = sorted(CLASSES, key=lambda name: -cat["probabilities"][name])
    assert cat["prediction_set"] == likest_first[:2]
    assert cat["prediction_set"][0] == cat["label"]
    assert (cat["ood"], cup["ood"], woman["ood"]) == (False, True, True)
    assert cat["ood_score"] == pytest.approx(0, abs=0.05)
    assert cup["ood_score"] > 1


def test_what_a_model_knows_is_saved_beside_its_weights(careful, tmp_path):
    model, output = careful
    model.save(tmp_path / "model")
    names = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert names == ["model.json", "model.safetensors", "reference_features.safetensors"]
    again = Model.load(tmp_path / "model")
    first, second = (list(image_predictions(each, "abc", output)) for each in (again, model))
    assert first == second


@pytest.mark.parametrize("blocks", [None, Blocks((8, 4), (0.5, 0.5))])
def test_reference_features_of_another_network_are_refused(careful, tmp_path, blocks):
    model, _ = careful
    width = 12 if blocks else 8
    other = ReferenceFeatures(np.ones((3, width), np.float16), 0.1, blocks)
    Model(model.network, model.description, other).save(tmp_path / "model")
    with pytest.raises(BadInput, match="of another network"):
        Model.load(tmp_path / "model")


def test_a_network_with_a_fixed_input_is_rebuilt_at_the_size_it_was_trained_with(tmp_path):
    import timm

    preprocessing = PREPROCESSING.from_json(PREPROCESSING.to_json().replace("224", "96"))
    name = "vit_tiny_patch16_224"
    network = timm.create_model(name, num_classes=3, img_size=96).eval()
    description = Description(classes=CLASSES, preprocessing=preprocessing, backbone=name)
    model = Model(network, description)
    model.save(tmp_path / "model")
    again = Model.load(tmp_path / "model")
    assert again.description.arguments == {"img_size": 96}
    assert np.allclose(again.predict(photographs()), model.predict(photographs()), atol=1e-5)


def test_a_run_without_a_model_says_so(tmp_path):
    with pytest.raises(NotFound, match="has no model yet"):
        Model.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.json", "{"),
        ("model.json", '{"format": 1}'),
        ("model.json", "[]"),
        ("model.safetensors", "not a tensor in sight"),
    ],
)
def test_a_damaged_model_says_so(run, tmp_path, file, content):
    for path in (run / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / file).write_text(content)
    with pytest.raises(BadInput, match="cannot be opened"):
        Model.load(tmp_path)


def test_weights_of_another_network_are_refused(run, tmp_path):
    description = json.loads(read_sealed(run / "model/model.json")) | {"backbone": "resnet18"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    (tmp_path / "model.safetensors").write_bytes((run / "model/model.safetensors").read_bytes())
    with pytest.raises(BadInput, match="do not fit"):
        Model.load(tmp_path)


def test_a_model_from_the_future_asks_for_an_update(run, tmp_path):
    description = json.loads(read_sealed(run / "model/model.json")) | {"format": 99}
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(BadInput, match="newer version"):
        Model.load(tmp_path)


def test_an_unpacked_export_counts_as_a_run(run):
    assert model_folder(run) == run / "model"
    assert model_folder(run / "model") == run / "model"


def test_one_unreadable_file_does_not_stop_the_others(run, settings, tmp_path):
    files = write_photographs(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no image")
    (tmp_path / "empty.png").write_bytes(b"")
    mixed = [files[0], tmp_path / "broken.jpg", files[1], tmp_path / "gone.png", files[2],
             tmp_path / "empty.png"]  # fmt: skip
    *progress, finished = predict_files(run, mixed, settings)
    assert isinstance(finished, Finished)
    assert all(isinstance(event, Progress) for event in progress)
    rows = finished.result["predictions"]
    assert [row["image"] for row in rows] == [file.name for file in mixed]
    assert [("error" in row) for row in rows] == [False, True, False, True, False, True]
    expected = Model.load(run / "model").predict(photographs())
    for row, shares in zip(rows[::2], expected, strict=True):
        assert list(row["probabilities"].values()) == pytest.approx(shares.tolist(), abs=1e-5)
        assert row["probabilities"][row["label"]] == max(row["probabilities"].values())
    assert rows[3]["error"].endswith(".")


def test_the_weights_hold_the_whole_network(run):
    from safetensors.torch import load_file

    state = load_file(run / "model/model.safetensors")
    assert set(state) == set(Model.load(run / "model").network.state_dict())
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())

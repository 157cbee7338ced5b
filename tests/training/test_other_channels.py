"""Images of other than three channels teach a network that was made for photographs."""

import json

import numpy as np
import pytest
import timm
import torch
from kept import dataset_of, pictures
from PIL import Image
from safetensors.torch import save_file
from tifffile import imwrite

from core.analysis.prediction import predict_files
from core.backbones.augmentation import Augmentation, augment
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.dataset.channel_form import special_form
from core.dataset.export import as_file
from core.dataset.store import Store
from core.errors import BadRecipe, UnreadableImage, UnusableDataset
from core.evaluation.metrics import wilson
from core.evaluation.report import Report
from core.export.formats import export
from core.model import Model
from core.pretraining_analysis.backbone_ranking import rank
from core.recipe import Recipe
from core.settings import Settings, get_settings
from core.training.channel_adaptation import channel_statistics, normalised_like
from core.training.preparation import prepare
from core.training.run import train

PLAIN = {"photometric": "minisblack", "planarconfig": "contig"}
IMAGENET = Preprocessing(64, "squash", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    made = timm.create_model("resnet10t").state_dict()  # random: none is bundled
    save_file(made, weights / "resnet10t.safetensors")
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu", weights=weights)


@pytest.fixture(scope="module")
def five(settings):
    """Sixty images of five channels with sixteen bits."""
    return dataset_of(pictures(5, 16), settings.home)


def recipe_folder(folder, dataset, **choices):
    usual = {"backbone": DEFAULT, "strategy": "feature_extraction", "size": 64, "holdout": 0.4}
    recipe = Recipe(dataset=dataset.id, **(usual | choices))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(recipe.to_json())
    return recipe


@pytest.fixture(scope="module")
def run(five, settings):
    """A finished run of a classifier on these."""
    folder = settings.home / "runs" / "00000000000000aa"
    recipe_folder(folder, five)
    list(train(folder, settings, lambda: False))
    return folder


def test_what_only_the_fifth_channel_shows_is_learned(run):
    report = Report.load(run)
    assert wilson(report.correct, report.n)[0] > report.majority.accuracy + 0.2


def test_the_model_keeps_the_channels_and_what_was_measured_of_them(run, five, settings):
    description = Model.load(run / "model").description
    assert description.arguments == {"in_chans": 5}
    assert (description.preprocessing.bits, len(description.preprocessing.mean)) == (16, 5)
    train_part = set(prepare(recipe_folder(run, five), settings).split.train)
    images = [item.image for n, item in enumerate(five.labelled) if n in train_part]
    mean, std = channel_statistics(images, Store(settings.home))
    values = np.stack([Store(settings.home).array(image) for image in images]) / 65535
    assert np.allclose(mean, values.mean((0, 1, 2)))
    assert np.allclose(std, values.std((0, 1, 2)))
    usual = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3, "bicubic")
    expected = normalised_like(usual, mean, std, bits=16)
    assert np.allclose(description.preprocessing.mean, expected.mean)


def test_measured_channels_are_as_lively_to_the_network_as_photographs():
    mean, std = np.array([0.02, 0.7]), np.array([0.01, 0.2])
    own = normalised_like(IMAGENET, mean, std, bits=16)
    assert np.allclose((own.mean, own.std), (mean, std))
    lite = normalised_like(Preprocessing(64, "pad", (0.5,) * 3, (0.5,) * 3), mean, std, bits=8)
    assert np.allclose((mean - lite.mean) / lite.std, (0.449 - 0.5) / 0.5)
    assert np.allclose(std / lite.std, 0.226 / 0.5)
    flat = normalised_like(IMAGENET, np.array([0.3]), np.array([0.0]), bits=8)
    assert (flat.mean, flat.std) == ((0.3,), (1.0,))


def test_a_file_is_predicted_with_all_its_channels_and_any_other_is_refused(
    run, five, settings, tmp_path
):
    suffix, content = as_file(Store(settings.home), five.items[0].image)
    (tmp_path / f"five{suffix}").write_bytes(content)
    imwrite(tmp_path / "four.tif", pictures(4, 16, 1)[0][1], **PLAIN)
    Image.new("RGB", (30, 30)).save(tmp_path / "photo.png")
    files = sorted(tmp_path.iterdir())
    *_, last = predict_files(run, files, settings)
    good, four, photo = last.result["predictions"]
    assert good["label"] == "0"
    assert "4 channels of 16 bits" in four["error"]
    assert (
        "3 channels of 8 bits (RGB), but the model was trained on images with 5" in (photo["error"])
    )
    ours = Model.load(run / "model").predict([pictures(5, 16, 1)[0][1]])[0]
    assert list(good["probabilities"].values()) == pytest.approx(ours.tolist(), abs=1e-6)


def test_the_exported_script_says_the_same(run, settings, tmp_path):
    *_, last = export(run, tmp_path / "model.zip", settings)
    assert last.result["max_difference"] < 1e-4
    assert last.result["n"] == 8


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (13, 16)])
def test_one_channel_and_thirteen_go_all_the_way_with_gradient_steps(
    channels, bits, settings, tmp_path
):
    dataset = dataset_of(pictures(channels, bits, 6), settings.home)
    recipe_folder(
        tmp_path, dataset, backbone="resnet10t.c3_in1k", strategy="from_scratch", size=32,
        fit="pad", options={"steps": 2, "mirror": "no", "batch": 4},
    )  # fmt: skip
    list(train(tmp_path, settings, lambda: False))
    model = Model.load(tmp_path / "model")
    assert model.description.arguments == {"in_chans": channels}
    assert model.predict([values for _, values in pictures(channels, bits, 1)]).shape == (3, 3)
    words = "1 channel of 8 bits" if channels == 1 else "13 channels of 16 bits"
    assert words in special_form(dataset.id, settings.home)


def test_backbones_are_ranked_on_all_channels(five, settings):
    cannot = "naflexvit_base_patch16_gap.e300_s576_in1k"
    *_, last = rank(five, Store(settings.home), settings, ["resnet10t.c3_in1k", cannot])
    tried, refused = last.result["rows"]
    assert tried["backbone"] == "resnet10t.c3_in1k"
    assert tried["accuracy"] > 0
    assert "cannot be adapted to 5 channels" in refused["error"]


def test_a_grey_network_takes_a_colour_image_for_grey():
    grey = Preprocessing(8, "squash", (0.4,), (0.2,))
    photo = Image.new("RGB", (20, 10), (200, 100, 0))
    assert np.array_equal(
        grey.pixels(photo), grey.pixels(np.asarray(photo.convert("L"))[..., None])
    )
    with pytest.raises(UnreadableImage, match="1 channel of 16 bits"):
        grey.pixels(np.zeros((5, 5, 1), np.uint16))


def test_images_of_different_channels_are_refused_by_name(settings):
    mixed = pictures(5, 16, 6) + pictures(2, 8, 2)
    dataset = dataset_of(mixed, settings.home)
    recipe = Recipe(dataset=dataset.id, backbone=DEFAULT, strategy="feature_extraction")
    with pytest.raises(UnusableDataset, match=r"6 images with 2 channels of 8 bits \(“0/18.tif”"):
        prepare(recipe, settings)
    assert "18 images with 5 channels of 16 bits" in special_form(dataset.id, settings.home)


def test_going_on_from_a_run_keeps_its_normalisation_and_refuses_other_channels(
    run, five, settings, tmp_path
):
    fewer = dataset_of(pictures(5, 16, 8), settings.home)
    onward = prepare(recipe_folder(tmp_path, fewer, start=str(run)), settings)
    assert onward.preprocessing == Model.load(run / "model").preprocessing
    other = dataset_of(pictures(2, 8, 6), settings.home)
    with pytest.raises(BadRecipe, match=r"2 channels of 8 bits, but the earlier run .* 5 channels"):
        prepare(recipe_folder(tmp_path, other, start=str(run)), settings)


def test_a_grey_image_is_to_one_channel_what_it_is_to_three(settings):
    """Up to rounding: the first layer for one channel is the sum over the colours."""
    colour = load_network(get_backbone(DEFAULT), 2, settings)
    grey = load_network(get_backbone(DEFAULT), 2, settings, channels=1)
    picture = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, three = (
            grey.forward_features(picture),
            colour.forward_features(picture.expand(-1, 3, -1, -1)),
        )
    torch.testing.assert_close(one, three, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [2, 5, 12])
def test_more_channels_repeat_the_colours_at_the_same_strength(channels, settings):
    usual = load_network(get_backbone(DEFAULT), 2, settings).conv_stem.weight
    made = load_network(get_backbone(DEFAULT), 2, settings, channels=channels).conv_stem.weight
    for channel in range(channels):
        torch.testing.assert_close(made[:, channel], usual[:, channel % 3] * 3 / channels)


def test_a_backbone_that_cannot_be_adapted_says_what_to_do(settings):
    backbone = get_backbone("naflexvit_base_patch16_gap.e300_s576_in1k")
    with pytest.raises(BadRecipe, match=r"cannot be adapted to 5 channels\. Choose another"):
        load_network(backbone, 2, settings, channels=5)


def test_channels_are_varied_each_about_its_own_middle():
    values = torch.stack([torch.full((8, 8), 1000), torch.full((8, 8), 60000)])[None]
    values = values.to(torch.uint16)
    varied = augment(values, Augmentation(1.0, False, 0.3), torch.Generator().manual_seed(3))
    share = varied / values.float()
    assert varied.shape == (1, 2, 8, 8)
    assert (share[:, 0] - share[:, 1]).abs().max() < 1e-3 or varied.max() == 65535


def test_the_command_line_keeps_channels_when_asked(settings, tmp_path, capsys, monkeypatch):
    from core.__main__ import main

    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFT_WEIGHTS", str(settings.weights))
    get_settings.cache_clear()
    for number, (label, values) in enumerate(pictures(2, 8, 6)):
        file = tmp_path / "pictures" / label / f"{number}.tif"
        file.parent.mkdir(parents=True, exist_ok=True)
        imwrite(file, values, **PLAIN)
    run = tmp_path / "run"
    options = ["--strategy", "from_scratch", "--size", "32", "--set", "steps=1", "mirror=no"]
    options += ["--backbone", "resnet10t.c3_in1k"]
    data = str(tmp_path / "pictures")
    assert main(["train", data, "--out", str(run), "--keep-channels", *options]) == 0
    assert main(["evaluate", str(run), data]) == 0
    capsys.readouterr()
    assert main(["predict", str(run), str(file), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert set(row["probabilities"]) == {"0", "1", "2"}
    get_settings.cache_clear()

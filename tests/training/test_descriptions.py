"""Classes described in words, with a real text tower whose small weights are made here."""

import sys

import numpy as np
import pytest
import torch
from captions import write_text_side
from PIL import Image
from sklearn.datasets import load_digits

from core.backbones.catalogue import CATALOGUE, DEFAULT, get_backbone
from core.backbones.graph_split import feature_trunk
from core.backbones.preprocessing import Preprocessing
from core.backbones.text_encoder import _tokens, describe
from core.backbones.weights import load_network
from core.errors import BadRecipe, WeightsUnavailable
from core.evaluation.report import Report
from core.events import Finished, Note
from core.features.linear_probe import fit_probe, softmax
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.strategies.descriptions import sentences
from core.training.preparation import prepare
from core.training.run import train

SIGLIP2 = "vit_base_patch16_siglip_224.v2_webli"
ROUND = {"0": "a round photo", "1": "upright", "2": "a bent photo"}


@pytest.fixture(scope="module")
def reading(settings, tmp_path_factory):
    """Settings with a text side that tells the digits apart, made from other digits' features."""
    network = feature_trunk(load_network(get_backbone(DEFAULT), 3, settings))
    how = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
    digits = load_digits()
    means = []
    for digit in range(3):
        drawn = [Image.fromarray((digits.images[number] * 15.9).astype(np.uint8))
                 for number in np.flatnonzero(digits.target == digit)[100:115]]  # fmt: skip
        pixels = np.stack([how.pixels(each.convert("RGB").resize((64, 64))) for each in drawn])
        with torch.no_grad():
            means.append(network(how.normalised(pixels)).mean(0).numpy())
    middle = np.mean(means, 0)
    along = middle / np.linalg.norm(middle)
    apart = [mean - middle - along * ((mean - middle) @ along) for mean in means]
    usual = {f"a photo of a {digit}": each for digit, each in enumerate(apart)}
    own = {ROUND[str(digit)]: each for digit, each in enumerate(apart)}
    weights = tmp_path_factory.mktemp("texts")
    write_text_side(weights / f"{DEFAULT}.text", len(middle), usual | own)
    return settings.model_copy(update={"weights": weights})


@pytest.mark.parametrize("texts", [{}, ROUND])
def test_words_alone_tell_the_digits_apart(run_folder, reading, texts):
    folder = run_folder("descriptions", then="nothing", texts=texts)
    events = list(train(folder, reading, lambda: False))
    assert isinstance(events[-1], Finished)
    report = Report.load(folder)
    assert report.correct >= 9  # of 12; chance is 4
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert "of the 48 training images" in note
    assert Model.load(folder / "model").classes == ("0", "1", "2")


def test_images_correct_the_words_and_are_compared_with_them(run_folder, reading):
    folder = run_folder("descriptions", texts={"0": ROUND["1"], "1": ROUND["0"]})
    list(train(folder, reading, lambda: False))
    report = Report.load(folder)
    assert report.correct >= 10
    assert report.start.correct <= 6  # 0 and 1 were described the wrong way round


def test_a_class_that_is_not_there_and_a_backbone_that_cannot_read_are_told_beforehand(
    run_folder, reading, settings
):
    strange = run_folder("descriptions", texts={"seven": "a photo"})
    with pytest.raises(BadRecipe, match=r"no class “seven” to describe\. There are: 0, 1, 2"):
        prepare(Recipe.from_json((strange / "recipe.json").read_text()), reading)
    plain = run_folder("descriptions")
    with pytest.raises(BadRecipe, match=r"cannot read descriptions\. Choose SigLIP 2 base"):
        prepare(Recipe.from_json((plain / "recipe.json").read_text()), settings)


def test_what_is_not_described_is_a_photo_of_its_name():
    assert sentences({"b": " dark "}, ["a_b", "b"]) == ["a photo of a a b", "dark"]


def test_siglip_2_is_the_one_of_our_rows_that_reads():
    reading = {name: row.text_side for name, row in CATALOGUE.items() if row.text_side}
    assert reading == {SIGLIP2: "timm/ViT-B-16-SigLIP2"}
    assert get_backbone("vit_base_patch32_siglip_256.v2_webli").text_side.endswith(
        "B-32-SigLIP2-256"
    )
    assert get_backbone("vit_base_patch32_clip_224.openai").family == "image-text"
    assert get_backbone("vit_base_patch32_clip_224.laion2b_ft_in1k").text_side == ""


def test_a_text_side_that_cannot_be_had_says_which_files_go_where(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    settings = Settings(home=tmp_path, offline=True)
    expected = rf"open_clip_model\.safetensors.*“timm/ViT-B-16-SigLIP2”.*“{SIGLIP2}\.text”"
    with pytest.raises(WeightsUnavailable, match=expected):
        describe(get_backbone(SIGLIP2), ["a photo"], 768, settings)


def test_without_its_package_it_says_how_to_get_it(reading, monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(WeightsUnavailable, match="pip install open_clip_torch"):
        describe(get_backbone(DEFAULT), ["a photo"], 1280, reading)


def test_a_text_side_of_another_network_is_refused(reading):
    with pytest.raises(WeightsUnavailable, match="do not fit the network"):
        describe(get_backbone(DEFAULT), ["a photo"], 512, reading)


def test_words_are_split_as_the_settings_say(reading):
    folder = reading.weights / f"{DEFAULT}.text"
    read = _tokens(folder, ["A photo, of a 0!", "a " * 30], 12).tolist()
    assert read[0] == [3, 4, 5, 3, 9, 1, 0, 0, 0, 0, 0, 0]
    assert read[1] == [3] * 11 + [1]


def test_a_projection_stands_between_features_and_words_of_clip(tmp_path):
    import open_clip

    folder = tmp_path / f"{DEFAULT}.text"
    write_text_side(folder, 64, clip=True)
    words = ["a dog", "two cats", "rain"]
    found = describe(get_backbone(DEFAULT), words, 64, Settings(home=tmp_path, weights=tmp_path))
    whole = open_clip.create_model(f"local-dir:{folder}").eval()
    features = np.random.default_rng(0).normal(size=(20, 64)).astype(np.float32)
    weight, bias = found.head(features)
    with torch.no_grad():
        seen = torch.from_numpy(features) @ whole.visual.proj
        said = whole.encode_text(
            open_clip.SimpleTokenizer(context_length=12)(words), normalize=True
        )
        cosines = torch.nn.functional.normalize(seen, dim=1) @ said.T
    by_us = features @ weight.T + bias
    assert np.array_equal(by_us.argmax(1), cosines.numpy().argmax(1))
    assert np.allclose(
        by_us, whole.logit_scale.exp().item() * cosines.numpy()
        * seen.norm(dim=1, keepdim=True).numpy() / seen.norm(dim=1).mean().item(), atol=1e-4,
    )  # fmt: skip


def test_held_near_a_good_classifier_little_is_needed_and_a_useless_one_is_left(settings):
    chance = np.random.default_rng(0)
    true = chance.normal(size=(3, 40)).astype(np.float32)
    features = chance.normal(size=(30, 40)).astype(np.float32)
    labels = (features @ true.T).argmax(1)
    folds = [([n for n in range(30) if n % 5 != k], list(range(k, 30, 5))) for k in range(5)]
    alone = fit_probe(features, labels, 3, folds)
    good = fit_probe(features, labels, 3, folds, prior_head=(3 * true, np.zeros(3, np.float32)))
    useless = fit_probe(features, labels, 3, folds, prior_head=(-3 * true, np.zeros(3, np.float32)))
    others = chance.normal(size=(500, 40)).astype(np.float32)

    def right(fit):
        return (
            softmax(others @ fit.weight.T + fit.bias).argmax(1) == (others @ true.T).argmax(1)
        ).mean()

    assert right(good) > right(alone) + 0.1
    np.testing.assert_array_equal(useless.weight, alone.weight)

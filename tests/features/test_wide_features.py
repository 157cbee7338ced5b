"""What the late stages see is kept beside the features, and made again where it is not."""

from collections.abc import Iterator

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from skimage import data

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.late_stages import see, wide_trunk, widths
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.events import Event, Progress
from core.features.extraction import FeatureCache, features
from core.features.feature_rows import drop_rows
from core.settings import Settings

SMALL = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
PICTURES = {f"{n:064x}": Image.fromarray(getattr(data, name)()).convert("RGB")
            for n, name in enumerate(("chelsea", "coffee", "rocket"))}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return load_network(get_backbone(DEFAULT), 3, Settings(device="cpu"))


def ended(events: Iterator[Event]) -> tuple[np.ndarray, int]:
    """What is returned in the end, and how many images were passed through."""
    done, first = 0, None
    while True:
        try:
            event = next(events)
        except StopIteration as stop:
            return stop.value, done - (first or 0)
        if isinstance(event, Progress):
            first = event.done if first is None else first
            done = event.done


def test_one_pass_serves_both_and_both_outlast_it(network, tmp_path):
    settings = Settings(home=tmp_path, device="cpu")
    asked = (list(PICTURES), PICTURES.get, network, SMALL, settings)
    plain, passed = ended(features(*asked))
    wide, again = ended(features(*asked, stages=True))
    assert (passed, again) == (3, 0)
    assert widths(network) == (1280, 224, 640)
    assert (plain.shape, wide.shape) == ((3, 1280), (3, 2144))
    np.testing.assert_array_equal(wide[:, :1280], plain)
    pixels = np.stack([SMALL.pixels(each) for each in PICTURES.values()])
    with torch.no_grad():
        batch = SMALL.normalised(torch.from_numpy(pixels))
        maps = network.forward_features(batch)
        stage = network.forward_intermediates(batch, indices=2, intermediates_only=True)[1]
    true = network.forward_head(maps, pre_logits=True).detach().numpy()
    np.testing.assert_allclose(plain, true, atol=1e-3)
    np.testing.assert_allclose(wide[:, -640:-320], stage.mean((2, 3)).numpy(), atol=1e-3)
    np.testing.assert_allclose(wide[:, -320:], stage.amax((2, 3)).numpy(), atol=1e-3)


def test_features_kept_before_without_the_stages_are_made_again_when_those_are_asked(
    network, tmp_path
):
    settings = Settings(home=tmp_path, device="cpu")
    asked = (list(PICTURES), PICTURES.get, network, SMALL, settings)
    plain, _ = ended(features(*asked))
    (folder,) = (tmp_path / "features").iterdir()
    for file in folder.iterdir():
        file.unlink()
    FeatureCache(folder).add(list(PICTURES), plain)
    assert ended(features(*asked))[1] == 0
    wide, passed = ended(features(*asked, stages=True))
    assert passed == 3
    np.testing.assert_array_equal(wide[:, :1280], plain)
    assert ended(features(*asked, stages=True))[1] == 0


def test_an_image_that_is_deleted_goes_from_both(tmp_path):
    cache = FeatureCache(tmp_path / "features")
    rows = np.arange(18, dtype=np.float32).reshape(3, 6)
    cache.add(list(PICTURES), rows[:, :4], rows[:, 4:])
    first, *others = PICTURES
    drop_rows(cache.folder.iterdir(), [first])
    assert cache.load().keys() == set(others)
    kept = cache.load(stages=True)
    np.testing.assert_array_equal(np.stack([kept[each] for each in others]), rows[1:])


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("resnet10t", {}),
        ("vit_tiny_patch16_224", {"img_size": 64, "depth": 1}),
        ("swin_tiny_patch4_window7_224", {"img_size": 56, "depths": [1, 1, 1, 1]}),
        ("vgg11", {}),
        ("mobilenetv4_conv_small", {}),
    ],
)
def test_every_family_of_networks_tells_as_much_as_it_says(name, how):
    made = timm.create_model(name, num_classes=2, **how).eval()
    images = torch.zeros(2, 3, how.get("img_size", 64), how.get("img_size", 64))
    with torch.no_grad():
        seen, wide = see(made, images), wide_trunk(made)(images)
    assert wide.shape == (2, sum(widths(made)))
    assert seen.features.shape[1] == widths(made)[0]
    assert len(widths(made)) == 1 + min(2, how.get("depth", 2))


def test_a_network_that_does_not_show_its_stages_is_compared_by_its_features(network):
    class Closed(torch.nn.Module):
        forward_features, forward_head = network.forward_features, network.forward_head
        get_classifier = network.get_classifier

    seen = see(Closed(), torch.zeros(1, 3, 64, 64))
    assert (seen.features.shape, seen.stages.shape) == ((1, 1280), (1, 0))
    assert widths(Closed()) == (1280,)

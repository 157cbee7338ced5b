"""What disks do to a home folder is found: caches are made again, an image or manifest is named
with what to do about it. Nothing damaged is ever used."""

import json
import logging

import numpy as np
import pytest
import torch
from damage import damaged, flipped, overwrite, ways
from PIL import Image
from safetensors.numpy import save_file
from thirty_digits import ended, run_folder
from torch import nn

from core.analysis.embedding_map import points_by_image
from core.backbones import runtime
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import freeze
from core.backbones.weights import load_network
from core.dataset.channels import as_rgb
from core.dataset.export import as_file
from core.dataset.ingest.decode import Decoded
from core.dataset.manifest import Dataset, ImageMetadata, Item
from core.dataset.orphans import sweep_orphans
from core.dataset.store import Store
from core.errors import Damaged, UnusableDataset
from core.events import Failed
from core.features.extraction import FeatureCache, features, reader
from core.files import sealed
from core.jobs import log
from core.jobs.process import run_job
from core.settings import Settings

SMALL = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
FACTS = ImageMetadata("TIFF", 32, 32, "many", 1)


@pytest.fixture(scope="module")
def images(digits):
    return [item.image for item in digits.items]


@pytest.fixture(scope="module")
def network(settings):
    return load_network(get_backbone(DEFAULT), 3, settings)


# Caches


def test_damaged_features_are_made_again_and_are_the_same(images, network, settings, caplog):
    def look():
        return ended(features(images, Store(settings.home).open, network, SMALL, settings))

    undisturbed = look()
    (folder,) = (settings.home / "features").iterdir()
    (file,) = folder.iterdir()
    for how, content in list(ways(file.read_bytes(), flips=3).items())[1:3]:
        caplog.clear()
        overwrite(file, content)
        np.testing.assert_allclose(look(), undisturbed, atol=1e-6, err_msg=how)
        assert not file.exists()
        assert "its features are made again" in caplog.text
        (file,) = folder.iterdir()
    for content in ways(file.read_bytes(), flips=40).values():
        file.write_bytes(content)
        assert FeatureCache(folder).load() == {}


def test_features_of_earlier_versions_which_do_not_tell_are_made_again(tmp_path):
    wrong = np.zeros((1, 4), np.float32)
    about = {"images": json.dumps(["a"])}
    save_file({"features": wrong}, tmp_path / "0123456789abcdef.safetensors", about)
    assert FeatureCache(tmp_path).load() == {}
    FeatureCache(tmp_path).add(["a"], wrong + 1)
    np.testing.assert_array_equal(FeatureCache(tmp_path).load()["a"], np.ones(4))


def test_a_damaged_converted_network_is_converted_again(tmp_path, caplog):
    """OpenVINO reads whatever weights it finds: one changed byte would be wrong for ever."""
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 64, 64), dtype=np.uint8)

    def run():
        caplog.clear()
        return freeze(nn.Sequential(*layers), SMALL, cache=tmp_path, key="tiny")(pixels)

    undisturbed = run()
    assert caplog.text == ""
    files = {file.suffix: file for file in tmp_path.iterdir()}
    assert files.keys() == {".xml", ".bin", ".sha256"}
    for file in files.values():
        with damaged(file) as harmed:
            for how, content in harmed.items():
                overwrite(file, content)
                assert not runtime._is_sound(files[".xml"]), how
    overwrite(files[".bin"], flipped(files[".bin"].read_bytes(), 400, 0x40))
    np.testing.assert_array_equal(run(), undisturbed)
    assert "is converted again" in caplog.text
    overwrite(files[".bin"], flipped(files[".bin"].read_bytes(), 400, 0x40))
    files[".sha256"].unlink()  # as earlier versions left it
    np.testing.assert_array_equal(run(), undisturbed)
    np.testing.assert_array_equal(run(), undisturbed)
    assert caplog.text == ""


def test_a_damaged_thumbnail_is_made_again(tmp_path):
    store, chance = Store(tmp_path), np.random.default_rng(0)
    noise = Image.fromarray(chance.integers(0, 256, (600, 600, 3), dtype=np.uint8))
    digest = store.add(noise, lossless=True)
    file = store.thumbnail(digest)
    undisturbed = store.open_thumbnail(digest).tobytes()
    for how, content in ways(file.read_bytes()).items():
        overwrite(file, content)
        assert store.open_thumbnail(digest).tobytes() == undisturbed, how


def test_a_damaged_map_is_as_none_and_an_old_one_is_read(tmp_path):
    settings, file = Settings(home=tmp_path), tmp_path / "maps" / "0123456789abcdef-pca.json"
    file.parent.mkdir()
    text = json.dumps({"images": ["a", "b"], "places": [[0.25, 0.5], [0.75, 1.0]]})
    places = {"a": (0.25, 0.5), "b": (0.75, 1.0)}
    for content in (sealed(text), text):
        file.write_text(content)
        assert points_by_image("0123456789abcdef", settings) == places
    for how, content in ways(sealed(text).encode(), flips=40).items():
        file.write_bytes(content)
        assert points_by_image("0123456789abcdef", settings) is None, how


# Images and manifests


def stored(store):
    """An image in each of the forms that are kept."""
    chance = np.random.default_rng(0)
    noise = Image.fromarray(chance.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    deep = chance.integers(0, 65_536, (32, 32, 5)).astype(np.uint16)
    return {
        "jpg": lambda: store.add(noise, lossless=False),
        "png": lambda: store.add(noise, lossless=True),
        "npy": lambda: store.take(Decoded(as_rgb(deep), True, FACTS, array=deep)),
    }


@pytest.mark.parametrize("suffix", ["jpg", "png", "npy"])
def test_a_damaged_image_is_named_and_brought_again_is_put_right(tmp_path, suffix):
    store = Store(tmp_path)
    bring = stored(store)[suffix]
    digest = bring()
    store.save(Dataset("One", (Item(digest, "cat", "cats/tom.png"),)))
    file, pixels = store.path(digest), store.array(digest)
    assert file.suffix == f".{suffix}"
    for how, content in ways(file.read_bytes()).items():
        overwrite(file, content)
        for ask in (store.open, store.array, store.read, lambda image: as_file(store, image)):
            with pytest.raises(Damaged, match=r"“cats/tom.png” is damaged. Import it again"):
                ask(digest)
        assert bring() == digest, how
        np.testing.assert_array_equal(store.array(digest), pixels)


def test_a_job_that_meets_a_damaged_image_names_it(digits, settings, tmp_path):
    item = digits.items[7]
    with damaged(Store(settings.home).path(item.image)) as harmed:
        for number, (how, content) in enumerate(harmed.items()):
            if how not in ("nothing", "half of it") and number != 2:
                continue
            overwrite(Store(settings.home).path(item.image), content)
            folder = run_folder(tmp_path / f"{number}", digits)
            fresh = settings.model_copy(update={"home": tmp_path / f"home {number}"})
            fresh.home.mkdir()
            for name in ("images", "datasets"):
                if (settings.home / name).exists():
                    (fresh.home / name).symlink_to(settings.home / name)
            run_job(folder, fresh)
            last = log.read_events(folder)[0][-1]
            assert isinstance(last, Failed)
            assert last.sentence.startswith(f"The image “{item.name}” is damaged."), how


def test_a_damaged_manifest_is_named_and_nothing_it_may_have_named_is_swept(tmp_path):
    store = Store(tmp_path)
    digest = stored(store)["png"]()
    dataset = Dataset("Füße", (Item(digest, "cat", "tom.png", facts=FACTS),), licence="CC0")
    store.save(dataset)
    (file,) = (tmp_path / "datasets").iterdir()
    with damaged(file) as harmed:
        sound = file.read_bytes()
        spots = [sound.index(digest.encode()), sound.index(b"cat"), sound.index(b"licence")]
        harmed |= {f"byte {spot}": flipped(sound, spot) for spot in spots}
        del harmed["all but a byte"]  # which is the end of the last line
        for how, content in harmed.items():
            file.write_bytes(content)
            with pytest.raises(UnusableDataset, match=r"damaged.*Import|another version"):
                store.load(dataset.id)
            sweep_orphans(tmp_path, older_than=-1)
            assert store.path(digest).exists(), how
    assert store.load(dataset.id) == dataset


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_any_byte_of_a_manifest_counts(tmp_path, place):
    store = Store(tmp_path)
    dataset = Dataset("Digits", tuple(Item(f"{n:064x}", "0", f"0/{n}.png") for n in range(5)))
    store.save(dataset)
    (file,) = (tmp_path / "datasets").iterdir()
    content = file.read_bytes()
    changed = flipped(content, place)
    file.write_bytes(changed)
    try:
        same = json.loads(changed) == json.loads(content)
    except ValueError:
        same = False
    if same:  # a blank between two words of JSON
        assert store.load(dataset.id) == dataset
        return
    with pytest.raises(UnusableDataset):
        store.load(dataset.id)


def test_what_is_said_in_the_log_names_no_one(caplog, images, network, settings):
    """Only files of the home folder stand there, never what people called their images."""
    with caplog.at_level(logging.WARNING):
        ended(features(images, reader(Store(settings.home), SMALL), network, SMALL, settings))
    assert "png" not in caplog.text

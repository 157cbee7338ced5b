"""What the network was pretrained to say helps it learn new classes, where that is known."""

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from skimage import data

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.graph_split import feature_trunk
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network, pretrained_head
from core.errors import BadRecipe
from core.events import Step
from core.settings import Settings
from core.strategies import get_strategy
from core.training.run import train
from core.transfer.option_info import resolve


@pytest.fixture(scope="module")
def co_tuned(run_folder, settings):
    """A run that was stopped after half of its steps, with its checkpoint, and then finished."""
    folder = run_folder("soft_sharing", "co-tuned", hold="co-tuning", steps=4, batch=8, mirror="no")
    steps = []
    for event in train(folder, settings, lambda: len(steps) >= 2):
        if isinstance(event, Step):
            steps.append(event)
    stopped = load_file(folder / "checkpoint.safetensors")
    list(train(folder, settings, lambda: False))
    return folder, stopped


def test_the_pretrained_classifier_reads_the_features_that_the_network_gives(settings):
    network = load_network(get_backbone(DEFAULT), 3, settings)
    coffee = Preprocessing(224, "squash", (0.5,) * 3, (0.5,) * 3)
    pixels = coffee.pixels(data.coffee())[None]
    with torch.no_grad():
        said = pretrained_head(network)(feature_trunk(network)(coffee.normalised(pixels)))
    assert int(said.argmax()) in {504, 967, 968}  # coffee mug, espresso, cup


def test_the_relationship_is_learned_before_the_steps_and_kept_in_checkpoints(co_tuned):
    folder, stopped = co_tuned
    relationship = stopped["trainer.objective.hold.relationship"]
    assert relationship.shape == (3, 1000)
    torch.testing.assert_close(relationship.sum(1), torch.ones(3))
    assert (folder / "model" / "model.safetensors").is_file()


def test_a_stop_on_the_way_changes_nothing(co_tuned, run_folder, settings):
    through = run_folder("soft_sharing", hold="co-tuning", steps=4, batch=8, mirror="no")
    list(train(through, settings, lambda: False))
    ours, theirs = (load_file(f / "model" / "model.safetensors") for f in (through, co_tuned[0]))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_local_file_with_a_classifier_is_as_good(tmp_path):
    made = timm.create_model("resnet10t", num_classes=7)
    save_file(made.state_dict(), tmp_path / "resnet10t.safetensors")
    settings = Settings(home=tmp_path, weights=tmp_path)
    head = pretrained_head(load_network(get_backbone("resnet10t.c3_in1k"), 3, settings))
    assert torch.equal(head.weight, made.fc.weight)


def test_without_a_pretrained_classifier_another_way_is_named(run_folder, settings, teacher):
    options = resolve(
        get_strategy("soft_sharing"), {"hold": "co-tuning"}, images=300, classes=3, family="cnn"
    )
    with pytest.raises(BadRecipe, match="Choose l2-sp, bss or delta instead"):
        get_strategy("soft_sharing").phases(timm.create_model("resnet10t", num_classes=3), options)
    onward = run_folder("soft_sharing", hold="co-tuning", start=teacher)
    with pytest.raises(BadRecipe, match="not available here"):
        list(train(onward, settings, lambda: False))

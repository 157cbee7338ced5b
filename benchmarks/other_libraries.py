"""How fastai and a plain timm loop fine-tune the bundled network, within seconds of the processor.

`python -m benchmarks.other_libraries fastai|timm FOLDER SIZE SECONDS SEED`: FOLDER has the class
folders of `train` and `test`. Each times a step or an epoch, and then trains for as many as fit.
Prints one JSON: right and wrong of the test images, in the order of their paths, and what
it took. Deciding what fits and testing do not count; what ours needs for both does.

fastai (2.8) is not among the project's packages, because nothing else needs it:
`.venv/bin/python -m pip install --no-deps --target .extras/fastai fastai==2.8.12 fastcore==2.2.41
fasttransform==0.0.5 "plum-dispatch<2.10" "fastprogress<1.1" fastdownload beartype matplotlib
contourpy cycler kiwisolver pyparsing fonttools cloudpickle`.
"""

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import timm
import timm.optim
import timm.utils
import torch
from PIL import Image
from torch import nn

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.weights import load_network
from core.settings import get_settings

_EXTRA = Path(__file__).parents[1] / ".extras" / "fastai"
_BATCH = 32
_RATE = 2e-3
_FROZEN_ONLY = 20.0
"""Seconds below which only the classifier is trained: one epoch of everything would not fit."""


def main() -> None:
    """Train and test as the command line says; print what came of it."""
    library, folder, size, seconds, seed = sys.argv[1:]
    torch.manual_seed(int(seed))
    np.random.seed(int(seed))
    way = {"fastai": fastai, "timm": plain_timm}[library]
    print(json.dumps(way(Path(folder), int(size), float(seconds))))


def fastai(folder: Path, size: int, seconds: float) -> dict[str, Any]:
    """`vision_learner` and `fine_tune` as its documentation has them, with its augmentation, on the
    network's own normalization; one frozen epoch and as many others as fit."""
    sys.path.insert(0, str(_EXTRA))
    from fastai.vision import all as fast

    loaders = fast.ImageDataLoaders.from_folder(
        folder, train="train", valid="test", bs=_BATCH, num_workers=0,
        item_tfms=fast.Resize(size, method="squish"),
        batch_tfms=fast.aug_transforms(size=size, min_scale=0.75),
    )  # fmt: skip
    learner = fast.vision_learner(loaders, DEFAULT, pretrained=False, normalize=False)
    mean, deviation = torch.tensor([[0.5] * 3] * 2)
    loaders.add_tfms([fast.Normalize.from_stats(mean, deviation, cuda=False)], "after_batch")
    _load_pretrained(learner.model[0].model)
    learner.freeze()

    class Untested(fast.Callback):  # type: ignore[misc]
        """Testing is no part of what is timed."""

        def before_validate(self) -> None:
            raise fast.CancelValidException

    untested = Untested()
    with learner.no_bar(), learner.no_logging():
        before = {name: tensor.clone() for name, tensor in learner.model.state_dict().items()}
        frozen = _taken(lambda: learner.fit_one_cycle(1, cbs=untested))
        learner.unfreeze()
        whole = _taken(lambda: learner.fit_one_cycle(1, cbs=untested))
        learner.model.load_state_dict(before)
        learner.opt = None
        began = time.process_time()
        if seconds < _FROZEN_ONLY:
            epochs = max(1, int(seconds / frozen))
            learner.freeze()
            learner.fit_one_cycle(epochs, 2e-3, cbs=untested)
        else:
            epochs = max(1, int((seconds - frozen) / whole))
            learner.fine_tune(epochs, cbs=untested)
        took = time.process_time() - began
    test = loaders.test_dl(fast.get_image_files(folder / "test"), with_labels=False)
    with learner.no_bar():
        found = learner.get_preds(dl=test)[0].argmax(1).tolist()
    said = {str(path): loaders.vocab[each] for path, each in zip(test.items, found, strict=True)}
    order = sorted(said)
    right = [said[path] == Path(path).parent.name for path in order]
    return {"right": right, "seconds": took, "epochs": epochs}


def plain_timm(folder: Path, size: int, seconds: float) -> dict[str, Any]:
    """AdamW at 2e-3, the best of six pairs of rate and layer decay within a minute on other images;
    a warm-up and a cosine, label smoothing 0.1, timm's random crops, colours and RandAugment, and
    weights averaged at 0.99; float32."""
    train, labels, classes = _read(folder / "train")
    network = timm.create_model(DEFAULT, num_classes=len(classes))
    _load_pretrained(network)
    vary = timm.data.create_transform(
        size, is_training=True, scale=(0.5, 1), color_jitter=0.2, auto_augment="rand-m5-mstd0.5",
        mean=(0.5,) * 3, std=(0.5,) * 3,
    )  # fmt: skip
    optimizer = torch.optim.AdamW(timm.optim.param_groups_weight_decay(network, 0.05), _RATE)
    average = timm.utils.ModelEmaV2(network, decay=0.99)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

    def step(batch: list[int]) -> None:
        pixels = torch.stack([vary(train[place]) for place in batch])
        loss = criterion(network(pixels), torch.tensor([labels[place] for place in batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update(network)

    first = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    batches = _batches(len(train))
    each = min(_taken(lambda: step(next(batches))) for _ in range(3))
    network.load_state_dict(first)
    average.set(network)
    optimizer.state.clear()
    began, steps = time.process_time(), max(1, int(seconds / each))
    network.train()
    for done in range(steps):
        share = (
            min(1, (done + 1) / max(1, steps // 10)) * (1 + math.cos(math.pi * done / steps)) / 2
        )
        for group in optimizer.param_groups:
            group["lr"] = _RATE * share
        step(next(batches))
    took = time.process_time() - began
    model = average.module.eval() if steps > 100 else network.eval()
    test, true, _ = _read(folder / "test")
    plain = timm.data.create_transform(size, crop_pct=1, mean=(0.5,) * 3, std=(0.5,) * 3)
    with torch.inference_mode():
        found = [int(model(plain(image)[None]).argmax()) for image in test]
    right = [one == other for one, other in zip(found, true, strict=True)]
    return {"right": right, "seconds": took, "epochs": steps * _BATCH / len(train)}


def _load_pretrained(network: nn.Module) -> None:
    """All but the classifier."""
    state = load_network(get_backbone(DEFAULT), 2, get_settings()).state_dict()
    features = {name: tensor for name, tensor in state.items() if "classifier" not in name}
    missing, unexpected = network.load_state_dict(features, strict=False)
    if unexpected or any("classifier" not in name for name in missing):
        raise ValueError(missing, unexpected)


def _read(folder: Path) -> tuple[list[Image.Image], list[int], list[str]]:
    classes = sorted(each.name for each in folder.iterdir())
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    images = [Image.open(path).convert("RGB") for path in paths]
    return images, [classes.index(path.parent.name) for path in paths], classes


def _batches(n: int) -> Iterator[list[int]]:
    """Places, every epoch in a new order, without its remainder."""
    while True:
        order: list[int] = torch.randperm(n).tolist()
        for start in range(0, n - _BATCH + 1, _BATCH):
            yield order[start : start + _BATCH]


def _taken(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()

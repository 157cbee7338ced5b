"""Why a model says what it says: where it looked, and which learned pictures it is reminded of.

The map is Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391). Whether it tells anything is checked
as Adebayo et al. 2018 (arXiv 1810.03292) ask: a map that looks the same when all weights are random
shows the picture, not what was learned.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from core.dataset.channels import RGB
from core.dataset.inline import data_address
from core.dataset.store import Store
from core.errors import BadInput, GraftError, UnreadableImage
from core.evaluation.ood import IMAGES, likenesses
from core.evaluation.report import Report
from core.events import Event, Finished, Progress
from core.files import read_sealed
from core.model import Model, model_folder
from core.settings import Settings

Verdict = Literal["dependent", "independent", "unchecked", "flat"]
"""Whether a map depends on what was learned; "flat": it shows no place at all."""

if TYPE_CHECKING:
    import torch
    from torch import nn

_NEAREST = 6
_RANDOM = 3
"""Networks of random weights that the map is compared with."""
_BELIEVED = 0.5
"""Likeness to maps of random weights from which on a map says nothing of what was learned."""
_FEWEST = 16
"""Fields of a map below which chance alone makes two maps alike."""
_FLAT = 1e-3
"""Difference between the least and the most evidence, of 1, below which no place stands out."""
_SHOWN = 256
"""Side of the pictures in the result, in pixels."""
_AMBER = (232, 134, 30)
_WHAT = "Finding out why"


def explain(
    run: Path, settings: Settings, *, image: str = "", file: Path | None = None
) -> Iterator[Event]:
    """Explain the answer about a stored image, by its hash, or about a file.

    Ends with Finished(result={"label", "share", "picture", "map", "verdict", "random", "nearest"}):
    both pictures as data addresses; `verdict` and `random` as from `checked`; `nearest` the learned
    pictures most like it, {"image", "label", "cosine"}, empty where none were kept. Raises
    NotFound, UnreadableImage.
    """
    began, store = time.monotonic(), Store(settings.home)
    yield Progress(_WHAT, 0, 2 + _RANDOM)
    model = Model.load(model_folder(run))
    if model.preprocessing.form != RGB:
        raise BadInput(
            "Only answers about pictures in red, green and blue can be explained so far."
        )
    square = model.preprocessing.square(_opened(store, settings, image, file))
    pixels = np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))[None]
    seen = model.look(pixels)
    answer = int(seen.shares[0, : len(model.classes)].argmax())
    batch = model.preprocessing.normalised(pixels)
    found = heat(model.network, batch, answer)
    yield Progress(_WHAT, 1, 2 + _RANDOM)
    random = []
    for turn in range(0 if is_flat(found) else _RANDOM):
        random.append(heat(_random_like(model, turn), batch, answer))
        yield Progress(_WHAT, 2 + turn, 2 + _RANDOM)
    verdict, likeness = checked(found, random)
    result = {
        "label": model.classes[answer],
        "share": float(seen.shares[0, answer]),
        "picture": data_address(square, _SHOWN),
        "map": data_address(_overlaid(square, 0 * found if verdict == "flat" else found), _SHOWN),
        "verdict": verdict,
        "random": likeness,
        "nearest": _nearest(run, model, seen.features, store, but=image),
    }
    yield Progress(_WHAT, 2 + _RANDOM, 2 + _RANDOM)
    yield Finished(round(time.monotonic() - began, 2), result)


def heat(network: "nn.Module", batch: "torch.Tensor", answer: int) -> np.ndarray:
    """Where the evidence for an output lies: float32 (h, w), 0 to 1, for one normalised picture.

    All zeros when nothing speaks for it.
    """
    import torch

    from core.backbones.weights import classifier

    kept: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        kept.append(output)
        return output

    # A class token reads the other tokens for the last time in the last block.
    last = _last_mixing(network)
    handle = last.register_forward_hook(keep) if last is not None else None
    with torch.enable_grad():
        maps = network.forward_features(batch.requires_grad_())  # type: ignore[operator]
        logits = classifier(network)(network.forward_head(maps, pre_logits=True))  # type: ignore[operator]
        target = kept[-1] if kept else maps
        (slope,) = torch.autograd.grad(logits[0, answer], target)
    if handle is not None:
        handle.remove()
    values, slopes = (_channels_first(network, each.detach()) for each in (target, slope))
    weights = slopes.mean((1, 2), keepdim=True)
    found = (weights * values).sum(0).clamp(min=0)
    result: np.ndarray = (found / found.max().clamp(min=1e-12)).float().cpu().numpy()
    return result


def _last_mixing(network: "nn.Module") -> "nn.Module | None":
    """What the last block of a transformer with a class token reads; None for other networks."""
    blocks = getattr(network, "blocks", None)
    prefix = getattr(network, "num_prefix_tokens", 0)
    if not prefix or blocks is None or getattr(network, "global_pool", "") != "token":
        return None
    norm: nn.Module | None = getattr(blocks[-1], "norm1", None)
    return norm


def _channels_first(network: "nn.Module", values: "torch.Tensor") -> "torch.Tensor":
    """Activations of one picture as (channels, h, w): of maps, maps with channels last, tokens."""
    width = int(getattr(network, "num_features", values.shape[1]))
    one = values[0]
    if one.dim() == 2:
        one = one[int(getattr(network, "num_prefix_tokens", 0)) :]
        side = round(len(one) ** 0.5)
        return one[: side * side].T.reshape(-1, side, side)
    if one.shape[0] != width and one.shape[-1] == width:
        return one.permute(2, 0, 1)
    return one


def _random_like(model: Model, seed: int) -> "nn.Module":
    import timm
    import torch

    about = model.description
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = timm.create_model(
            about.backbone, pretrained=False, num_classes=about.outputs, **about.arguments
        )
    return network.eval()


def is_flat(found: np.ndarray) -> bool:
    """Whether no place of a map (h, w) from `heat` stands out."""
    return not np.ptp(found) >= _FLAT  # so that what is no number is flat, too


def checked(found: np.ndarray, random: Sequence[np.ndarray]) -> tuple[Verdict, float | None]:
    """Whether a map (h, w) depends on what was learned, and how like it those of random weights
    are.

    The likeness is the mean absolute rank correlation, 0 to 1. Adebayo et al. compare maps by
    Spearman's rank correlation; its absolute value is ours: a map that other weights turn upside
    down is drawn by the picture all the same, and opposite signs would cancel in a mean. The mean
    rather than the greatest, which passes one half by chance too easily: docs/decisions/0010. A
    flat map of random weights agrees with nothing, whatever was learned, so it is left out. The
    likeness is None where that leaves no map, where the map has too few fields, or where it is flat
    itself.
    """
    if is_flat(found):
        return "flat", None
    told = [each for each in random if not is_flat(each)]
    if not told or found.size < _FEWEST:
        return "unchecked", None
    likeness = float(np.mean([abs(rank_correlation(found, each)) for each in told]))
    return ("dependent" if likeness < _BELIEVED else "independent"), likeness


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's: whether two maps (h, w) agree on where is more; 0 when one is flat."""
    ranks = [_ranks(each.ravel()) for each in (one, other)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Equal values share the mean of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: np.ndarray = (last - (count - 1) / 2)[place]
    return ranks


def _nearest(
    run: Path, model: Model, features: np.ndarray, store: Store, *, but: str
) -> list[dict[str, Any]]:
    try:
        images: list[str] = json.loads(read_sealed(run / IMAGES))
        dataset = store.load(Report.load(run).dataset)
    except (OSError, ValueError, GraftError):
        return []
    if model.known is None or len(images) != len(model.known.rows):
        return []
    labels = {item.image: item.label for item in dataset.items}
    cosines = likenesses(features, model.known.rows)[0]
    likest = [place for place in np.argsort(-cosines) if images[place] != but][:_NEAREST]
    return [
        {"image": images[p], "label": labels.get(images[p]) or "", "cosine": float(cosines[p])}
        for p in likest
    ]


def _opened(store: Store, settings: Settings, image: str, file: Path | None) -> Image.Image:
    from core.dataset.ingest.decode import decode

    if file is None:
        return store.open(image)
    try:
        return decode(file, settings)
    except FileNotFoundError as error:
        raise UnreadableImage("The picture is no longer there. Bring it again.") from error


def _overlaid(square: Image.Image, found: np.ndarray) -> Image.Image:
    """The picture in grey, and in amber where the evidence is."""
    share = Image.fromarray(found).resize(square.size, Image.Resampling.BICUBIC)
    strength = 0.75 * np.asarray(share).clip(0, 1)[..., None]
    grey = np.asarray(square.convert("L"), np.float32)[..., None]
    mixed = grey * (1 - strength) + np.array(_AMBER, np.float32) * strength
    return Image.fromarray(mixed.astype(np.uint8))

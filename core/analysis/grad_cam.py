"""Why a model predicts what it predicts: where the evidence lies, and the nearest training images.

The map is Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391). Whether it tells anything is checked
as Adebayo et al. 2018 (arXiv 1810.03292) ask: a map that looks the same when all weights are random
shows the image, not what was learned.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image
from pydantic import TypeAdapter

from core import seeding
from core.dataset.channels import RGB
from core.dataset.inline import data_address
from core.dataset.store import Store
from core.errors import BadInput, GraftError, UnreadableImage
from core.evaluation.ood import cosine_similarity, reference_images
from core.evaluation.report import Report
from core.events import Event, Finished, Progress
from core.model import Model, ModelOutput, model_folder
from core.settings import Settings

Verdict = Literal["dependent", "independent", "unchecked", "flat", "unknown"]
"""Whether a map depends on what was learned; "flat": it shows no place at all; "unknown": a version
before drew it, which did not ask."""

if TYPE_CHECKING:
    import torch
    from torch import nn

_NEAREST = 6
_RANDOM = 3
"""Networks of random weights that the map is compared with."""
_BELIEVED = 0.5
"""Correlation with maps of random weights from which on a map says nothing of what was learned."""
_FEWEST = 16
"""Fields of a map below which chance alone makes two maps alike."""
_FLAT = 1e-3
"""Difference between the least and the most evidence, of 1, below which no place stands out."""
_SHOWN = 256
"""Side of the images in the result, in pixels."""
_AMBER = (232, 134, 30)
_WHAT = "Finding out why"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training image that is much like the one that is explained."""

    image: str
    """Hash in the store."""
    label: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one image got its label."""

    label: str
    confidence: float
    image: str
    """As the network sees it: a data address."""
    map: str
    """The same with the evidence in amber."""
    verdict: Verdict
    rank_correlation: float | None
    """With the maps of random weights: see `checked`."""
    nearest: tuple[Neighbour, ...]
    """Empty where no training images were kept."""


@cache
def _adapter() -> TypeAdapter[Explanation]:
    return TypeAdapter(Explanation)


_RENAMED = {"share": "confidence", "picture": "image", "random": "rank_correlation"}


def explanation_of(result: Mapping[str, Any]) -> Explanation | None:
    """The explanation in the result of `explain`, also of a version before; None where that is
    none."""
    made = {"verdict": "unknown"} | {
        _RENAMED.get(name, name): value for name, value in result.items()
    }
    try:
        return _adapter().validate_python(made)
    except ValueError:
        return None


def explain(
    run: Path, settings: Settings, *, image: str = "", file: Path | None = None
) -> Iterator[Event]:
    """Explain the answer about a stored image, by its hash, or about a file.

    Ends with Finished, whose result has the fields of an Explanation. Raises NotFound,
    UnreadableImage, BadInput for images that are not RGB.
    """
    began, store = time.monotonic(), Store(settings.home)
    yield Progress(_WHAT, 0, 2 + _RANDOM)
    model = Model.load(model_folder(run))
    if model.preprocessing.form != RGB:
        raise BadInput("Explanations are available for RGB images only.")
    square = model.preprocessing.square(_opened(store, settings, image, file))
    pixels = np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))[None]
    output = model.forward(pixels)
    answer = int(output.probabilities[0, : len(model.classes)].argmax())
    batch = model.preprocessing.normalised(pixels)
    found = heat(model.network, batch, answer)
    yield Progress(_WHAT, 1, 2 + _RANDOM)
    random = []
    for seed in range(0 if is_flat(found) else _RANDOM):
        random.append(heat(_random_like(model, seed), batch, answer))
        yield Progress(_WHAT, 2 + seed, 2 + _RANDOM)
    verdict, correlation = checked(found, random)
    explanation = Explanation(
        label=model.classes[answer],
        confidence=float(output.probabilities[0, answer]),
        image=data_address(square, _SHOWN),
        map=data_address(_overlaid(square, 0 * found if verdict == "flat" else found), _SHOWN),
        verdict=verdict,
        rank_correlation=correlation,
        nearest=_nearest(run, model, output, store, but=image),
    )
    yield Progress(_WHAT, 2 + _RANDOM, 2 + _RANDOM)
    yield Finished(round(time.monotonic() - began, 2), asdict(explanation))


def heat(network: "nn.Module", batch: "torch.Tensor", answer: int) -> np.ndarray:
    """Where the evidence for an output lies: float32 (h, w), 0 to 1, for one normalised image.

    All zeros when nothing speaks for it.
    """
    import torch

    from core.backbones.weights import classifier

    recorded: list[torch.Tensor] = []

    def record(_module: Any, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        recorded.append(output)
        return output

    # A class token reads the other tokens for the last time in the last block.
    last = _last_mixing(network)
    handle = last.register_forward_hook(record) if last is not None else None
    with torch.enable_grad():
        maps = network.forward_features(batch.requires_grad_())  # type: ignore[operator]
        logits = classifier(network)(network.forward_head(maps, pre_logits=True))  # type: ignore[operator]
        target = recorded[-1] if recorded else maps
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
    """Activations of one image as (channels, h, w): of maps, maps with channels last, tokens."""
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

    about = model.description
    with seeding.torch_stream(seed, "random network"):
        network: nn.Module = timm.create_model(
            about.backbone, pretrained=False, num_classes=about.outputs, **about.arguments
        )
    return network.eval()


def is_flat(found: np.ndarray) -> bool:
    """Whether no place of a map (h, w) from `heat` stands out."""
    return not np.ptp(found) >= _FLAT  # so that what is no number is flat, too


def checked(found: np.ndarray, random: Sequence[np.ndarray]) -> tuple[Verdict, float | None]:
    """Whether a map (h, w) depends on what was learned, and how it correlates with those of random
    weights.

    The correlation is the mean absolute rank correlation, 0 to 1. Adebayo et al. compare maps by
    Spearman's rank correlation; its absolute value is ours: a map that other weights turn upside
    down is drawn by the image all the same, and opposite signs would cancel in a mean. The mean
    rather than the greatest, which passes one half by chance too easily: docs/decisions/0010. A
    flat map of random weights agrees with nothing, whatever was learned, so it is left out. The
    correlation is None where that leaves no map, where the map has too few fields, or where it is
    flat itself.
    """
    if is_flat(found):
        return "flat", None
    compared = [each for each in random if not is_flat(each)]
    if not compared or found.size < _FEWEST:
        return "unchecked", None
    correlation = float(np.mean([abs(rank_correlation(found, each)) for each in compared]))
    return ("dependent" if correlation < _BELIEVED else "independent"), correlation


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's: whether two maps (h, w) agree on where is more; 0 when one is flat."""
    ranks = [_ranks(each.ravel()) for each in (one, other)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Equal values share the mean of their ranks."""
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: np.ndarray = (last - (count - 1) / 2)[index]
    return ranks


def _nearest(
    run: Path, model: Model, output: ModelOutput, store: Store, *, but: str
) -> tuple[Neighbour, ...]:
    images = reference_images(run)
    if model.reference is None or len(images) != len(model.reference.features):
        return ()
    try:
        dataset = store.load(Report.load(run).dataset)
    except GraftError:
        return ()
    labels = {item.image: item.label for item in dataset.items}
    seen = output.compared_by(model.reference)
    cosines = cosine_similarity(seen, model.reference.features, model.reference.blocks)[0]
    nearest = [index for index in np.argsort(-cosines) if images[index] != but][:_NEAREST]
    return tuple(
        Neighbour(images[index], labels.get(images[index]) or "", float(cosines[index]))
        for index in nearest
    )


def _opened(store: Store, settings: Settings, image: str, file: Path | None) -> Image.Image:
    from core.dataset.ingest.decode import decode

    if file is None:
        return store.open(image)
    try:
        return decode(file, settings)
    except FileNotFoundError as error:
        raise UnreadableImage("This image is no longer here. Add it again.") from error


def _overlaid(square: Image.Image, found: np.ndarray) -> Image.Image:
    """The image in grey, and in amber where the evidence is."""
    large = Image.fromarray(found).resize(square.size, Image.Resampling.BICUBIC)
    opacity = 0.75 * np.asarray(large).clip(0, 1)[..., None]
    grey = np.asarray(square.convert("L"), np.float32)[..., None]
    mixed = grey * (1 - opacity) + np.array(_AMBER, np.float32) * opacity
    return Image.fromarray(mixed.astype(np.uint8))

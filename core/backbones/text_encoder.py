"""The text side of networks that were trained on images and their captions.

A sentence about each class becomes a direction among the features of images, and so a classifier
without any example: zero-shot classification with CLIP, Radford et al. 2021 (arXiv 2103.00020), and
SigLIP 2, Tschannen et al. 2025 (arXiv 2502.14786). The text towers are open_clip's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import nn

from core.backbones.catalogue import Backbone
from core.backbones.integrity import require_undamaged
from core.backbones.weights import hub_answers
from core.errors import BadRecipe, HubUnreachable, WeightsUnavailable
from core.settings import Settings

_CONFIG, _WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
_TOKENS = "tokenizer.json"
_FILES = (_CONFIG, _WEIGHTS, _TOKENS, "tokenizer_config.json")
_NO_FIT = (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError)


@dataclass(frozen=True, slots=True)
class Described:
    """Sentences as directions among the features of images."""

    rows: np.ndarray
    """float32 (k, e), each of length 1."""
    scale: float
    """What the cosine with an image is multiplied by."""
    projection: np.ndarray | None
    """(d, e): brings features to where the sentences are; None when they are there already."""

    def head(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weight (k, d) and bias (k,) of a classifier on features like these (n, d).

        It ranks classes as the cosines do. A linear layer cannot divide by the length of what it
        reads, so the mean length stands for every one.
        """
        seen = features if self.projection is None else features @ self.projection
        length = max(float(np.linalg.norm(seen, axis=1).mean()), 1e-12)
        rows = self.rows if self.projection is None else self.rows @ self.projection.T
        weight = (self.scale / length * rows).astype(np.float32)
        return weight, np.zeros(len(weight), np.float32)


def require_text_side(backbone: Backbone, settings: Settings) -> None:
    """Raise BadRecipe unless the backbone was trained on captions."""
    if not backbone.text_side and _local(backbone, settings) is None:
        raise BadRecipe(
            f"{backbone.title} was trained on images alone and cannot read descriptions. "
            "Choose SigLIP 2 base as backbone, or another SigLIP or CLIP network from timm."
        )


def describe(
    backbone: Backbone, sentences: Sequence[str], width: int, settings: Settings
) -> Described:
    """What the text side of the backbone makes of the sentences, for features of this width.

    Raises BadRecipe for a backbone without one, WeightsUnavailable with the way out when it
    cannot be had here.
    """
    require_text_side(backbone, settings)
    open_clip = _open_clip()
    folder = _local(backbone, settings) or _fetched(backbone, settings)
    for name in _FILES:
        if (folder / name).exists():
            require_undamaged(folder / name, settings)
    try:
        whole = open_clip.create_model(f"local-dir:{folder}").eval()
        tokens = _tokens(folder, sentences, whole.context_length)
        with torch.inference_mode():
            rows = whole.encode_text(tokens, normalize=True)
        projection = _projection(whole.visual, width, rows.shape[1])
    except _NO_FIT as error:
        raise WeightsUnavailable(
            f"The text encoder of {backbone.title} in “{folder.name}” cannot be used: its "
            f"files do not fit the network “{backbone.name}”. Replace them or choose another "
            "backbone."
        ) from error
    return Described(rows.numpy(), float(whole.logit_scale.detach().exp()), projection)


def _open_clip() -> Any:
    try:
        import open_clip
    except ImportError as error:
        raise WeightsUnavailable(
            "Reading descriptions needs the package open_clip_torch: python -m pip install "
            "open_clip_torch tokenizers"
        ) from error
    return open_clip


def _local(backbone: Backbone, settings: Settings) -> Path | None:
    """The text side in the administrator's folder of weights, if it is there."""
    if settings.weights is None:
        return None
    for stem in (backbone.name, backbone.architecture):
        folder = settings.weights / f"{stem}.text"
        if (folder / _CONFIG).is_file() and (folder / _WEIGHTS).is_file():
            return folder
    return None


def _fetched(backbone: Backbone, settings: Settings) -> Path:
    """The text side in the Hugging Face cache, from an earlier download or fetched now."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    away = settings.offline or not hub_answers()
    try:
        for name in _FILES:
            try:
                file = hf_hub_download(backbone.text_side, name, local_files_only=away)
            except LocalEntryNotFoundError:
                if name in (_CONFIG, _WEIGHTS):
                    raise
            except EntryNotFoundError:
                if name in (_CONFIG, _WEIGHTS):
                    raise
            if name == _WEIGHTS:
                folder = Path(file).parent
    except (OSError, EntryNotFoundError, ValueError) as error:
        raise (WeightsUnavailable if settings.offline else HubUnreachable)(
            f"The text encoder of {backbone.title} is not on this machine and cannot be "
            f"downloaded. Connect to the internet, or put {', '.join(_FILES)} of "
            f"“{backbone.text_side}” into a folder “{backbone.name}.text” in the folder "
            "GRAFT_WEIGHTS."
        ) from error
    return folder


def _tokens(folder: Path, sentences: Sequence[str], length: int) -> torch.Tensor:
    """Sentences as token numbers (k, length), as the text tower learned to read them."""
    config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))["model_cfg"]["text_cfg"]
    if not config.get("hf_tokenizer_name"):  # CLIP's own, which comes with open_clip
        from open_clip import SimpleTokenizer

        own: torch.Tensor = SimpleTokenizer(context_length=length)(list(sentences))
        return own
    from open_clip.tokenizer import get_clean_fn
    from tokenizers import Tokenizer

    reader = Tokenizer.from_file(str(folder / _TOKENS))
    said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    clean = get_clean_fn(config.get("tokenizer_kwargs", {}).get("clean", "whitespace"))

    def number(name: str) -> int:
        token = said[f"{name}_token"]
        name = token["content"] if isinstance(token, dict) else token
        known = reader.token_to_id(name)
        if known is None:
            raise KeyError(name)
        return int(known)

    # Where these are said, they count, whatever the tokenizer's file adds by itself.
    begins, ends = said.get("add_bos_token"), said.get("add_eos_token")
    by_itself = begins is None and ends is None
    rows = torch.full((len(sentences), length), number("pad"))
    for row, sentence in zip(rows, sentences, strict=True):
        read = reader.encode(clean(sentence), add_special_tokens=by_itself).ids
        head, tail = [number("bos")] if begins else [], [number("eos")] if ends else []
        read = [*head, *read[: length - len(head) - len(tail)], *tail]
        row[: len(read)] = torch.tensor(read)
    return rows


def _projection(visual: nn.Module, width: int, size: int) -> np.ndarray | None:
    """What stands between the features (of `width`) and the sentences (of `size`)."""
    matrix = getattr(visual, "proj", None)
    if isinstance(matrix, torch.Tensor) and matrix.shape == (width, size):
        return matrix.detach().numpy()
    layered = any(name.startswith("head.") for name, _ in visual.named_parameters())
    if matrix is not None or layered or width != size:
        raise ValueError(f"features of {width}, sentences of {size}")
    return None

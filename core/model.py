"""The model that a run makes: weights and everything needed to predict with them.

A model is a folder of two or three files, none of which can run code when it is opened:

    model.safetensors                all weights, the classifier's included
    model.json                       classes, preprocessing, network, scores: core.model_description
    reference_features.safetensors   what new images are compared with (maybe): core.evaluation.ood
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from core import tensors
from core.backbones.preprocessing import Preprocessing
from core.dataset.channels import Array
from core.errors import BadInput, Damaged, NotFound
from core.evaluation.ood import ReferenceFeatures
from core.files import flush_folder, replace_file, sealed
from core.model_description import DAMAGED, DESCRIPTION, Description

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

FOLDER = "model"
"""Where the model of a run is, inside the run's folder."""
WEIGHTS = "model.safetensors"

_BATCH = 32


class ModelOutput(NamedTuple):
    """What comes out of a model for images."""

    probabilities: np.ndarray
    """Float32 (n, outputs); those of each task sum to 1."""
    features: np.ndarray
    """What the classifier reads, float32 (n, d)."""
    stages: np.ndarray
    """What the late stages see, float32 (n, s): core.backbones.late_stages."""

    @property
    def wide(self) -> np.ndarray:
        """Both in one row, (n, d + s)."""
        return np.concatenate([self.features, self.stages], axis=1)

    def compared_by(self, reference: ReferenceFeatures) -> np.ndarray:
        """What these reference features are compared with."""
        return self.features if reference.blocks is None else self.wide


def concatenated(outputs: Sequence[ModelOutput]) -> ModelOutput:
    """Several batches, at least one, as one."""
    return ModelOutput(*(np.concatenate(each) for each in zip(*outputs, strict=True)))


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network that predicts by itself."""

    network: "nn.Module"
    description: Description
    reference: ReferenceFeatures | None = None
    """None: no image is ever called out of distribution."""

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.description.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image is prepared."""
        return self.description.preprocessing

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> "Model":
        """The model in a folder, ready to predict; nothing in the files can run code.

        Raises NotFound without a model, BadInput when a file is damaged.
        """
        import timm
        import torch

        from core.backbones.late_stages import widths

        try:
            description = Description.from_json((folder / DESCRIPTION).read_bytes())
            state = tensors.read(folder / WEIGHTS).tensors
        except FileNotFoundError as error:
            raise NotFound("This run has no model yet: its training has not ended.") from error
        except Damaged as error:
            raise BadInput(DAMAGED.format("its weights file is damaged")) from error
        if not timm.is_model(description.backbone):
            raise BadInput(
                f"This model's network “{description.backbone}” is not in the installed timm. "
                "Install the timm it was made with, or train it again."
            )
        shape = {"num_classes": description.outputs, **description.arguments}
        try:
            with torch.device("meta"):  # no time is lost on random weights
                network = timm.create_model(description.backbone, **shape)
            network.load_state_dict(state, strict=True, assign=True)
            if any(each.is_meta for each in network.buffers()):  # one that no file holds
                network = timm.create_model(description.backbone, **shape)
                network.load_state_dict(state, strict=True)
        except (RuntimeError, TypeError) as error:
            raise BadInput(DAMAGED.format("its weights do not fit its network")) from error
        reference = ReferenceFeatures.load(folder)
        if reference and reference.sizes not in (widths(network), widths(network)[:1]):
            raise BadInput(DAMAGED.format("its reference features are of another network"))
        network = network.to(device).to(memory_format=torch.channels_last)
        return cls(network.eval(), description, reference)

    def save(self, folder: Path) -> None:
        """Write the model into `folder`, whole or not at all; what was there is replaced."""
        import timm
        import torch

        description = asdict(self.description) | {
            "arguments": self.description.arguments or _arguments(self),
            "created_by": f"Graft, with torch {torch.__version__} and timm {timm.__version__}",
        }
        # Cloned, because safetensors refuses tensors that share memory.
        state = {
            name: tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format)
            for name, tensor in self.network.state_dict().items()
        }
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            tensors.write(draft / WEIGHTS, state, {"format": "pt"})
            text = json.dumps(description, ensure_ascii=False, indent=2)
            replace_file(draft / DESCRIPTION, sealed(text))
            if self.reference:
                self.reference.save(draft)
            _put_in_place(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def predict(self, images: Sequence[Image.Image | Array]) -> np.ndarray:
        """Probabilities of images: float32 (n, classes), each row sums to 1.

        They are RGB, or arrays (h, w, c) like those that the model learned from. Raises
        UnreadableImage for one of another form.
        """
        rows = [
            self.predict_pixels(np.stack([self.preprocessing.pixels(image) for image in batch]))
            for batch in _batches(images)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.classes)), np.float32)

    def predict_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities of prepared images (n, c, size, size) as one batch.

        With several label columns (n, all their classes): each column's classes sum to 1.
        """
        return self.forward(pixels).probabilities

    def forward(self, pixels: np.ndarray) -> ModelOutput:
        """Calibrated probabilities, and features, of prepared images (n, c, size, size)."""
        import torch

        from core.backbones.late_stages import see
        from core.backbones.weights import classifier

        network = self.network
        device = next(network.parameters()).device
        with torch.inference_mode():
            batch = self.preprocessing.normalised(torch.from_numpy(pixels).to(device))
            seen = see(network, batch.contiguous(memory_format=torch.channels_last))
            logits = classifier(network)(seen.features).float()
            by_task = [
                torch.softmax(logits[:, columns] / self.description.calibration_of(task)[0], dim=1)
                for task, _, columns in self.description.task_outputs()
            ]
            probabilities = torch.cat(by_task, dim=1)
        return ModelOutput(probabilities.cpu().numpy(), *(e.float().cpu().numpy() for e in seen))

    def ood_scores(self, output: ModelOutput) -> np.ndarray | None:
        """Out-of-distribution scores of images, (n,): above 1 they are of no known class.

        None when the model cannot tell.
        """
        if self.reference is None or not len(output.probabilities):
            return None
        by_task = [
            output.probabilities[:, columns] for *_, columns in self.description.task_outputs()
        ]
        return self.reference.scores(output.compared_by(self.reference), by_task)


def model_folder(run: Path) -> Path:
    """The model of a run; `run` may also be such a folder itself, an unpacked export for one."""
    return run if (run / DESCRIPTION).is_file() else run / FOLDER


def _arguments(model: Model) -> dict[str, Any]:
    """A network with a fixed input must be told its size: that may differ from the usual one. So
    must every network for other than three channels."""
    usual: dict[str, Any] = getattr(model.network, "pretrained_cfg", {})
    size = {"img_size": model.preprocessing.size} if usual.get("fixed_input_size") else {}
    count = model.preprocessing.form.channels
    return size | ({"in_chans": count} if count != 3 else {})


def _put_in_place(draft: Path, folder: Path) -> None:
    """Move a finished folder to its name. Folders cannot be swapped: the old one steps aside."""
    if not folder.exists():
        os.replace(draft, folder)
        flush_folder(folder.parent)
        return
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    os.replace(folder, aside / folder.name)
    os.replace(draft, folder)
    flush_folder(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _batches(items: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch

"""The model that a run makes: weights and everything needed to predict with them.

A model is a folder of two or three files, none of which can run code when it is opened:

    model.safetensors                all weights, the classifier's included
    model.json                       Description: classes, preprocessing, network, scores
    reference_features.safetensors   what new images are compared with (maybe): core.evaluation.ood
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from core import tensors
from core.backbones.preprocessing import Preprocessing
from core.dataset.channels import Array
from core.errors import BadInput, BadRecipe, Damaged, NotFound
from core.evaluation.calibration import COVERAGE
from core.evaluation.ood import ReferenceFeatures
from core.files import flush_folder, replace_file, sealed, unsealed

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

FOLDER = "model"
"""Where the model of a run is, inside the run's folder."""
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
FORMAT = 2

_BATCH = 32
_DAMAGED = "This model cannot be opened: {}. Train it again, or take an undamaged copy."


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What model.json says: all that is needed besides the weights, and where they come from."""

    format: int = FORMAT
    classes: tuple[str, ...]
    """In the order of the network's outputs."""
    preprocessing: Preprocessing
    backbone: str
    """timm's name of the architecture."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """What timm.create_model must be told besides the name, such as {"img_size": 224}."""
    tasks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """With several label columns: the classes of each, in the order of the outputs; `classes` are
    those of the first. Empty for the usual single one."""
    longest_side: int = 1024
    """Larger pictures are first shrunk to this, in pixels, as those it learned from were."""
    temperature: float = 1.0
    """Logits are divided by it before the softmax; 1.0 leaves them as they are."""
    coverage: float = COVERAGE
    """How often the prediction set shall hold the right class."""
    conformal_threshold: float | None = None
    """Classes of at least this probability are in the prediction set; None: there is none."""
    calibrations: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """With several label columns: "temperature" and "conformal_threshold" of each."""
    dataset: str = ""
    """Id of the dataset version it learned from."""
    recipe: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    """On the held-out part: n, correct, accuracy, interval."""
    created_by: str = ""

    @property
    def outputs(self) -> int:
        """Of the network: the classes of all label columns together."""
        return sum(map(len, self.tasks.values())) or len(self.classes)

    def task_outputs(self) -> list[tuple[str, tuple[str, ...], slice]]:
        """For each label column its name, its classes and its columns of the output."""
        found, first = [], 0
        for task, classes in (self.tasks or {"": self.classes}).items():
            found.append((task, classes, slice(first, first + len(classes))))
            first += len(classes)
        return found

    def calibration_of(self, task: str) -> tuple[float, float | None]:
        """Temperature and conformal threshold for one of the label columns."""
        own = self.calibrations.get(task, {})
        temperature = own.get("temperature") or self.temperature
        return temperature, own.get("conformal_threshold") if own else self.conformal_threshold

    def to_json(self) -> str:
        """All fields as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Description":
        """Read it back, sealed or not. Raises BadInput when it is none, is damaged, or comes from
        a newer version."""
        try:
            content = json.loads(unsealed(text))
            if content["format"] > FORMAT:
                raise BadInput("This model was made by a newer version; update Graft to open it.")
            if content["format"] < 2:
                content = upgraded(content)
            known = {item.name: content[item.name] for item in fields(cls) if item.name in content}
            known["classes"] = tuple(str(name) for name in known["classes"])
            known["preprocessing"] = Preprocessing.from_fields(known["preprocessing"])
            known["tasks"] = {
                str(task): tuple(str(name) for name in names)
                for task, names in known.get("tasks", {}).items()
            }
            known["temperature"] = float(known["temperature"])
            if known.get("conformal_threshold") is not None:
                known["conformal_threshold"] = float(known["conformal_threshold"])
            return cls(**known)
        except (ValueError, KeyError, TypeError, BadRecipe) as error:
            raise BadInput(_DAMAGED.format(f"“{DESCRIPTION}” is damaged on disk")) from error


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a model.json of format 1 as one of format 2."""

    def renamed(fields: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in fields.items()}

    threshold = {"set_floor": "conformal_threshold"}
    made = renamed(content, {**threshold, "set_level": "coverage", "adjustments": "calibrations"})
    by_task = made.get("calibrations", {})
    return made | {
        "format": 2,
        "calibrations": {task: renamed(each, threshold) for task, each in by_task.items()},
    }


class ModelOutput(NamedTuple):
    """What comes out of a model for images."""

    probabilities: np.ndarray
    """Float32 (n, outputs); those of each task sum to 1."""
    features: np.ndarray
    """What the classifier reads, float32 (n, d)."""


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
        """How a picture is prepared."""
        return self.description.preprocessing

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu") -> "Model":
        """The model in a folder, ready to predict; nothing in the files can run code.

        Raises NotFound without a model, BadInput when a file is damaged.
        """
        import timm
        import torch

        try:
            description = Description.from_json((folder / DESCRIPTION).read_bytes())
            state = tensors.read(folder / WEIGHTS).tensors
        except FileNotFoundError as error:
            raise NotFound("There is no model here yet: its training has not ended.") from error
        except Damaged as error:
            raise BadInput(_DAMAGED.format("its weights file is damaged on disk")) from error
        if not timm.is_model(description.backbone):
            raise BadInput(
                f"This model's network “{description.backbone}” is not known to the timm that is "
                "installed. Install the timm it was made with, or train it again."
            )
        try:
            network = timm.create_model(
                description.backbone,
                pretrained=False,
                num_classes=description.outputs,
                **description.arguments,
            )
            network.load_state_dict(state, strict=True)
        except (RuntimeError, TypeError) as error:
            raise BadInput(_DAMAGED.format("its weights do not fit its network")) from error
        network = network.to(device).to(memory_format=torch.channels_last)
        return cls(network.eval(), description, ReferenceFeatures.load(folder))

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
        """Probabilities of pictures: float32 (n, classes), each row sums to 1.

        They are RGB, or arrays (h, w, c) like those that the model learned from. Raises
        UnreadableImage for one of another form.
        """
        rows = [
            self.predict_pixels(np.stack([self.preprocessing.pixels(image) for image in batch]))
            for batch in _batches(images)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, len(self.classes)), np.float32)

    def predict_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities of prepared pictures (n, c, size, size) as one batch.

        With several label columns (n, all their classes): each column's classes sum to 1.
        """
        return self.forward(pixels).probabilities

    def forward(self, pixels: np.ndarray) -> ModelOutput:
        """Calibrated probabilities, and features, of prepared pictures (n, c, size, size)."""
        import torch

        from core.backbones.weights import classifier

        network = self.network
        device = next(network.parameters()).device
        with torch.inference_mode():
            batch = self.preprocessing.normalised(torch.from_numpy(pixels).to(device))
            maps = network.forward_features(batch.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
            features = network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
            logits = classifier(network)(features).float()
            by_task = [
                torch.softmax(logits[:, columns] / self.description.calibration_of(task)[0], dim=1)
                for task, _, columns in self.description.task_outputs()
            ]
            probabilities = torch.cat(by_task, dim=1)
        return ModelOutput(probabilities.cpu().numpy(), features.float().cpu().numpy())

    def ood_scores(self, output: ModelOutput) -> np.ndarray | None:
        """Out-of-distribution scores of images, (n,): above 1 they are of no known class.

        None when the model cannot tell.
        """
        if self.reference is None or not len(output.probabilities):
            return None
        confidence = [
            output.probabilities[:, columns].max(1)
            for *_, columns in self.description.task_outputs()
        ]
        return self.reference.scores(output.features, np.mean(confidence, axis=0))


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

"""The model that is taken away: weights and everything needed to predict with them.

A model is a folder of two or three files, none of which can run code when it is opened:

    model.safetensors   all weights, the classifier's included
    model.json          Description: classes, preprocessing, network, scores
    known.safetensors   what new images are compared with, to tell unknown ones (maybe)
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from core import tensors
from core.backbones.preprocessing import Preprocessing
from core.dataset.channels import RGB, Array
from core.errors import BadInput, BadRecipe, Damaged, NotFound, UnreadableImage
from core.evaluation.calibration import SET_LEVEL, offered
from core.evaluation.ood import Known
from core.events import Event, Finished, Progress
from core.files import flush_folder, replace_file, sealed, unsealed
from core.settings import Settings

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

FOLDER = "model"
"""Where the model of a run is, inside the run's folder."""
WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
FORMAT = 1

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
    set_level: float = SET_LEVEL
    """How often the set of offered classes shall hold the right one."""
    set_floor: float | None = None
    """Classes of at least this probability are offered; None: no set is."""
    adjustments: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """With several label columns: "temperature" and "set_floor" of each."""
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

    def parts(self) -> list[tuple[str, tuple[str, ...], slice]]:
        """For each label column its name, its classes and its outputs."""
        parts, first = [], 0
        for task, classes in (self.tasks or {"": self.classes}).items():
            parts.append((task, classes, slice(first, first + len(classes))))
            first += len(classes)
        return parts

    def adjusted(self, task: str) -> tuple[float, float | None]:
        """Temperature and floor of the sets for one of the label columns."""
        own = self.adjustments.get(task, {})
        temperature = own.get("temperature") or self.temperature
        return temperature, own.get("set_floor") if own else self.set_floor

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
            known = {item.name: content[item.name] for item in fields(cls) if item.name in content}
            known["classes"] = tuple(str(name) for name in known["classes"])
            known["preprocessing"] = Preprocessing.from_fields(known["preprocessing"])
            known["tasks"] = {
                str(task): tuple(str(name) for name in names)
                for task, names in known.get("tasks", {}).items()
            }
            known["temperature"] = float(known["temperature"])
            if known.get("set_floor") is not None:
                known["set_floor"] = float(known["set_floor"])
            return cls(**known)
        except (ValueError, KeyError, TypeError, BadRecipe) as error:
            raise BadInput(_DAMAGED.format(f"“{DESCRIPTION}” is damaged on disk")) from error


class Seen(NamedTuple):
    """What a model says about images, and what it saw in them."""

    shares: np.ndarray
    """Probabilities, float32 (n, classes); each row sums to 1."""
    features: np.ndarray
    """What the classifier reads, float32 (n, d)."""


def joined(seen: Sequence[Seen]) -> Seen:
    """Several batches, at least one, as one."""
    shares, features = (np.concatenate(each) for each in zip(*seen, strict=True))
    return Seen(shares, features)


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network that predicts by itself."""

    network: "nn.Module"
    description: Description
    known: Known | None = None
    """None: nothing is ever called unknown."""

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
        return cls(network.eval(), description, Known.load(folder))

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
            if self.known:
                self.known.save(draft)
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
        return self.look(pixels).shares

    def look(self, pixels: np.ndarray) -> Seen:
        """What is said about prepared pictures (n, c, size, size), as one batch."""
        import torch

        from core.backbones.weights import classifier

        network = self.network
        device = next(network.parameters()).device
        with torch.inference_mode():
            batch = self.preprocessing.normalised(torch.from_numpy(pixels).to(device))
            maps = network.forward_features(batch.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
            features = network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
            logits = classifier(network)(features).float()
            parts = [
                torch.softmax(logits[:, rows] / self.description.adjusted(task)[0], dim=1)
                for task, _, rows in self.description.parts()
            ]
            shares = torch.cat(parts, dim=1)
        return Seen(shares.cpu().numpy(), features.float().cpu().numpy())

    def unlike(self, seen: Seen) -> np.ndarray | None:
        """How unlike all that was learned from images are, (n,): above 1 they are unknown.

        None when the model cannot tell.
        """
        if self.known is None or not len(seen.shares):
            return None
        parts = [seen.shares[:, rows].max(1) for *_, rows in self.description.parts()]
        return self.known.scores(seen.features, np.mean(parts, axis=0))

    def rows(self, names: Sequence[str], seen: Seen) -> Iterator[dict[str, Any]]:
        """One prediction for each name, as it is shown and written.

        With several label columns a row is that of the first, and "tasks" holds them all.
        """
        about, far = self.description, self.unlike(seen)
        parts = about.parts()
        for place, (name, shares) in enumerate(zip(names, seen.shares, strict=True)):
            answers = {
                task: _answer(classes, shares[rows], about.adjusted(task)[1])
                for task, classes, rows in parts
            }
            row = {"image": name, **next(iter(answers.values()))}
            if about.tasks:
                row["tasks"] = answers
            score = None if far is None else float(far[place])
            yield row | {"unknown": None if score is None else score > 1, "unknown_score": score}


def _answer(classes: Sequence[str], shares: np.ndarray, floor: float | None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "label": classes[int(shares.argmax())],
        "probabilities": dict(zip(classes, shares.tolist(), strict=True)),
        "set": None,
    }
    if floor is not None:
        inside = offered(shares[None], floor)[0]
        likest_first = np.argsort(-shares, kind="stable")
        answer["set"] = [classes[index] for index in likest_first if inside[index]]
    return answer


def model_folder(run: Path) -> Path:
    """The model of a run; `run` may also be such a folder itself, an unpacked export for one."""
    return run if (run / DESCRIPTION).is_file() else run / FOLDER


def predict_files(
    run: Path, files: Sequence[Path], settings: Settings, *, names: Sequence[str] | None = None
) -> Iterator[Event]:
    """Predict image files; ends with Finished(result={"predictions": [...]}), one row a file.

    A row is {"image", "label", "probabilities": {class: p}}, or {"image", "error"} for a file that
    is no usable image. `names` are shown for the files (default: their own names). "set" lists the
    classes of which the right one mostly is one, the likeliest first; "unknown" says whether it
    looks like none of them, and "unknown_score" how far from it they are: above 1 is unknown. They
    are None where too few images were judged to tell.
    """
    began = time.monotonic()
    what = "Looking at your pictures"
    yield Progress(what, 0, len(files))
    model = Model.load(model_folder(run))
    rows: list[dict[str, Any]] = []
    prepare = partial(_prepared, preprocessing=model.preprocessing, settings=settings)
    shown = names or [file.name for file in files]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for batch in _batches(list(zip(shown, files, strict=True))):
            prepared = list(threads.map(prepare, [file for _, file in batch]))
            rows += _rows(model, [name for name, _ in batch], prepared)
            yield Progress(what, len(rows), len(files))
    yield Finished(time.monotonic() - began, {"predictions": rows})


def _rows(
    model: Model, names: Sequence[str], prepared: Sequence[np.ndarray | str]
) -> Iterator[dict[str, Any]]:
    """Rows in the order of `names`; `prepared` holds pixels, or why there are none."""
    readable = {at: made for at, made in enumerate(prepared) if isinstance(made, np.ndarray)}
    told: Iterator[dict[str, Any]] = iter(())
    if readable:
        seen = model.look(np.stack(list(readable.values())))
        told = model.rows([names[place] for place in readable], seen)
    for name, pixels in zip(names, prepared, strict=True):
        yield {"image": name, "error": pixels} if isinstance(pixels, str) else next(told)


def _prepared(file: Path, *, preprocessing: Preprocessing, settings: Settings) -> np.ndarray | str:
    from core.dataset.ingest.decode import decode_for_storage

    try:
        decoded = decode_for_storage(file, settings, keep=preprocessing.form != RGB)
        return preprocessing.pixels(decoded.image if decoded.array is None else decoded.array)
    except UnreadableImage as error:
        return str(error)
    except FileNotFoundError:
        return "There is no such file."
    except OSError as error:
        return f"It cannot be read: {error.strerror or 'the file is damaged'}."


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

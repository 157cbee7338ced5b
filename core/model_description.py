"""What a model is besides its weights, as model.json holds it, in the forms it has had."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.backbones.preprocessing import Preprocessing
from core.errors import BadInput, BadRecipe
from core.evaluation.calibration import COVERAGE
from core.files import unsealed

DESCRIPTION = "model.json"
"""Its file, inside the model's folder."""
FORMAT = 2
IMAGE_RULE = 1
"""How image files are decoded and shrunk: docs/decisions/0023. Models that name none have it."""
DAMAGED = "This model cannot be opened: {}. Train it again, or use an undamaged copy."


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
    image_rule: int = IMAGE_RULE
    """How an image file becomes the RGB pixels that `preprocessing` starts from."""
    longest_side: int = 1024
    """Larger images are first shrunk to this, in pixels, as those it learned from were."""
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
            if content["format"] > FORMAT or content.get("image_rule", IMAGE_RULE) > IMAGE_RULE:
                raise BadInput(
                    "This model was made by a newer version of Graft. Update Graft to open it."
                )
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
            raise BadInput(DAMAGED.format(f"“{DESCRIPTION}” is damaged")) from error


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

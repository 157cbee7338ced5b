"""What an estimate offers a phase (core.transfer.phases.CostContext): times of this machine."""

import hashlib
import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from core import seeding
from core.backbones.weights import classifier
from core.events import Event, Progress
from core.features.extraction import load_pixels, missing, warm
from core.files import read_sealed, replace_file, sealed
from core.settings import Settings
from core.training.activation_cache import Plan, ask_teacher, augmentation, make_plan, n_shown
from core.training.batch_sources import ActivationSource, BatchSource, ImageSource, activate
from core.training.preparation import Setup, on_device
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase
from core.transfer.phases import Part

SAMPLE = 16
"""Images that are timed."""
STEPS = 2
"""Gradient steps that are timed, after one that warms up."""
_PLAIN, _WEIGHTED = 500, 2000
"""Rounds that the solver of a classifier takes, over all folds and C, on our samples; many more
where images count unevenly."""
_FEW = 80
"""Images so few that what is done with their features is timed as a whole."""
_FILE = "estimates.json"


class CostContext:
    """Of one recipe; `number` is the phase that is asked."""

    def __init__(self, setup: Setup, settings: Settings) -> None:
        """What was timed before is read, and what is timed now is kept by `save`."""
        self.setup, self.settings, self.number = setup, settings, 0
        self.known = _read(settings)
        self.looked: set[tuple[bool, int, str]] = set()

    def save(self) -> None:
        """Keep what was timed, so that the same question is answered at once the next time."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        replace_file(self.settings.home / _FILE, sealed(json.dumps(self.known)))

    @property
    def makes_start(self) -> bool:
        """Whether no phase before has made a classifier."""
        return not any(phase.all_steps == 0 for phase in self.setup.phases[: self.number])

    @property
    def tries_mirroring(self) -> bool:
        """Whether a classifier shall try if images may be mirrored."""
        options = self.setup.options
        return isinstance(options, FineTuning) and options.mirror == "auto" and self.setup.steps > 0

    def count(self, part: Part) -> int:
        """How many images there are."""
        return len(self._indices(part))

    def looking(self, *parts: Part, views: Sequence[int] = (0,)) -> Generator[Event, None, float]:
        """Seconds for features that are not kept yet."""
        yield Progress("Timing a few images", self.number, len(self.setup.phases))
        setup, looks = self.setup, 0
        hashes = setup.images([index for part in parts for index in self._indices(part)])
        # After gradient steps the network is another one, and no features of it are kept.
        same = not any(phase.all_steps for phase in setup.phases[: self.number])
        for view in views:
            new = {*hashes}
            if same and view == 0:
                new = {*missing(hashes, setup.network, setup.preprocessing, self.settings)}
            asked = {(same, view, image) for image in new} - self.looked
            self.looked |= asked
            looks += len(asked)
        return looks * self._kept("picture", self._an_image)

    def solving(self, rows: int, *, weighted: bool = False) -> float:
        """Seconds for fitting a classifier to so many rows."""
        setup, rounds = self.setup, _WEIGHTED if weighted else _PLAIN
        return rounds * a_round(rows, classifier(setup.network).in_features, len(setup.classes))

    def transferring(
        self, part: Part, work: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], object]
    ) -> float:
        """Seconds for work on features and labels. Timed with made-up features of an eighth and of
        a quarter of the images: part of it grows with them, part does not."""
        chance = seeding.numpy_generator(0, "estimate")
        width = classifier(self.setup.network).in_features
        train, other = self._indices("train"), self._indices(part)

        def took(step: int) -> float:
            own, theirs = train[::step], other[::step]
            here, there = (
                chance.standard_normal((len(indices), width), np.float32)
                for indices in (own, theirs)
            )
            began = time.monotonic()
            work(here, self.setup.labels[own], there, self.setup.labels[theirs])
            return time.monotonic() - began

        if min(len(train), len(other)) < _FEW:
            return took(1)
        took(8)  # this turn warms up
        eighth, quarter = took(8), took(4)
        return eighth + 7 * max(0.0, quarter - eighth)

    def kept(self, what: str, measure: Callable[[], float]) -> float:
        """What was measured before for this phase, else measured now."""
        return self._kept(f"{what}-{self.number}", measure)

    def scoring(self) -> float:
        """Seconds for one image in the network as it was trained."""
        return self._kept("scored", self._a_scored_image)

    def steps(self, phase: GradientPhase) -> Generator[Event, None, float]:
        """Seconds for gradient steps: frozen layers once a variation, the teacher once an image,
        then the steps."""
        setup = self.setup
        yield Progress("Timing a few steps", self.number, len(setup.phases))
        on_device(setup)
        train = setup.split.train
        pixels = _pixels(setup, setup.images(train[:SAMPLE]))
        plan = make_plan(setup, phase, self.settings, pixels)
        names = [f"{what}-{self.number}" for what in ("view", "asked", "step")]
        keys = [key_of(setup, name) for name in names]
        if not {*keys} <= self.known.keys():
            timed = yield from self._time_steps(phase, plan, pixels)
            self.known |= dict(zip(keys, timed, strict=True))
        view, asked, step = (self.known[key] for key in keys)
        ahead = view * plan.views * n_shown(setup, phase) + asked * len(train)
        return ahead + step * phase.all_steps

    def _time_steps(
        self, phase: GradientPhase, plan: Plan, pixels: np.ndarray
    ) -> Generator[Event, None, tuple[float, float, float]]:
        """Seconds for a variation of an image in the frozen layers, for an image in the teacher,
        and for a step."""
        setup, sample = self.setup, self.setup.split.train[:SAMPLE]
        view, source = _source(setup, plan, pixels)
        outputs, asked = None, 0.0
        if phase.uses_teacher:
            began = time.monotonic()
            logits, features = yield from ask_teacher(setup, sample)
            asked = (time.monotonic() - began) / len(sample)
            again = torch.arange(len(source), device=logits.device) % len(sample)
            outputs = (logits[again], features[again])
        trainer = Trainer(
            setup.network, plan.suffix if plan.run else setup.network,
            replace(phase, steps=STEPS + 1), source, setup.fine_tuning, seed=0,
            number=self.number, device=setup.device, teacher_outputs=outputs,
            auxiliary=dict.fromkeys(phase.auxiliary, source), output_slices=setup.output_slices,
        )  # fmt: skip
        steps = trainer.run()
        next(steps)
        began = time.monotonic()
        taken = sum(1 for _ in steps)
        return view, asked, (time.monotonic() - began) / taken

    def _kept(self, what: str, measure: Callable[[], float]) -> float:
        if (key := key_of(self.setup, what)) not in self.known:
            self.known[key] = measure()
        return self.known[key]

    def _indices(self, part: Part) -> list[int]:
        return self.setup.indices(part)

    def _an_image(self) -> float:
        """Seconds to decode one image and pass it through the frozen network."""
        setup = self.setup
        run = warm(setup.network, setup.preprocessing, self.settings, setup.device)
        hashes = setup.images(setup.split.train[:SAMPLE])
        run(_pixels(setup, hashes))
        began = time.monotonic()
        run(_pixels(setup, hashes))
        return (time.monotonic() - began) / len(hashes)

    def _a_scored_image(self) -> float:
        """Seconds to decode one image and pass it through the network as it was trained."""
        setup = self.setup
        network, hashes = on_device(setup), setup.images(setup.split.train[:SAMPLE])
        took = 0.0
        for _ in range(2):  # the first turn warms up
            began = time.monotonic()
            images = torch.from_numpy(_pixels(setup, hashes)).to(setup.device)
            images = setup.preprocessing.normalised(images)
            with torch.inference_mode():
                network(images.contiguous(memory_format=torch.channels_last)).cpu()
            took = time.monotonic() - began
        return took / len(hashes)


def a_round(rows: int, width: int, classes: int) -> float:
    """Seconds for a round of the solver: it goes over the features (rows, width), or what spans
    them, and back, for every class in every fold. A part of both is timed."""
    rank, columns = min(rows, width), 6 * classes
    few, narrow = min(rows, 1000), min(columns, 120)
    features, answers = torch.randn(few, rank), torch.randn(rank, narrow)

    def turns(number: int) -> float:
        began = time.monotonic()
        for _ in range(number):
            features.T @ torch.softmax(features @ answers, 1)
        return time.monotonic() - began

    turns(1)  # this one warms up
    return (turns(3) / 3) * (rows / few) * (columns / narrow)


def _source(setup: Setup, plan: Plan, pixels: np.ndarray) -> tuple[float, BatchSource]:
    """Seconds for one variation of an image in the frozen layers; one full batch to learn."""
    train, how = setup.split.train, augmentation(setup.fine_tuning, mirror=True)
    size = min(setup.fine_tuning.batch, len(train))
    labels = setup.answers((train[:SAMPLE] * size)[:size]).tolist()
    if plan.run is None:
        batch = np.resize(pixels, (size, *pixels.shape[1:]))
        return 0.0, ImageSource(batch, labels, setup.preprocessing, how, setup.device)
    began = time.monotonic()
    kept = torch.cat(list(activate(pixels, plan.run, how, 2, 0)))
    each = (time.monotonic() - began) / (2 * len(pixels))
    kept = kept[torch.arange(size) % len(kept)]
    return each, ActivationSource(kept, labels, setup.device)


def _pixels(setup: Setup, hashes: list[str]) -> np.ndarray:
    batches = load_pixels(hashes, setup.read, setup.preprocessing)
    return np.concatenate([pixels for _, pixels in batches])


def key_of(setup: Setup, what: str) -> str:
    """What a timing depends on: the images, the network, and for steps all choices but their
    number, the size of a batch as it comes out, and the teacher."""
    about: list[Any] = [what, setup.device, setup.backbone.name, setup.preprocessing.key]
    about += [setup.recipe.dataset]
    if what != "picture":
        about += [setup.recipe.strategy, setup.options.model_dump(exclude={"steps"})]
        about += [min(getattr(setup.options, "batch", 0), len(setup.split.train))]
    if what.startswith("asked") and setup.teacher:
        about += [setup.teacher.description.backbone, setup.teacher.preprocessing.key]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def _read(settings: Settings) -> dict[str, float]:
    try:
        known = json.loads(read_sealed(settings.home / _FILE))
        return {str(key): float(value) for key, value in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}

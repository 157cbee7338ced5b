"""How long a recipe takes on this machine: a few pictures and steps are timed, the rest is sums."""

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from core.backbones.weights import classifier
from core.errors import GraftError
from core.evaluation.ood import MOST
from core.events import Event, Finished, Note, Progress
from core.features.extraction import load_pixels, missing, warm
from core.files import read_sealed, replace_file, sealed
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import FineTuning, Phase, Probe, get_strategy
from core.training.activation_cache import Plan, ask_teacher, augmentation, make_plan, places_of
from core.training.batch_sources import Activations, Pictures, Source, activate
from core.training.cross_validation import parts_of
from core.training.preparation import Setup, fine, on_device, prepare
from core.training.trainer import Trainer

_SAMPLE = 16
"""Pictures that are timed."""
_STEPS = 2
"""Gradient steps that are timed, after one that warms up."""
_AROUND = 0.7
"""Seconds for starting, and for writing the results."""
_PLAIN, _UNEVEN = 500, 2000
"""Rounds that the solver of a classifier takes, over all folds and strengths, on our samples; many
more where pictures count unevenly."""
_FEW = 80
"""Pictures so few that what is done with their features is timed as a whole."""
_A_PART = 0.5
"""Seconds around each further part of a cross-validation."""
_FILE = "estimates.json"


def estimate(recipe: Recipe, settings: Settings) -> Iterator[Event]:
    """Yield Progress, then Finished with {"seconds", "parts": {title: seconds}, "how"}.

    What was timed is kept, so that the same question is answered at once the next time.
    """
    began = time.monotonic()
    setup = prepare(recipe, settings)
    known = _read(settings)
    yield Progress("Timing a few pictures", 0, len(setup.phases))
    if (key := _key(setup, "picture")) not in known:
        known[key] = _a_picture(setup, settings)
    parts = {"Looking at your pictures": known[key] * _looks(setup, settings)}
    for number, phase in enumerate(setup.phases):
        if isinstance(phase, Phase):
            yield Progress("Timing a few steps", number, len(setup.phases))
            parts[phase.title] = yield from _phase(setup, phase, number, settings, known)
        elif not phase.describe:
            if (key := _key(setup, f"fit-{number}")) not in known:
                known[key] = _fitting(setup, phase)
            parts[phase.title] = known[key]
    if setup.steps:
        if (key := _key(setup, "scored")) not in known:
            known[key] = _a_scored_picture(setup)
        # What an earlier model was judged with is shown to that one and to the new one.
        shown = len(setup.test) + 2 * len(setup.recall) + min(MOST, len(setup.learn))
        parts["Scoring"] = known[key] * (shown + len(setup.watch))
    if recipe.judge == "folds":
        again = sum(parts.values()) - parts["Looking at your pictures"] + _A_PART
        parts["Judging with the other parts"] = again * (parts_of(setup) - 1)
    settings.home.mkdir(parents=True, exist_ok=True)
    replace_file(settings.home / _FILE, sealed(json.dumps(known)))
    result = {
        "seconds": round(sum(parts.values()) + _AROUND, 1),
        "parts": {title: round(seconds, 1) for title, seconds in parts.items()},
        "how": f"Timed on this machine with {_SAMPLE} of your pictures and {_STEPS} steps.",
    }
    yield Finished(round(time.monotonic() - began, 2), result)


def estimates(recipes: Sequence[Recipe], settings: Settings) -> Iterator[Event]:
    """Yield Progress, then Finished with {"seconds": one for each recipe, in order}.

    None stands for a recipe that cannot be carried out; a Note says why.
    """
    began = time.monotonic()
    told: list[float | None] = []
    for recipe in recipes:
        title = get_strategy(recipe.strategy).title
        yield Progress(f"Timing: {title}", len(told), len(recipes))
        try:
            *_, last = estimate(recipe, settings)
        except GraftError as error:
            yield Note(f"{title}, {recipe.backbone}: {error}")
            told.append(None)
            continue
        told.append(last.result["seconds"] if isinstance(last, Finished) else None)
    yield Finished(round(time.monotonic() - began, 2), {"seconds": told})


def _looks(setup: Setup, settings: Settings) -> int:
    """How often a picture passes through the frozen network, over all classifiers."""
    probes = [phase for phase in setup.phases if isinstance(phase, Probe)]
    other = setup.unlabelled if any(probe.align for probe in probes) else []
    other = [*other, *(setup.source if any(probe.weigh for probe in probes) else [])]
    hashes = setup.images([*setup.learn, *setup.test, *other])
    pictures = len(missing(hashes, setup.network, setup.preprocessing, settings))
    mirrored = isinstance(setup.options, FineTuning) and setup.options.mirror == "auto"
    looks = 0
    for phase in setup.phases:
        if isinstance(phase, Probe):
            looks += pictures * (phase.views + mirrored)
        else:  # the network is another one from here on, and no features of it are kept
            pictures = len(hashes)
    return looks


def _a_picture(setup: Setup, settings: Settings) -> float:
    """Seconds to decode one picture and pass it through the frozen network."""
    run = warm(setup.network, setup.preprocessing, settings, setup.device)
    hashes = setup.images(setup.learn[:_SAMPLE])
    run(_pixels(setup, hashes))
    began = time.monotonic()
    run(_pixels(setup, hashes))
    return (time.monotonic() - began) / len(hashes)


def _a_scored_picture(setup: Setup) -> float:
    """Seconds to decode one picture and pass it through the network as it was trained."""
    network, hashes = on_device(setup), setup.images(setup.learn[:_SAMPLE])
    took = 0.0
    for _ in range(2):  # the first turn warms up
        began = time.monotonic()
        images = torch.from_numpy(_pixels(setup, hashes)).to(setup.device)
        images = setup.preprocessing.normalised(images)
        with torch.inference_mode():
            network(images.contiguous(memory_format=torch.channels_last)).cpu()
        took = time.monotonic() - began
    return took / len(hashes)


def _fitting(setup: Setup, phase: Probe) -> float:
    """Seconds for the closed form of a classifier, and for a second one on what another world
    adds."""
    rows = phase.views * len(setup.learn)
    seconds = _rounds(setup, rows, _PLAIN)
    if phase.align:
        seconds += _transfer(setup, phase) + _rounds(setup, rows, _PLAIN)
    if phase.weigh:
        seconds += _transfer(setup, phase)
        seconds += _rounds(setup, rows + len(setup.source), _UNEVEN)
    return seconds


def _rounds(setup: Setup, rows: int, times: int) -> float:
    """Seconds for so many rounds of the solver: each goes over the features (rows, d), or what
    spans them, and back, for every class in every fold. A part of both is timed."""
    rank = min(rows, classifier(setup.network).in_features)
    columns = 6 * len(setup.classes)
    few, narrow = min(rows, 1000), min(columns, 120)
    features, answers = torch.randn(few, rank), torch.randn(rank, narrow)

    def turns(number: int) -> float:
        began = time.monotonic()
        for _ in range(number):
            features.T @ torch.softmax(features @ answers, 1)
        return time.monotonic() - began

    turns(1)  # this one warms up
    return times * (turns(3) / 3) * (rows / few) * (columns / narrow)


def _transfer(setup: Setup, phase: Probe) -> float:
    """Seconds for what a classifier takes from another world. Timed with made-up features of an
    eighth and of a quarter of the pictures: part of it grows with them, part does not."""
    chance = np.random.default_rng(0)
    width = classifier(setup.network).in_features
    other = setup.unlabelled if phase.align else setup.source

    def took(step: int) -> float:
        own, theirs = setup.learn[::step], other[::step]
        here, there = (
            chance.standard_normal((len(places), width), np.float32) for places in (own, theirs)
        )
        began = time.monotonic()
        if phase.align:
            phase.align(here, there)
        elif phase.weigh:
            phase.weigh(here, setup.labels[own], there, setup.labels[theirs])
        return time.monotonic() - began

    if min(len(setup.learn), len(other)) < _FEW:
        return took(1)
    took(8)  # this turn warms up
    eighth, quarter = took(8), took(4)
    return eighth + 7 * max(0.0, quarter - eighth)


def _phase(
    setup: Setup, phase: Phase, number: int, settings: Settings, known: dict[str, float]
) -> Generator[Event, None, float]:
    """Seconds for a phase of gradient steps: frozen layers once a variation, the teacher once a
    picture, then the steps."""
    on_device(setup)
    sample = setup.learn[:_SAMPLE]
    pixels = _pixels(setup, setup.images(sample))
    plan = make_plan(setup, phase, settings, pixels)
    view, step, asked = (_key(setup, f"{what}-{number}") for what in ("view", "step", "asked"))
    if not {view, step, asked} <= known.keys():
        known[view], source = _source(setup, plan, pixels)
        began = time.monotonic()
        taught = (yield from _taught(setup, sample, len(source))) if phase.taught else None
        known[asked] = (time.monotonic() - began) / len(sample) if taught else 0.0
        suffix = plan.suffix if plan.run else setup.network
        trainer = Trainer(
            setup.network, suffix, replace(phase, steps=_STEPS + 1), source, fine(setup), seed=0,
            number=number, device=setup.device, taught=taught, heads=setup.outputs,
            streams=dict.fromkeys(phase.streams, source),
        )  # fmt: skip
        steps = trainer.run()
        next(steps)
        began = time.monotonic()
        taken = sum(1 for _ in steps)
        known[step] = (time.monotonic() - began) / taken
    shown = len(setup.learn) + sum(len(places_of(setup, s)) for s in phase.streams.values())
    staged = known[view] * plan.views * shown + known[asked] * len(setup.learn)
    return staged + known[step] * phase.all_steps


def _taught(
    setup: Setup, places: list[int], size: int
) -> Generator[Event, None, tuple[torch.Tensor, torch.Tensor]]:
    """What the teacher says about these pictures, repeated for a batch of `size`."""
    logits, features = yield from ask_teacher(setup, places)
    again = torch.arange(size) % len(places)
    return logits[again], features[again]


def _source(setup: Setup, plan: Plan, pixels: np.ndarray) -> tuple[float, Source]:
    """Seconds for one variation of a picture in the frozen layers; one full batch to learn."""
    how = augmentation(fine(setup), mirror=True)
    size = min(fine(setup).batch, len(setup.learn))
    labels = setup.answers((setup.learn[:_SAMPLE] * size)[:size]).tolist()
    if plan.run is None:
        batch = np.resize(pixels, (size, *pixels.shape[1:]))
        return 0.0, Pictures(batch, labels, setup.preprocessing, how, setup.device)
    began = time.monotonic()
    kept = torch.cat(list(activate(pixels, plan.run, how, 2, 0)))
    each = (time.monotonic() - began) / (2 * len(pixels))
    kept = kept[torch.arange(size) % len(kept)]
    return each, Activations(kept, labels, setup.device)


def _pixels(setup: Setup, hashes: list[str]) -> np.ndarray:
    batches = load_pixels(hashes, setup.read, setup.preprocessing)
    return np.concatenate([pixels for _, pixels in batches])


def _key(setup: Setup, what: str) -> str:
    """What a timing depends on: the pictures, the network, and for steps all choices but their
    number, the size of a batch as it comes out, and the teacher."""
    about: list[Any] = [what, setup.device, setup.backbone.name, setup.preprocessing.key]
    about += [setup.recipe.dataset]
    if what != "picture":
        about += [setup.recipe.strategy, setup.options.model_dump(exclude={"steps"})]
        about += [min(getattr(setup.options, "batch", 0), len(setup.learn))]
    if what.startswith("asked") and setup.teacher:
        about += [setup.teacher.description.backbone, setup.teacher.preprocessing.key]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def _read(settings: Settings) -> dict[str, float]:
    try:
        known = json.loads(read_sealed(settings.home / _FILE))
        return {str(key): float(value) for key, value in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}

"""Trying an exported model out where it will live: in a process that knows nothing of this app."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.analysis.prediction import ImagePrediction, predict_files, predictions_of
from core.errors import GraftError, Hindered
from core.events import Finished
from core.export.formats import ExportContext
from core.export.odd_images import write_odd_images
from core.export.originals import held_out_files, original_files
from core.settings import Settings

LARGEST_DIFFERENCE = 1e-3
"""Probabilities that differ by more than this are not those of the app."""
BROKEN = 0.02
"""Probabilities of an exact format that differ by more than this come from another model."""

MOST_TESTED = 8
"""Test images that are tried."""
_SECONDS = 600
_SOME_UNREADABLE = 1
"""What the scripts end with then; their rows say which."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near an exported model comes to the app."""

    n: int
    """Images that both could read."""
    labels_equal: int
    """Of these, how many got the same label in every task."""
    max_difference: float
    """The greatest between two probabilities."""
    seconds: float = 0.0
    """That it took."""

    def require(self, most: float) -> None:
        """Raise GraftError when the difference is greater, or is no number."""
        if not self.max_difference <= most:
            raise GraftError(
                "The exported model was tried out and its probabilities differ from the app's by "
                f"up to {self.max_difference:.2g}, so nothing was exported. Train the model again, "
                "then export it."
            )

    @property
    def sentence(self) -> str:
        """What to tell whoever uses it."""
        return in_words(asdict(self))


def in_words(result: Mapping[str, Any]) -> str:
    """What a rehearsal found, from the result of an export; older ones have other names."""
    n = int(result.get("n", result.get("images", 0)))
    if not n:
        return "Not tried out, since it cannot run here. Compare some answers before you use it."
    difference = float(result.get("max_difference", result.get("greatest_difference", 0.0)))
    other = n - int(result.get("labels_equal", n))
    where = "a browser" if result.get("tried_in") == "browser" else "a process of its own"
    classes = "all get the same class as in the app"
    if other:
        classes = f"{other} {'gets' if other == 1 else 'get'} another class than in the app"
    return (
        f"Tried out in {where} on {n} images: {classes}, and probabilities differ by at most "
        f"{plain_number(difference)}."
    )


def plain_number(value: float) -> str:
    """0.0000002 rather than 2e-07."""
    return format(Decimal(f"{value:.1e}").normalize(), "f")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried, and how that went."""

    agreement: Agreement
    tested: tuple[Path, ...]
    """The test images among them."""
    of_tested: Agreement
    """On these alone."""


def try_out(
    context: ExportContext,
    bundle: Path,
    space: Path,
    *,
    script: str,
    most_tested: int = MOST_TESTED,
) -> Trial:
    """Ask the script of a bundle and the app about the same files, and compare what they say.

    Raises as `files_to_try` does, and GraftError when the script does not run.
    """
    ask = partial(rehearse, bundle, script=script)
    return try_asking(context, space, ask, most_tested=most_tested)


def try_asking(
    context: ExportContext,
    space: Path,
    ask: Callable[[Sequence[Path]], list[ImagePrediction]],
    *,
    most_tested: int = MOST_TESTED,
) -> Trial:
    """As `try_out`, of whatever `ask` gives a row for each file of."""
    began = time.monotonic()
    tested, others = files_to_try(context, space, most_tested)
    tried, n = [*tested, *others], len(tested)
    ours = app_answers(context.run, tried, context.settings)
    theirs = ask(tried)
    return Trial(
        agreement(ours, theirs, may_be_unreadable=len(others), seconds=time.monotonic() - began),
        tuple(tested),
        agreement(ours[:n], theirs[:n]),
    )


def files_to_try(
    context: ExportContext, space: Path, most_tested: int = MOST_TESTED
) -> tuple[list[Path], list[Path]]:
    """Test images as they are stored; and the person's own as they were brought, with the odd ones
    drawn by code. They are written into `space`. Raises NotFound where the test images are not
    here."""
    facts = context.facts
    tested = held_out_files(facts.report, context.store, facts.form, space, most_tested)
    own = original_files(facts.dataset, context.settings, space)
    return tested, [*own, *write_odd_images(space / "odd")]


def app_answers(run: Path, files: Sequence[Path], settings: Settings) -> list[ImagePrediction]:
    """What the app says about the files, a row each."""
    *_, last = predict_files(run, files, settings)
    if not isinstance(last, Finished):
        raise TypeError(f"predict_files ended with {last!r}")
    return predictions_of(last.result)


def outcome(began: float, form: str, file: Path, found: Agreement) -> Finished:
    """The last event of an export: the file, and what its rehearsal found."""
    result = {
        "file": str(file),
        "format": form,
        "bytes": file.stat().st_size,
        "n": found.n,
        "labels_equal": found.labels_equal,
        "max_difference": found.max_difference,
        "seconds": round(found.seconds, 3),
    }
    return Finished(time.monotonic() - began, result)


def rehearse(
    bundle: Path, images: Sequence[Path], *, script: str = "predict.py"
) -> list[ImagePrediction]:
    """What the bundle's own script says about the images, one row each.

    Runs without the app's modules and without the model hub. Raises GraftError, with the last
    line of what the script said, when it does not run.
    """
    as_json = ["--json", "-"] if script == "classify.py" else ["--json"]
    files = [str(file) for file in images]
    command = [sys.executable, "-I", "-B", script, *files, *as_json]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=bundle,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
        )
        # A script that breaks down ends with 1 as well, and says nothing.
        if done.returncode not in (0, _SOME_UNREADABLE) or not done.stdout.strip():
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            raise did_not_run(lines[-1] if lines else f"it ended with {done.returncode}")
        rows: list[ImagePrediction] = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired) as error:
        raise did_not_run(str(error)) from error
    return rows


def agreement(
    ours: Sequence[ImagePrediction],
    theirs: Sequence[ImagePrediction],
    *,
    may_be_unreadable: int = 0,
    seconds: float = 0.0,
) -> Agreement:
    """How near two lists of predictions come to each other.

    Raises GraftError when an image was unreadable to one alone. So many of the last ones may be
    unreadable to both, and are not counted.
    """
    differences = [0.0]
    last, n, equal = len(ours) - may_be_unreadable, 0, 0
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if number >= last and "error" in one and "error" in other:
            continue
        if reason := one.get("error") or other.get("error"):
            raise did_not_run(f"a test image could not be read: {reason}")
        answers = list(zip(_answers(one), _answers(other), strict=True))
        n += 1
        equal += all(mine["label"] == own["label"] for mine, own in answers)
        for mine, own in answers:
            first, second = mine["probabilities"], own["probabilities"]
            differences += [abs(first[name] - second[name]) for name in first]
    greatest = float(np.max(differences))  # unlike Python's max, it never drops a NaN
    return Agreement(n, equal, greatest, seconds)


def _answers(row: ImagePrediction) -> list[ImagePrediction]:
    """The answer of each task."""
    return list((row.get("tasks") or {"": row}).values())  # type: ignore[arg-type]


def did_not_run(why: str) -> Hindered:
    """What to raise when an exported model does not work by itself."""
    return Hindered(
        f"The exported model was tried out and did not work ({why}), so nothing was exported. "
        "Check that the packages in requirements.txt are installed, then try again."
    )

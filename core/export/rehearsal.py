"""Trying an exported model out where it will live: in a process that knows nothing of this app."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.analysis.prediction import ImagePrediction
from core.errors import GraftError

LARGEST_DIFFERENCE = 1e-3
"""Probabilities that differ by more than this come from another model."""

_SECONDS = 600
_SOME_UNREADABLE = 1
"""What predict.py ends with then; its rows say which."""


def rehearse(bundle: Path, images: Sequence[Path]) -> list[ImagePrediction]:
    """What the bundle's own predict.py says about the images, one row each.

    Runs without the app's modules and without the model hub. Raises GraftError, with the last
    line of what the script said, when it does not run.
    """
    command = [sys.executable, "-I", "-B", "predict.py", "--json", *(str(file) for file in images)]
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
            raise _did_not_run(lines[-1] if lines else f"it ended with {done.returncode}")
        rows: list[ImagePrediction] = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired) as error:
        raise _did_not_run(str(error)) from error
    return rows


def greatest_difference(
    ours: Sequence[ImagePrediction],
    theirs: Sequence[ImagePrediction],
    *,
    may_be_unreadable: int = 0,
) -> float:
    """The greatest absolute difference between the probabilities of two lists of predictions.

    Raises GraftError when an image was unreadable to either, or they differ by more than
    LARGEST_DIFFERENCE. So many of the last ones may be unreadable to both.
    """
    differences = [0.0]
    last = len(ours) - may_be_unreadable
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if number >= last and "error" in one and "error" in other:
            continue
        if reason := one.get("error") or other.get("error"):
            raise _did_not_run(f"a test image could not be read: {reason}")
        for first, second in zip(_probabilities(one), _probabilities(other), strict=True):
            differences += [abs(first[name] - second[name]) for name in first]
    greatest = float(np.max(differences))  # unlike Python's max, it never drops a NaN
    if not greatest <= LARGEST_DIFFERENCE:
        raise GraftError(
            "The exported model was tried out and its probabilities differ from the app's by up "
            f"to {greatest:.2g}, so nothing was exported. Train the model again, then export it."
        )
    return greatest


def _probabilities(row: ImagePrediction) -> list[dict[str, float]]:
    """The probabilities of each task."""
    return [answer["probabilities"] for answer in (row.get("tasks") or {"": row}).values()]


def _did_not_run(why: str) -> GraftError:
    return GraftError(
        f"The exported model was tried out and did not work ({why}), so nothing was exported. "
        "Check that the packages in requirements.txt are installed, then try again."
    )

"""Commands as a person or a program gives them, and pictures to give to them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from command_line import run_command
from PIL import Image
from skimage import data

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS = {"cat": data.chelsea, "coffee": data.coffee, "space": data.astronaut}


def start(home, *arguments):
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "core", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "GRAFT_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def as_json(home, *arguments, ends_with=0):
    code, out, err = run_command(home, *arguments, "--json")
    assert code == ends_with, err
    return json.loads(out)


def refused(home, *arguments):
    code, out, err = run_command(home, *arguments)
    assert code == 2
    assert out == ""
    return err


def pieces_of_photographs(place: Path) -> Path:
    """Three classes of 12 pieces of a photograph each."""
    folder = place / "pieces"
    random = np.random.default_rng(0)
    for name, photograph in PHOTOGRAPHS.items():
        (folder / name).mkdir(parents=True)
        whole = Image.fromarray(photograph())
        for number in range(12):
            left, top = (int(random.integers(0, side - 150)) for side in whole.size)
            piece = whole.crop((left, top, left + 150, top + 150))
            piece.save(folder / name / f"{number}.png")
    return folder

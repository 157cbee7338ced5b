"""Whether everything works on a GPU, and how fast: one JSON, in under four minutes.

`python -m benchmarks gpu`. With `--device cpu` the same at a tiny size, to see that it runs. It
needs torch, torchvision, timm, numpy, pillow, safetensors, scikit-learn, pydantic, sqlalchemy,
pydantic-settings, filelock, psutil, the bundled weights and the emoji sample; no web app, no
OpenVINO, no browser. The exit code is 1 when any part failed; the others are reported all the same.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.on_gpu.bench import Bench, Choices
from benchmarks.on_gpu.checks import (
    agreement,
    full_memory,
    guarded,
    precision,
    stop_and_resume,
)
from benchmarks.on_gpu.short_runs import each_strategy
from benchmarks.on_gpu.speed import speed
from core.devices import device_of
from core.settings import Settings

PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "agreement": agreement,
    "memory": full_memory,
    "resume": stop_and_resume,
    "speed": speed,
    "strategies": each_strategy,
    "precision": precision,
}


def main(arguments: Sequence[str]) -> int:
    """Run the parts and print the JSON; gives the exit code."""
    asked = _parser().parse_args(arguments)
    device = device_of(Settings(device=asked.device))
    large = device != "cpu"
    choices = Choices(
        device=device,
        size=asked.size or (224 if large else 32),
        batch=asked.batch or (32 if large else 8),
        steps=asked.steps or (20 if large else 2),
        images=1024 if large else 16,
        each=20 if large else 6,
        turn=2.0 if large else 0.0,
        transformer="vit_base_patch16_224" if large else "vit_tiny_patch16_224",
        strategies=asked.strategies,
    )
    began = time.monotonic()
    found: dict[str, Any] = {"machine": _machine(device), "size": choices.size, "parts": {}}
    with tempfile.TemporaryDirectory(prefix="graft-gpu-", ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), choices, asked.seconds)
        for name in asked.parts or PARTS:
            started = time.monotonic()
            part = guarded(partial(PARTS[name], bench)) if bench.in_time else _NO_TIME
            found["parts"][name] = {"seconds": round(time.monotonic() - started, 1), "found": part}
    found["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(found, indent=2))
    return 1 if _failed(found) else 0


_NO_TIME = {"skipped": "no time left"}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:<number> or cpu")
    parser.add_argument(
        "--seconds", type=float, default=210, help="after so many, nothing further is begun"
    )
    parser.add_argument("--size", type=int, help="side of the input, in pixels")
    parser.add_argument("--batch", type=int, help="images a step")
    parser.add_argument("--steps", type=int, help="of each short run")
    parser.add_argument("--strategies", nargs="+", default=(), help="of all, these alone")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="these alone")
    return parser


def _machine(device: str) -> dict[str, Any]:
    known: dict[str, Any] = {"device": device, "torch": torch.__version__}
    if device != "cpu":
        known |= {
            "name": torch.cuda.get_device_name(device),
            "cuda": torch.version.cuda,
            "bf16": torch.cuda.is_bf16_supported(including_emulation=False),
        }
    return known


def _failed(found: Any) -> bool:
    """Whether there is an error anywhere in it."""
    if not isinstance(found, dict):
        return False
    return "error" in found or any(_failed(each) for each in found.values())

"""Says what was imported before the job began, then computes with it on several threads."""

import sys
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Finished
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Look, then compute."""
    loaded = sorted({"torch", "timm", "openvino"} & sys.modules.keys())
    import numpy as np
    import openvino as ov
    import openvino.opset13 as ops
    import torch

    product = torch.randn(600, 600) @ torch.randn(600, 600)
    x = ops.parameter([1, 8], np.float32)
    compiled = ov.Core().compile_model(ov.Model([ops.relu(x)], [x], "m"), "CPU")
    answer = compiled(np.full((1, 8), 2.0, np.float32))[0]
    yield Finished(
        0.1, {"loaded": loaded, "finite": bool(product.isfinite().all()), "ov": float(answer[0, 0])}
    )


KIND = JobKind("warm", JobArgs, run)

"""What only a GPU does, as far as a processor can show it. The memory errors are made by hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from tiny import trainer_of
from torch import nn

from core.backbones.runtime import InTorch
from core.events import Note
from core.training import batch_sources
from core.training.batch_sources import ActivationSource


def test_everything_that_adamw_remembers_goes_on_where_the_weights_are(pixels):
    _, before = trainer_of(pixels, steps=3)
    list(before.run())
    kept = before.state()
    network, after = trainer_of(pixels, steps=3)
    # “meta” stands for any device that is not the processor, from which a checkpoint is read.
    for group in after.optimizer.param_groups:
        group["params"] = [nn.Parameter(p.to("meta")) for p in group["params"]]
    after.trained = after.optimizer.param_groups[0]["params"]
    after.load(kept)
    moments = [value for each in after.optimizer.state.values() for value in each.values()]
    assert len(moments) == 3 * len(list(network.parameters()))
    assert {value.device.type for value in moments} == {"meta"}


class Counting(nn.Module):
    """An objective that remembers how many labels it has seen."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, forward, batch):
        self.seen = self.seen + len(batch.labels)
        logits, _ = forward(batch.inputs)
        return nn.functional.cross_entropy(logits, batch.labels), logits


def test_a_step_that_begins_again_for_lack_of_memory_is_remembered_once(pixels):
    network, trainer = trainer_of(pixels, steps=3, objective=Counting())
    trainer.validation = None

    class Small(nn.Module):
        def forward(self, x):
            if len(x) > 4:
                raise torch.cuda.OutOfMemoryError("full")
            return network(x)

    trainer.suffix = Small()
    assert sum(isinstance(event, Note) for event in trainer.run()) == 1
    assert int(trainer.objective.seen) == 3 * 8


def test_images_that_do_not_fit_into_memory_go_through_a_frozen_network_in_halves():
    sizes = []

    class Small(nn.Module):
        def forward(self, x):
            if len(x) > 3:
                raise torch.cuda.OutOfMemoryError("full")
            sizes.append(len(x))
            return x.float().mean((2, 3))

    pixels = np.random.default_rng(0).integers(0, 256, (10, 3, 4, 4)).astype(np.uint8)
    found = InTorch(Small(), "cpu")(pixels)
    np.testing.assert_allclose(found, pixels.mean((2, 3)), rtol=1e-5)
    assert max(sizes) <= 3


def test_what_would_fill_a_gpu_stays_beside_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *_: (1000, 1000))
    large = torch.zeros(101, dtype=torch.float32)
    assert batch_sources._held(large, "cuda").device.type == "cpu"


def test_activations_come_in_batches_where_the_labels_are():
    source = ActivationSource(torch.zeros(4, 2, 3), [0, 1, 0, 1], "cpu")
    source.labels = source.labels.to("meta")  # as if the activations had not fitted beside them
    inputs, labels = source.batch(torch.tensor([1, 2]), torch.Generator().manual_seed(0))
    assert inputs.device == labels.device == torch.device("meta")


def test_the_server_whose_forks_the_jobs_are_never_asks_for_a_gpu():
    """A process that was forked after CUDA began cannot use it."""
    code = (
        "import torch\n"
        "asked = []\n"
        "count = torch._C._cuda_getDeviceCount\n"
        "torch._C._cuda_getDeviceCount = lambda: asked.append(1) or count()\n"
        "import core.jobs.warm\n"
        "print(len(asked), torch.cuda.is_initialized())\n"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["0", "False"]

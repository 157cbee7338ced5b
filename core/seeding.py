"""Everything random, drawn from one seed by name: no stream depends on what was drawn before it.

A stream is named by a path, as (seed, "steps", 1, 40): the same path gives the same numbers in a
run that was never interrupted and in one that goes on, on whatever machine. The empty path is the
seed itself; the split of a dataset is drawn from it, so that runs of every version share one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def derive(seed: int, *path: int | str) -> int:
    """A seed for the stream of this name, from 0 to 2**32 - 1, which every library takes."""
    if not path:
        return seed
    return int.from_bytes(blake2b(repr((seed, *path)).encode(), digest_size=4).digest(), "big")


def numpy_generator(seed: int, *path: int | str) -> "np.random.Generator":
    """NumPy's generator of this stream."""
    import numpy as np  # imported here: whoever only derives seeds need not load it

    return np.random.default_rng(derive(seed, *path))


def torch_generator(seed: int, *path: int | str) -> "torch.Generator":
    """A generator of this stream on the CPU, so that every device sees the same numbers."""
    import torch

    return torch.Generator().manual_seed(derive(seed, *path))


def seed_torch(seed: int, *path: int | str) -> None:
    """Set torch's common generators, of every device, to this stream."""
    import torch

    torch.manual_seed(derive(seed, *path))


@contextmanager
def torch_stream(seed: int, *path: int | str) -> Iterator[None]:
    """While it lasts, torch's common generator on the CPU draws this stream; then it goes on as if
    nothing had been."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, *path))
        yield

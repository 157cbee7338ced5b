"""Everything random comes from one seed, by name."""

import re
from pathlib import Path

import numpy as np
import torch

import core
from core import seeding

CORE = Path(core.__file__).parent
DRAWING = re.compile(
    r"default_rng\(|manual_seed\(|RandomState\(|random_state=(?!seed)|\.Generator\(\)|np\.random\."
    r"(?!Generator\b)"
)


def test_a_name_always_gives_the_same_seed_and_another_name_another_one():
    assert seeding.derive(7, "steps", 1, 40) == 1164324269
    names = [(), ("steps",), ("steps", 1), ("steps", "1"), ("steps", 1, 1), ("order", 1)]
    assert len({seeding.derive(7, *name) for name in names}) == len(names)
    assert seeding.derive(7) == 7  # the split of a dataset is the same in every version
    assert all(0 <= seeding.derive(seed, "x") < 2**32 for seed in (0, 1, 2**70))


def test_a_stream_is_the_same_whatever_was_drawn_before():
    first = seeding.numpy_generator(0, "a").random(3)
    seeding.numpy_generator(0, "b").random(100)
    np.testing.assert_array_equal(seeding.numpy_generator(0, "a").random(3), first)
    torch.testing.assert_close(
        torch.rand(3, generator=seeding.torch_generator(0, "a")),
        torch.rand(3, generator=seeding.torch_generator(0, "a")),
    )


def test_a_stream_of_torch_leaves_the_common_generator_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with seeding.torch_stream(0, "a"):
        one = torch.rand(2)
    with seeding.torch_stream(0, "a"):
        torch.testing.assert_close(torch.rand(2), one)
    torch.testing.assert_close(torch.rand(2), expected)


def test_nothing_in_core_draws_from_anywhere_else():
    drawing = {
        path.relative_to(CORE).as_posix()
        for path in CORE.rglob("*.py")
        if DRAWING.search(path.read_text(encoding="utf-8"))
    }
    assert drawing == {"seeding.py"}

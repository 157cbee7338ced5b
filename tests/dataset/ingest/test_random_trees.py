"""However a data set is laid out, its classes and split come out as meant, or a note asks."""

import os
from random import Random

import hypothesis
from hypothesis import given
from hypothesis import strategies as st
from trees import DataSet, data_set

from core.dataset.ingest.assignment import Assignment, assign
from core.dataset.ingest.entries import Entry
from core.errors import UnusableDataset

TREES = int(os.environ.get("GRAFT_TREES", "60"))
"""How many; `GRAFT_TREES=500` for a thorough look."""
FEWEST_RIGHT = 0.97


def read(made: DataSet) -> Assignment | None:
    """What is understood; None when it is refused in a sentence."""
    try:
        return assign([Entry(path, None) for path in made.meant], [], [])
    except UnusableDataset:
        return None


def is_as_meant(made: DataSet, told: Assignment) -> bool:
    """Whether each image has the class and the part that were meant, spelling of parts aside."""
    return all(
        (each.label, each.part if each.label else None) == what
        for each, what in zip(told.images, made.meant.values(), strict=True)
    )


@given(st.randoms(use_true_random=False))
@hypothesis.settings(max_examples=TREES, deadline=None)
def test_classes_and_split_come_out_as_meant_or_a_note_asks(chance: Random) -> None:
    made = data_set(chance)
    told = read(made)
    if told is None or any(note.weight >= 3 for note in told.notes):
        return
    assert is_as_meant(made, told)
    if made.has_variants:
        assert {each.group for each in told.images if each.label} != {None}


def test_nearly_all_come_out_as_meant_without_a_question() -> None:
    right = 0
    for seed in range(TREES):
        made = data_set(Random(seed))
        told = read(made)
        right += told is not None and is_as_meant(made, told)
    assert right >= FEWEST_RIGHT * TREES

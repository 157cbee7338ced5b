"""A strategy is one file: dropped into a folder on the registry's path, it is there."""

import json
from copy import deepcopy

import contract
import pytest
from command_line import run_command

import core.strategies as registry
from core.errors import BadRecipe

FILE = '''
"""Let only the last quarter of the layers adapt."""

from typing import Any

from core.transfer import (
    FineTuning, GradientPhase, LinearProbe, Network, Phase, Strategy, last_groups,
)


def phases(network: Network, options: Any) -> list[Phase]:
    groups = last_groups(network, fraction=0.25, lr=options.lr)
    return [LinearProbe("A classifier first"), GradientPhase("Then more", options.steps, groups)]


STRATEGY = Strategy(
    title="Adapt the last quarter",
    term="partial fine-tuning of a quarter",
    advice="To see that one file is enough.",
    hurts="It never does.",
    cost="minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=FineTuning,
    phases=phases,
)
'''


@pytest.fixture(scope="module")
def dropped(tmp_path_factory):
    """The folder is on the registry's path while these tests last."""
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "last_quarter.py").write_text(FILE)
    registry.__path__.append(str(folder))
    registry.strategies.cache_clear()
    yield "last_quarter"
    registry.__path__.remove(str(folder))
    registry.strategies.cache_clear()


def test_without_the_file_it_is_not_known():
    with pytest.raises(BadRecipe, match="No strategy is called “last_quarter”"):
        registry.get_strategy("last_quarter")


def test_it_appears_on_the_command_line_with_its_options(dropped, tmp_path):
    code, out, err = run_command(tmp_path, "strategies", "--json")
    assert code == 0, err
    (row,) = [row for row in json.loads(out) if row["name"] == dropped]
    assert row["title"] == "Adapt the last quarter"
    assert "steps" in {option["name"] for option in row["options"]}


@pytest.mark.parametrize("family", list(contract.NETWORKS))
def test_it_passes_the_checks_of_the_contract(dropped, family):
    original, images = contract.made(family), contract.six_images()
    contract.changes_exactly_what_it_declares(dropped, {}, family, deepcopy(original), images)
    contract.goes_on_to_the_same_weights(dropped, {}, family, original, images)
    contract.can_be_cut_where_it_begins(dropped, {}, family, deepcopy(original))
    contract.is_saved_as_it_was_taught(dropped, {}, family, original)

"""What every strategy promises on every family of network, with small networks made here."""

from copy import deepcopy

import contract
import pytest
import torch
from contract import NETWORKS, prepared

from core.errors import BadRecipe
from core.strategies import strategies

CHOICES = [
    *((name, {}) for name in strategies()),
    ("descriptions", {"then": "last layers"}),
    *(("selective", {"parts": parts}) for parts in ("biases", "layers")),
    *(("soft_sharing", {"hold": hold}) for hold in ("bss", "delta", "co-tuning")),
    *(("domain_adaptation", {"method": method}) for method in ("dann", "coral", "mmd")),
    *(("distillation", {"what": what}) for what in ("answers", "relations")),
    ("pseudo_labels", {"balance": False}),
]
CLASSIFIER_ALONE = {"feature_extraction", "domain_alignment", "instance_weighting", "descriptions"}
"""Those that take no gradient step unless they are asked to."""
NOT_HERE = {("lora", "CNN with BatchNorm"), ("lora", "ConvNeXt"), ("lora", "VGG")}
"""Where a network lacks what a strategy changes by default."""


def over(choices):
    """Each of these on each network that has what it changes."""
    pairs = [
        pytest.param(family, name, chosen, id=" ".join([family, name, *map(str, chosen.values())]))
        for family in NETWORKS
        for name, chosen in choices
        if chosen or (name, family) not in NOT_HERE
    ]
    return pytest.mark.parametrize(("family", "name", "chosen"), pairs, indirect=["family"])


every_choice = over(CHOICES)
with_steps = over([(name, o) for name, o in CHOICES if o or name not in CLASSIFIER_ALONE])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two wait longer for each other than such small networks take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def family(request):
    return request.param


@pytest.fixture(scope="module")
def original(family):
    return contract.made(family)


@pytest.fixture
def network(original):
    return deepcopy(original)


@pytest.fixture(scope="module")
def images():
    return contract.six_images()


@every_choice
def test_exactly_what_a_strategy_declares_changes(name, chosen, family, network, images):
    _, phases = prepared(name, chosen, deepcopy(network), family)
    assert any(phase.all_steps for phase in phases) == (
        name not in CLASSIFIER_ALONE or bool(chosen)
    )
    contract.changes_exactly_what_it_declares(name, chosen, family, network, images)


@pytest.mark.parametrize(("name", "family"), sorted(NOT_HERE), indirect=["family"])
def test_where_a_network_lacks_what_would_change_it_says_what_to_choose(name, family, network):
    with pytest.raises(BadRecipe, match=r"[Cc]hoose"):
        prepared(name, {}, network, family)


@pytest.mark.parametrize("family", ["VGG"], indirect=True)
def test_a_network_without_normalisation_changes_its_biases_or_says_what_else(family, network):
    options, _ = prepared("selective", {}, network, family)
    assert options.parts == "biases"
    with pytest.raises(BadRecipe, match="Choose another part"):
        prepared("selective", {"parts": "norms"}, network, family)


@with_steps
def test_a_phase_that_goes_on_from_its_state_ends_with_the_same_weights(
    name, chosen, family, original, images
):
    contract.goes_on_to_the_same_weights(name, chosen, family, original, images)


@with_steps
def test_the_network_can_be_cut_where_a_strategy_begins(name, chosen, family, network):
    contract.can_be_cut_where_it_begins(name, chosen, family, network)


@with_steps
def test_what_is_saved_answers_as_what_was_trained(name, chosen, family, original):
    contract.is_saved_as_it_was_taught(name, chosen, family, original)

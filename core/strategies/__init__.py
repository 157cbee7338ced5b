"""Which strategies there are: every other file here is one, found by its name.

A strategy says in which phases a pretrained network meets the new images; see core.transfer.
"""

from collections.abc import Collection
from functools import cache

from core.errors import BadRecipe
from core.registry import modules_of
from core.transfer import Situation, Strategy
from core.transfer.strategy import lacking


@cache
def strategies() -> dict[str, Strategy]:
    """Every strategy by the name of its file, in the order they are offered."""
    found = {name: each.STRATEGY for name, each in modules_of(__name__, __path__).items()}
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank, pair[0])))


def get_strategy(name: str) -> Strategy:
    """The strategy of that name. Raises BadRecipe, listing those that exist."""
    if name not in strategies():
        raise BadRecipe(f"No strategy is called “{name}”. There are: {', '.join(strategies())}.")
    return strategies()[name]


def recommended(situation: Situation, *, has: Collection[str], family: str) -> tuple[str, str]:
    """The name of the way to learn that suits best, and why.

    Of several that suit, the most special one: it was made for such a situation.
    """
    fitting = [
        (strategy.rank, name, reason)
        for name, strategy in strategies().items()
        if (reason := strategy.suits(situation)) and not lacking(strategy, has=has, family=family)
    ]
    _, name, reason = max(fitting)
    return name, reason

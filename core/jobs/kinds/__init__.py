"""Which kinds of job there are: every other file here is one, found by its name.

A kind says what its arguments are and what is done with them. A file imports whatever is heavy
inside its `run`, so that handing a job in never loads torch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.access import Action
from core.dataset.classes import LONGEST_CLASS
from core.errors import BadInput, NotFound
from core.events import Event
from core.projects import checked_id
from core.recipe import Recipe, in_one_sentence
from core.registry import modules_of
from core.settings import Settings

Queue = Literal["training", "quick", "live"]
"""Trainings take the whole machine, one at a time; what is quick, somebody waits for; what is live
lasts as long as somebody looks."""

ShouldStop = Callable[[], bool]

Id = Annotated[str, AfterValidator(checked_id)]
"""The id of a run, a project or a dataset version: never a path."""

AnyRecipe = Annotated[Recipe, BeforeValidator(Recipe.from_dict)]
"""A recipe, also one in the words of a version before."""


Labels = Annotated[
    dict[
        Annotated[int, Field(ge=0, lt=10**9)],
        Annotated[str, Field(min_length=1, max_length=LONGEST_CLASS)],
    ],
    Field(max_length=100_000),
]
"""Classes by the numbers of answers. The names are text from outside."""


class JobArgs(BaseModel):
    """The base of all arguments: frozen, JSON round trip, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = ""
    """Whose turn the job counts as. Where it is empty, that is found by what it works on."""


class DatasetArgs(JobArgs):
    """Of a job about one version of a dataset."""

    dataset: Id


class RunArgs(JobArgs):
    """Of a job about one run."""

    run: Id


Args = TypeVar("Args", bound=JobArgs)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Args]):
    """One kind of job."""

    name: str
    args: type[Args]
    run: Callable[[Path, Args, Settings, ShouldStop], Iterator[Event]]
    """Given the job's folder; yields what happens. It may run again in the same folder after it
    was killed, and must then come to the same end."""
    queue: Queue = "quick"
    stops_itself: bool = False
    """Whether it asks `should_stop` and ends with Stopped; any other is ended between two events.
    """
    action: Action = "edit"
    """What one must be allowed in a project to have this done in it, or to stop it."""

    def checked(self, given: Mapping[str, Any]) -> Args:
        """The arguments as JSON has them. Raises BadInput, or another GraftError, that names each
        that is wrong."""
        try:
            return self.args.model_validate(dict(given))
        except ValidationError as error:
            raise BadInput(
                f"A job of the kind “{self.name}” cannot be done like this. "
                f"{in_one_sentence(error)}"
            ) from error


@cache
def kinds() -> dict[str, JobKind[Any]]:
    """Every kind by its name."""
    found: list[JobKind[Any]] = [module.KIND for module in modules_of(__name__, __path__).values()]
    return {kind.name: kind for kind in found}


def get_kind(name: str) -> JobKind[Any]:
    """The kind of that name. Raises NotFound."""
    if name not in kinds():
        raise NotFound(f"This version has no job of the kind “{name}”. Update Graft.")
    return kinds()[name]

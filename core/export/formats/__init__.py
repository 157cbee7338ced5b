"""Every form in which a model can be exported, one a file; a file that lies here is offered.

It has a `FORMAT`; its name is that of the format.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from core.dataset.store import Store
from core.errors import BadInput
from core.events import Event
from core.export.extras import is_installed
from core.export.run_facts import RunFacts, facts_of
from core.model_description import Description
from core.registry import modules_of
from core.settings import Settings

DEFAULT = "zip"
_SCORES = ("n", "correct", "accuracy", "interval")


@dataclass(frozen=True, slots=True)
class ExportContext:
    """What a format writes: a finished run."""

    run: Path
    facts: RunFacts
    store: Store
    settings: Settings

    @property
    def description(self) -> Description:
        """Of the model, with all that is said about it where it is taken away."""
        report = self.facts.report
        return replace(
            self.facts.description,
            longest_side=self.settings.stored_side,
            dataset=report.dataset,
            recipe=self.facts.recipe.model_dump(mode="json"),
            scores={name: getattr(report, name) for name in _SCORES},
        )


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One form in which a model can be exported."""

    title: str
    """Plain words."""
    purpose: str
    """What it is for, in one sentence."""
    suffix: str
    """Of the file, with its dot."""
    write: Callable[[ExportContext, Path], Iterator[Event]]
    """Writes the file, whole or not at all; ends with Finished, whose result has its "file". Raises
    GraftError when what it wrote does not do what it should."""
    is_guessed: bool = False
    """Whether a file with that suffix means this format."""
    order: int = 90
    """Where it stands among the others: what most people want comes first."""
    extra: str = ""
    """The folder of packages that it needs beside the app's (see core.export.extras)."""

    @property
    def is_ready(self) -> bool:
        """Whether what it needs is installed."""
        return not self.extra or is_installed(self.extra)


@cache
def formats() -> dict[str, ExportFormat]:
    """Every format by its name, in the order in which they are offered."""
    found = {name: module.FORMAT for name, module in modules_of(__name__, __path__).items()}
    return dict(sorted(found.items(), key=lambda each: each[1].order))


def guessed(file: Path) -> str | None:
    """The format that a file's ending means; None where it means none."""
    suffix = file.suffix.lower()
    return next((n for n, f in formats().items() if f.is_guessed and f.suffix == suffix), None)


def export(run: Path, file: Path, settings: Settings, *, form: str = DEFAULT) -> Iterator[Event]:
    """Write the model of a run into a file of that format; ends as `ExportFormat.write` does.

    Raises BadInput for a format there is none of, NotFound without a finished run or its images.
    """
    if form not in formats():
        raise BadInput(f"There is no export as “{form}”. There are: {', '.join(formats())}.")
    store = Store(settings.home)
    context = ExportContext(run, facts_of(run, store), store, settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    yield from formats()[form].write(context, file)

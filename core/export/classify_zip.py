"""A graph and the scripts that classify with it, as one ZIP that was tried out."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from core.events import Event, Progress
from core.export.bundle import put_classify, write_zip
from core.export.formats import ExportContext
from core.export.model_card import classify_use, model_card
from core.export.rehearsal import BROKEN, MOST_TESTED, Trial, outcome, try_out


def write_classify_zip(
    context: ExportContext,
    file: Path,
    form: str,
    put_graph: Callable[[Path], object],
    *,
    engine: str,
    most_tested: int = MOST_TESTED,
    largest_difference: float = BROKEN,
    said: Callable[[Trial], str] = lambda trial: trial.agreement.sentence,
) -> Iterator[Event]:
    """Write the ZIP, once its classify.py has said what the app says.

    `put_graph` writes the graph into the folder that it is given; `engine` is the package that runs
    it; `said` is what the card says of the rehearsal. Ends as `outcome` does; raises as `try_out`
    does, and GraftError where probabilities differ by more than `largest_difference`.
    """
    began = time.monotonic()
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        bundle.mkdir()
        put_graph(bundle)
        put_classify(bundle, engine)
        yield Progress("Trying the packed model out", 1, 2)
        trial = try_out(context, bundle, Path(space), script="classify.py", most_tested=most_tested)
        trial.agreement.require(largest_difference)
        card = model_card(context.facts, classify_use(said(trial)))
        (bundle / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    yield outcome(began, form, file, trial.agreement)

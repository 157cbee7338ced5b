"""The answers of a job, handed over to be kept."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from core.dataset.laid_out import BroughtFile
from core.errors import GraftError, NotFound
from core.events import Event, Note, Progress
from core.field.consent import kept_of
from core.field.kept import FieldAnswer, keep
from core.projects import get_run
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_BATCH = 32


def hand_over(
    run_id: str,
    predictions: Sequence[Mapping[str, Any]],
    brought: Sequence[BroughtFile],
    settings: Settings,
) -> Iterator[Event]:
    """Keep what a job answered about each of the files brought, where there is consent.

    Whatever goes wrong is a Note: the answers themselves must not suffer from it.
    """
    given = [
        FieldAnswer(row["label"], max(row["probabilities"].values()), row.get("ood"), each.path)
        for row, each in zip(predictions, brought, strict=True)
        if each.path and "error" not in row
    ]
    try:
        if not _wanted(run_id, settings):
            return
        now = time.time()
        for start in range(0, len(given), _BATCH):
            yield Progress("Keeping the answers", start, len(given))
            keep(run_id, given[start : start + _BATCH], settings, at=now)
    except (GraftError, OSError) as error:
        _LOG.warning("answers of run %s were not kept", run_id, exc_info=error)
        yield Note(f"Not all of these answers could be kept for the watch. {error}")


def _wanted(run_id: str, settings: Settings) -> bool:
    """Whether the run's project keeps anything; not for a run that belongs to no project."""
    with suppress(NotFound):
        return bool(kept_of(get_run(run_id).project_id, settings))
    return False

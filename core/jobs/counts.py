"""How many jobs wait and work in each queue of a home."""

from dataclasses import dataclass

from core.faults import translated
from core.jobs.engine import QUEUES, WAITING, open_queue, queue_name
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Count:
    """The jobs of one queue."""

    waiting: int
    running: int
    """Begun and not ended, also those of a worker that died, until the next one goes on."""


def in_queues(settings: Settings) -> dict[str, Count]:
    """The count of each of QUEUES. Raises GraftError when the database cannot be asked."""
    names = {queue_name(which, settings.home): which for which in QUEUES}
    with translated(settings, settings.jobs_url):
        found = open_queue(settings).list_workflows(
            queue_name=list(names),
            status=[*WAITING, "PENDING"],
            load_input=False,
            load_output=False,
        )
    waiting = [names.get(each.queue_name or "") for each in found if each.status in WAITING]
    running = [names.get(each.queue_name or "") for each in found if each.status == "PENDING"]
    return {which: Count(waiting.count(which), running.count(which)) for which in QUEUES}

"""How much of the server a person takes up, for her to see."""

from core.access import require_person
from core.jobs.engine import open_queue
from core.jobs.quotas import quotas_of
from core.projects.quotas import Quota
from core.settings import get_settings


def my_quotas() -> list[Quota]:
    """Of whoever acts: images, jobs, minutes of a GPU. Raises NotAllowed."""
    settings = get_settings()
    return quotas_of(open_queue(settings), require_person().id, settings)

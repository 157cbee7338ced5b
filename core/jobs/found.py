"""What a check job has found so far, while it is still looking."""

from pathlib import Path

from core.checks import Problem, from_dicts
from core.events import Found
from core.jobs.log import read_events


def found_so_far(folder: Path) -> list[Problem]:
    """Its problems in the order of their finding, each once, also when it had to begin anew."""
    events, _ = read_events(folder)
    problems = from_dicts(event.problem for event in events if isinstance(event, Found))
    return list({problem.key: problem for problem in problems}.values())

"""What a project keeps of the answers in the field: nothing, until somebody says so."""

from typing import Literal, get_args

from core.access import note, require
from core.errors import BadInput, NotFound
from core.projects.database import ProjectRow, session
from core.settings import Settings

Keep = Literal["", "answers", "images"]
"""Nothing; the class, the confidence and whether unknown; the image, too."""


def kept_of(project_id: str, settings: Settings) -> Keep:
    """What this project keeps. Raises NotFound."""
    require("look", project_id)
    with session(settings) as opened:
        row = opened.get(ProjectRow, project_id)
        if row is None:
            raise NotFound("This project does not exist (any more).")
        return next((each for each in get_args(Keep) if each == row.keep_answers), "")


def choose(project_id: str, keep: str, settings: Settings) -> None:
    """Keep this much from now on; what was kept stays. Raises NotFound, BadInput."""
    if keep not in get_args(Keep):
        raise BadInput("Choose whether to keep nothing, answers, or answers and images.")
    require("edit", project_id)
    with session(settings) as opened:
        row = opened.get(ProjectRow, project_id)
        if row is None:
            raise NotFound("This project does not exist (any more).")
        row.keep_answers = keep
    note("chose what is kept", project_id, keep or "nothing")

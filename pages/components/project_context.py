"""Where one is: the project and the run named in the address, and what they hold.

The address carries the ids, so a refresh, a dropped connection or a second browser shows the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import GraftError, NotFound
from core.jobs.kept_model import kept_among
from core.jobs.queue import status
from core.jobs.status import JobStatus
from core.projects import Project, RunRow, datasets, get_project, runs
from core.settings import get_settings

KEPT = ("project", "run", "watch", "backbone", "strategy", "photos", "later", "change")
"""What the address takes along from step to step."""


@dataclass(frozen=True)
class ProjectContext:
    """One project, and everything in it that pages ask about."""

    project: Project

    @cached_property
    def versions(self) -> list[str]:
        """Ids of the dataset versions, newest first."""
        return [row.dataset_id for row in datasets(self.project.id)]

    @property
    def dataset(self) -> Dataset:
        """The newest dataset version, on a page that cannot be reached without one.

        Raises NotFound where there is none that can be read; `newest` asks.
        """
        if self.newest is None:
            raise NotFound(self.damage or "There are no images yet.")
        return self.newest

    @cached_property
    def newest(self) -> Dataset | None:
        """The newest dataset version; None also when it can no longer be read (see `damage`)."""
        try:
            return load_dataset(self.versions[0]) if self.versions else None
        except GraftError:
            return None

    @cached_property
    def images_version(self) -> str:
        """Id of the earliest version in this line with exactly these images. Scores, curves,
        rankings and timings belong to it: dismissing a problem costs none of them."""
        dataset = self.dataset
        while dataset.parent in self.versions:
            parent = load_dataset(dataset.parent)
            if not parent.same_images(dataset):
                break
            dataset = parent
        return dataset.id

    @property
    def damage(self) -> str:
        """Why the newest dataset version cannot be read; empty when it can."""
        if not self.versions or self.newest is not None:
            return ""
        return "The list of this project's images is damaged. Add the images again."

    @cached_property
    def runs(self) -> list[RunRow]:
        """The runs, newest first."""
        return runs(self.project.id)

    @cached_property
    def statuses(self) -> dict[str, JobStatus]:
        """How each run is doing."""
        return {run.id: status(run.folder) for run in self.runs}

    @cached_property
    def finished(self) -> list[RunRow]:
        """Runs with a model and a score, newest first."""
        return [run for run in self.runs if self.statuses[run.id].state == "finished"]

    @property
    def first_model(self) -> RunRow | None:
        """The run that started by itself for the newest images."""
        version = self.images_version if self.newest else None
        return next((run for run in self.automatic if run.dataset_id == version), None)

    @property
    def automatic(self) -> list[RunRow]:
        """The runs that nobody had to ask for, newest first."""
        return [run for run in self.runs if run.origin == "automatic"]

    @property
    def kept(self) -> RunRow | None:
        """The run whose model is kept: the one chosen, else the first that was finished."""
        return kept_among(self.project, self.finished)


@st.cache_resource(max_entries=16, show_spinner=False)
def load_dataset(dataset_id: str) -> Dataset:
    """A dataset version; it never changes, so it is read once."""
    return Store(get_settings().home).load(dataset_id)


def here() -> ProjectContext | None:
    """The place that the address names."""
    project_id = st.query_params.get("project", "")
    try:
        project = get_project(project_id)
    except NotFound:
        return None
    return None if project.deleted_at else ProjectContext(project)


def address(**changes: str | None) -> Mapping[str, str]:
    """The query of a link that stays in this project, with some parts changed or left out."""
    kept = {name: st.query_params[name] for name in KEPT if name in st.query_params}
    return {name: value for name, value in (kept | changes).items() if value}


def go(page: str, **changes: str | None) -> Any:
    """Open another step of this project."""
    st.switch_page(f"{page}.py", query_params=address(**changes))

"""However much one project asks for, another's job has its turn."""

from collections.abc import Sequence
from pathlib import Path

from made_people import acting

from core import jobs
from core.events import Started
from core.files import replace_file
from core.jobs.fairness import NO_PROJECT, project_of
from core.projects import add_dataset, create_project, create_run, run_folder
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings

from .conftest import Workers, wait_for
from .test_queue import ended, submitted


def held_job(kind: str = "quick", **args: object) -> Path:
    """A job that comes to no end before its file `hold` goes."""
    folder = jobs.new_job()
    replace_file(folder / "hold", "1")
    jobs.submit(kind, folder, {"steps": 3, **args})
    return folder


def test_fifty_predictions_of_one_project_do_not_delay_that_of_another(workers: Workers) -> None:
    many = [held_job(project="a") for _ in range(50)]
    workers.start()
    wait_for(lambda: jobs.status(many[0]).step > 0 and jobs.status(many[1]).step > 0)
    assert ended(submitted("quick", steps=2, project="b")).state == "finished"
    assert [jobs.status(folder).state for folder in many[:3]] == ["running", "running", "queued"]


def test_cameras_that_look_for_hours_keep_no_quick_job_waiting(workers: Workers) -> None:
    looking = [held_job("camera", project=project) for project in "aaabb"]
    workers.start()
    wait_for(lambda: len(running := under_way(looking)) == 3 and set(running) == {"a", "b"})
    quick = [submitted("quick", steps=1, project="a") for _ in range(3)]
    assert {ended(folder).state for folder in quick} == {"finished"}
    states = sorted(jobs.status(folder).state for folder in looking)
    assert states == ["queued"] * 2 + ["running"] * 3


def under_way(looking: Sequence[Path]) -> str:
    """The projects, "a" and "b", of those cameras of "aaabb" that are looked through."""
    told = zip("aaabb", looking, strict=True)
    return "".join(project for project, folder in told if jobs.status(folder).step > 0)


def test_trainings_of_two_projects_alternate(workers: Workers) -> None:
    mine = [submitted("count", steps=1, project="a") for _ in range(4)]
    yours = [submitted("count", steps=1, project="b") for _ in range(2)]
    assert [jobs.status(folder).place for folder in mine] == [1, 3, 5, 6]
    assert [jobs.status(folder).place for folder in yours] == [2, 4]
    workers.start()
    assert {ended(folder).state for folder in (*mine, *yours)} == {"finished"}
    order = sorted((*mine, *yours), key=began)
    assert order == [mine[0], yours[0], mine[1], yours[1], mine[2], mine[3]]


def test_a_person_with_many_projects_takes_no_more_turns_than_another(home: Path) -> None:
    migrate(get_settings())
    with acting("ada", admin=True):
        hers = [submitted("count", steps=1, project=project) for project in "abcd"]
    with acting("ben", admin=True):
        his = [submitted("count", steps=1, project="a") for _ in range(2)]
    nobodys = submitted("count", steps=1, project="a")
    assert [jobs.status(folder).place for folder in hers] == [1, 4, 6, 7]
    assert [jobs.status(folder).place for folder in his] == [2, 5]
    assert jobs.status(nobodys).place == 3


def began(folder: Path) -> float:
    return next(e.at for e in jobs.read_events(folder)[0] if isinstance(e, Started))


def test_a_steady_stream_of_another_project_does_not_hold_one_back_for_ever(home: Path) -> None:
    waiting = [submitted("count", steps=1, project="a") for _ in range(3)]
    stream = [submitted("count", steps=1, project="b") for _ in range(20)]
    assert jobs.status(waiting[-1]).place == 5
    assert jobs.status(stream[-1]).place == 23


def test_the_project_of_a_job_is_found_by_what_it_works_on(home: Path) -> None:
    settings = get_settings()
    migrate(settings)
    project, dataset = create_project("Leaves").id, "0" * 16
    add_dataset(project, dataset)
    recipe = Recipe(dataset=dataset, backbone="tf_efficientnet_lite0", strategy="full")
    run = create_run(project, recipe)
    for folder, args in [
        (home / "jobs" / "x", {"project": project}),
        (home / "jobs" / "x", {"run": run, "files": []}),
        (home / "jobs" / "x", {"runs": f"{run} other"}),
        (home / "jobs" / "x", {"dataset": dataset}),
        (home / "jobs" / "x", {"recipe": recipe.model_dump()}),
        (home / "jobs" / "x", {"recipes": [recipe.model_dump()]}),
        (run_folder(run), {}),
    ]:
        assert project_of(folder, args, settings) == project
    assert project_of(home / "jobs" / "x", {}, settings) == NO_PROJECT
    assert project_of(home / "jobs" / "x", {"run": "gone"}, settings) == NO_PROJECT

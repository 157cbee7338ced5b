"""Every kind of job asks who hands it in, and every job who looks: tried by whoever may come."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from roles import MAY, actor, enter_members, enter_people

import core
from core import projects
from core.access import MACHINE, Actor, acting_as
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import GraftError, NotAllowed, NotFound
from core.jobs import job_folder, new_job, resume, stop, submit
from core.jobs.answers import answers_of, correct
from core.jobs.confirming import confirm, read_again
from core.jobs.folder import spec_file
from core.jobs.kept_model import kept_run
from core.jobs.kinds import kinds
from core.jobs.recent import recent_jobs
from core.jobs.removal import delete_project, delete_run, purge_project
from core.jobs.spec import JobSpec
from core.jobs.upload_ids import issue_upload
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings

SET = Dataset("Animals", tuple(Item(f"{n:064x}", "cat", f"cat/{n}.jpg") for n in range(4)))
OTHERS = Dataset("Others", (Item("f" * 64, "cat", "cat/f.jpg"),))
ASKS = {
    "test": {"explain", "live", "predict", "report", "served-graph", "sorted-images"},
    "edit": {
        *("answer-times", "check", "costs", "estimate", "export", "export-dataset", "import"),
        *("learn-answers", "learn-audited", "map", "outlook", "propose", "rank", "robustness"),
        *("train", "variations"),
    },
}
"""What each kind of job asks for."""
ACTION = {kind: action for action, names in ASKS.items() for kind in names}


@dataclass(frozen=True)
class World:
    """A project with a version, a run, and a job with answers; and what is in another one."""

    id: str
    run: str
    dataset: str
    answers: str
    elsewhere: str
    their_run: str
    their_dataset: str
    their_answers: str


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(tmp_path_factory.mktemp("home")))
        get_settings.cache_clear()
        migrate(get_settings())
        enter_people()
        yield
    get_settings.cache_clear()


def filled(dataset: Dataset) -> tuple[str, str, str, str]:
    project = projects.create_project("Animals").id
    version = Store(get_settings().home).save(dataset)
    projects.add_dataset(project, version)
    run = projects.create_run(project, recipe(version))
    answers = new_job()
    JobSpec("predict", {"run": run, "upload": "u" * 32}).write(answers)
    return project, version, run, answers.name


@pytest.fixture(scope="module")
def world(home: None) -> World:
    project, dataset, run, answers = filled(SET)
    elsewhere, their_dataset, their_run, their_answers = filled(OTHERS)
    enter_members(project)
    return World(project, run, dataset, answers, elsewhere, their_run, their_dataset, their_answers)


def recipe(dataset: str) -> Recipe:
    return Recipe(dataset=dataset, backbone="b", strategy="s")


def arguments(kind: str, world: World) -> Mapping[str, Any]:
    recipes = [recipe(world.dataset).model_dump(mode="json")]
    about_run, about_images = {"run": world.run}, {"dataset": world.dataset}
    into = {**about_run, "project": world.id, "add_to": world.dataset}
    known: dict[str, Mapping[str, Any]] = {
        "answer-times": {"runs": world.run},
        "costs": {"recipes": recipes},
        "estimate": {"recipe": recipes[0]},
        "explain": {**about_run, "image": SET.items[0].image},
        "import": {"project": world.id, "sample": "emoji"},
        "learn-answers": {**into, "answers": world.answers, "labels": {"0": "cat"}},
        "learn-audited": {**into, "audit": "0" * 16},
        "predict": {**about_run, "upload": issue_upload(get_settings().home)},
        "sorted-images": {**about_run, "answers": world.answers},
        "train": {},
        "variations": {"recipe": recipes[0]},
        **dict.fromkeys(("check", "export-dataset", "map", "outlook", "propose", "rank"),
                        about_images),
        **dict.fromkeys(("export", "live", "report", "robustness", "served-graph"), about_run),
    }  # fmt: skip
    return known[kind]


def own_kinds() -> set[str]:
    """Those of the product, without the ones made for tests."""
    folder = Path(core.__file__).parent
    return {
        name for name, kind in kinds().items() if folder in Path(inspect.getfile(kind.run)).parents
    }


def test_every_kind_of_job_is_listed_with_what_it_asks_for() -> None:
    assert {name: kinds()[name].action for name in own_kinds()} == ACTION


@pytest.mark.parametrize("name", MAY)
@pytest.mark.parametrize("kind", sorted(ACTION))
def test_who_may_hand_it_in(world: World, kind: str, name: str) -> None:
    who = actor(name, world.id, world.elsewhere)
    if ACTION[kind] in MAY[name]:
        folder = folder_for(kind, world)
        with acting_as(who):
            submit(kind, folder, arguments(kind, world))
        assert json.loads(spec_file(folder).read_text().partition("\n#")[0])["kind"] == kind
        assert JobSpec.read(folder).person == who.id
        return
    folder = folder_for(kind, world)
    with acting_as(who), pytest.raises((NotAllowed, NotFound)) as refused:
        submit(kind, folder, arguments(kind, world))
    if name != "nobody":
        assert type(refused.value) is (NotAllowed if "look" in MAY[name] else NotFound)
    assert not spec_file(folder).exists()


def folder_for(kind: str, world: World) -> Path:
    if kind != "train":
        return new_job()
    return projects.run_folder(projects.create_run(world.id, recipe(world.dataset)))


@pytest.mark.parametrize("name", MAY)
@pytest.mark.parametrize("kind", ["predict", "check", "train"])
def test_who_may_look_at_a_job_stop_it_and_have_it_go_on(
    world: World, kind: str, name: str
) -> None:
    folder = folder_for(kind, world)
    submit(kind, folder, arguments(kind, world))
    with acting_as(actor(name, world.id, world.elsewhere)):
        assert seen(folder) == ("look" in MAY[name])
        for steer in (stop, resume):
            if ACTION[kind] in MAY[name]:
                steer(folder)
            else:
                with pytest.raises(NotAllowed if "look" in MAY[name] else NotFound):
                    steer(folder)


def seen(folder: Path) -> bool:
    try:
        return job_folder(folder.name) == folder
    except NotFound:
        return False


@pytest.mark.parametrize("name", MAY)
def test_only_jobs_that_one_may_look_at_are_listed(world: World, name: str) -> None:
    with acting_as(actor(name, world.id, world.elsewhere)):
        assert bool(recent_jobs("predict", run=world.run)) == ("look" in MAY[name])
        theirs = {folder.name for folder in recent_jobs("predict", run=world.their_run)}
    assert (world.their_answers in theirs) == (name in ("admin", "link elsewhere"))


@pytest.mark.parametrize("name", MAY)
def test_who_may_read_answers_correct_them_and_settle_an_import(world: World, name: str) -> None:
    home, settings = get_settings().home, get_settings()
    answers, imported = home / "jobs" / world.answers, new_job()
    JobSpec("import", {"project": world.id, "upload": "u" * 32}).write(imported)
    calls = {
        "look": [lambda: answers_of(answers), lambda: kept_run(world.id)],
        "test": [lambda: correct(answers, {0: "cat"})],
        "edit": [lambda: confirm(imported, settings), lambda: read_again(imported, "", settings)],
    }
    # Nothing of it can be done even by whoever may: no job has ended, no model is there.
    unrefused = {action: [said(MACHINE, call) for call in each] for action, each in calls.items()}
    who = actor(name, world.id, world.elsewhere)
    for action, each in calls.items():
        told = [said(who, call) for call in each]
        if action in MAY[name]:
            assert told == unrefused[action]
        elif "look" in MAY[name]:
            assert {kind for kind, _ in told} == {NotAllowed}
        else:
            assert {kind for kind, _ in told} == {NotFound}
            assert told != unrefused[action]


def said(who: Actor, call: Callable[[], object]) -> tuple[type[Exception], str]:
    """How the call is refused."""
    with acting_as(who), pytest.raises(GraftError) as refused:
        call()
    return type(refused.value), str(refused.value)


@pytest.mark.parametrize("name", MAY)
def test_who_may_take_a_run_or_a_project_off_the_list(name: str) -> None:
    project, dataset, run, _ = filled(SET)
    enter_members(project)
    may, refused = MAY[name], NotAllowed if "look" in MAY[name] else NotFound
    calls = [(delete_run, run, "edit"), (delete_project, project, "manage")]
    for call, about, action in [*calls, (purge_project, project, "manage")]:
        with acting_as(actor(name, project)):
            if action in may:
                call(about)
            else:
                with pytest.raises(refused):
                    call(about)
    submit("train", projects.run_folder(projects.create_run(project, recipe(dataset))))


def test_a_job_cannot_be_about_what_the_actor_may_not_look_at(world: World) -> None:
    home = get_settings().home
    theirs = {"run": world.their_run}
    with acting_as(Actor("editor", "another")):
        their_upload = issue_upload(home)
    borrowed: list[tuple[str, dict[str, Any]]] = [
        ("predict", {**theirs, "upload": their_upload}),
        ("predict", {"run": world.run, "upload": their_upload}),
        ("predict", {"run": world.run, "files": ["/etc/passwd"]}),
        ("predict", {"run": world.their_run, "project": world.id, "files": ["x"]}),
        ("explain", {"run": world.run, "image": OTHERS.items[0].image}),
        ("explain", {"run": world.run, "file": "/etc/passwd"}),
        ("explain", {"run": world.run, "file": str(home / "graft.db")}),
        ("explain", {"run": world.run, "file": str(home / "jobs" / world.their_answers / "x")}),
        ("explain", {"run": world.run, "file": str(home / "uploads" / their_upload / "0")}),
        ("sorted-images", {"run": world.run, "answers": world.their_answers}),
        ("check", {"dataset": world.their_dataset}),
        ("check", {"dataset": world.their_dataset, "project": world.id}),
        ("answer-times", {"runs": f"{world.run} {world.their_run}"}),
        ("estimate", {"recipe": recipe(world.their_dataset).model_dump(mode="json")}),
        ("import", {"project": world.id, "sample": "emoji", "add_to": world.their_dataset}),
        ("import", {"project": world.id, "upload": their_upload}),
    ]
    for kind, args in borrowed:
        folder = new_job()
        with acting_as(Actor("owner", "owner")), pytest.raises((NotFound, NotAllowed)):
            submit(kind, folder, args)
        assert not spec_file(folder).exists()
    started = recipe(world.dataset).model_copy(update={"teacher": world.their_run})
    with acting_as(Actor("owner", "owner")), pytest.raises(NotFound):
        submit("estimate", new_job(), {"recipe": started.model_dump(mode="json")})


def test_what_is_only_about_images_is_for_everybody_who_has_them(world: World) -> None:
    """Two projects began from the same sample: what was found out is the same in both."""
    job = new_job()
    submit("check", job, {"dataset": world.dataset})
    project, dataset, *_ = filled(SET)
    assert dataset == world.dataset
    for link in (project, world.id):
        with acting_as(Actor("", "a link", project=link, actions=frozenset({"look"}))):
            assert seen(job)
    with acting_as(Actor("stranger", "stranger")):
        assert not seen(job)


def test_a_job_of_no_project_is_for_whoever_handed_it_in() -> None:
    job = new_job()
    JobSpec("check", {"dataset": "0" * 16}, person="editor").write(job)
    for name in MAY:
        with acting_as(actor(name, "1" * 16)):
            assert seen(job) == (name in ("editor", "admin"))


def test_an_upload_is_only_for_whoever_it_was_issued_to(world: World) -> None:
    from core.jobs.upload_ids import is_issued

    home = get_settings().home
    everybody = [actor(name, world.id, world.elsewhere) for name in MAY if name != "nobody"]
    for mine in everybody:
        with acting_as(mine):
            issued = issue_upload(home)
        for other in everybody:
            same = (mine.id, "" if mine.id else mine.project)
            with acting_as(other):
                whose = (other.id, "" if other.id else other.project)
                assert is_issued(home, issued) == (same == whose)
        assert not is_issued(home, issued)  # nor the machine's

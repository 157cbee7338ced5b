"""Every function of projects asks who acts: a row for each, tried by everybody who may come."""

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest
from roles import MAY, PEOPLE, actor, enter_members, enter_people
from sqlalchemy import select

import core.projects
from core import projects
from core.access import Actor, acting_as, deny_by_default
from core.dataset import edits
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import NotAllowed, NotFound
from core.projects import trash, versions
from core.projects.database import migrate, session
from core.projects.images import require_image
from core.projects.people_tables import DeedRow, MemberRow, ShareRow, TokenRow
from core.projects.projects import enter_dataset
from core.recipe import Recipe
from core.settings import get_settings

SET = Dataset("Animals", tuple(Item(f"{n:064x}", "cat", f"cat/{n}.jpg") for n in range(4)))
OTHERS = Dataset("Others", (Item("f" * 64, "cat", "cat/f.jpg"),))


@dataclass(frozen=True)
class World:
    """A project with two versions, a run and another that is deleted."""

    id: str
    run: str
    deleted_run: str
    first: str
    elsewhere: str


def recipe(dataset: str) -> Recipe:
    return Recipe(dataset=dataset, backbone="b", strategy="s")


def in_trash(world: World) -> None:
    projects.delete_project(world.id)


def undone(world: World) -> None:
    versions.undo(world.id)


def nothing(_: World) -> None:
    pass


Call = Callable[[World], object]
ROWS: dict[str, tuple[str, Call, Call]] = {
    "project_runs.create_run": (
        "edit",
        nothing,
        lambda w: projects.create_run(w.id, recipe(w.first)),
    ),
    "project_runs.delete_run": ("edit", nothing, lambda w: projects.delete_run(w.run)),
    "project_runs.get_run": ("look", nothing, lambda w: projects.get_run(w.run)),
    "project_runs.rename_run": ("edit", nothing, lambda w: projects.rename_run(w.run, "New")),
    "project_runs.require_run": ("look", nothing, lambda w: projects.require_run("look", w.run)),
    "project_runs.restore_run": ("edit", nothing, lambda w: projects.restore_run(w.deleted_run)),
    "project_runs.run_folder": ("look", nothing, lambda w: projects.run_folder(w.run)),
    "project_runs.runs": ("look", nothing, lambda w: projects.runs(w.id)),
    "projects.add_dataset": ("edit", nothing, lambda w: projects.add_dataset(w.id, w.first)),
    "projects.create_project": ("person", nothing, lambda w: projects.create_project("Mine")),
    "projects.datasets": ("look", nothing, lambda w: projects.datasets(w.id)),
    "projects.delete_project": ("manage", nothing, lambda w: projects.delete_project(w.id)),
    "projects.enter_dataset": ("edit", nothing, lambda w: enter_dataset(w.id, w.first)),
    "projects.get_project": ("look", nothing, lambda w: projects.get_project(w.id)),
    "projects.keep_run": ("edit", nothing, lambda w: projects.keep_run(w.id, w.run)),
    "projects.list_projects": ("anybody", nothing, lambda w: projects.list_projects()),
    "projects.may_use_dataset": ("anybody", nothing, lambda w: projects.may_use_dataset(w.first)),
    "projects.rename_project": ("edit", nothing, lambda w: projects.rename_project(w.id, "New")),
    "projects.restore_project": ("manage", in_trash, lambda w: projects.restore_project(w.id)),
    "images.require_image": ("look", nothing, lambda w: require_image(w.id, SET.items[0].image)),
    "trash.forget": (
        "machine",
        nothing,
        lambda w: trash.forget(trash.Belongings(w.id, (), (), (), 0.0), get_settings()),
    ),
    "trash.purge_overdue": ("machine", nothing, lambda w: trash.purge_overdue(get_settings())),
    "trash.purge_project": (
        "manage",
        in_trash,
        lambda w: trash.purge_project(w.id, get_settings()),
    ),
    "trash.purged": ("machine", nothing, lambda w: trash.purged(get_settings())),
    "trash.registered": ("machine", nothing, lambda w: trash.registered(get_settings())),
    "versions.apply": (
        "edit",
        nothing,
        lambda w: versions.apply(w.id, edits.relabel(SET, [1], "dog")),
    ),
    "versions.history": ("look", nothing, lambda w: versions.history(w.id)),
    "versions.redo": ("edit", undone, lambda w: versions.redo(w.id)),
    "versions.undo": ("edit", nothing, lambda w: versions.undo(w.id)),
    "versions.use": ("edit", nothing, lambda w: versions.use(w.id, w.first)),
}
"""By function: what one must be allowed, what is done before, and the call."""
PURE = {
    "comparable": "works on what it is given",
    "database": "the tables themselves",
    "people_tables": "the tables themselves",
    "migrations": "the tables themselves",
    "rows": "what those above are made of",
    "version_rows": "what those above are made of",
    **dict.fromkeys(
        ("members", "shares", "tokens", "deeds", "quotas"), "about people, and tested beside"
    ),
}
"""Modules whose functions need no row, and why."""
HISTORY = {"versions.undoable", "versions.redoable"}
"""Functions that work on what they are given."""


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(tmp_path_factory.mktemp("home")))
        get_settings.cache_clear()
        migrate(get_settings())
        enter_people()
        yield
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    yield
    deny_by_default(denied=False)


def filled(dataset: Dataset) -> tuple[str, str]:
    project = projects.create_project("Animals").id
    version = Store(get_settings().home).save(dataset)
    projects.add_dataset(project, version)
    return project, version


@pytest.fixture
def world() -> World:
    project, first = filled(SET)
    elsewhere, _ = filled(OTHERS)
    versions.apply(project, edits.relabel(SET, [0], "lynx"))
    run, deleted = (projects.create_run(project, recipe(first)) for _ in range(2))
    projects.delete_run(deleted)
    enter_members(project)
    return World(project, run, deleted, first, elsewhere)


def public_functions() -> set[str]:
    modules = {module.name for module in pkgutil.iter_modules(core.projects.__path__)}
    found = set()
    for name in modules - set(PURE):
        module = import_module(f"core.projects.{name}")
        for function, value in inspect.getmembers(module, inspect.isfunction):
            if value.__module__ == module.__name__ and not function.startswith("_"):
                found.add(f"{name}.{function}")
    return found


def test_every_public_function_has_a_row() -> None:
    assert public_functions() - HISTORY == set(ROWS)


def expected(name: str, action: str) -> type[Exception] | None:
    match action:
        case "anybody":
            return None
        case "machine":
            return NotAllowed
        case "person":
            return None if name in PEOPLE else NotAllowed
    if action in MAY[name]:
        return None
    return NotAllowed if "look" in MAY[name] else NotFound


@pytest.mark.parametrize("name", MAY)
@pytest.mark.parametrize("function", ROWS)
def test_who_may_call_it(world: World, function: str, name: str) -> None:
    action, before, call = ROWS[function]
    before(world)
    who, error = actor(name, world.id, world.elsewhere), expected(name, action)
    with acting_as(who):
        if error is None:
            call(world)
        else:
            with pytest.raises(error) as refused:
                call(world)
            assert type(refused.value) is error


@pytest.mark.parametrize("function", sorted({*ROWS} - {"projects.list_projects"}))
def test_where_people_sign_in_nobody_may_do_anything_unless_known(
    world: World, function: str
) -> None:
    action, before, call = ROWS[function]
    before(world)
    deny_by_default()
    if action == "anybody":
        assert call(world) is False
        return
    with pytest.raises((NotFound, NotAllowed)):
        call(world)


@pytest.mark.parametrize("call", [projects.get_project, projects.datasets, projects.runs])
def test_a_stranger_is_told_what_is_told_about_no_project(
    world: World, call: Callable[[str], object]
) -> None:
    said = [refusal(call, world.id), refusal(call, "0" * 16)]
    assert said[0] == said[1]


def test_a_stranger_is_told_what_is_told_about_no_run(world: World) -> None:
    assert refusal(projects.get_run, world.run) == refusal(projects.get_run, "0" * 16)
    assert refusal(projects.run_folder, world.run) == refusal(projects.run_folder, "0" * 16)


def refusal(call: Callable[[str], object], about: str) -> str:
    with acting_as(Actor("stranger", "stranger")), pytest.raises(NotFound) as refused:
        call(about)
    return str(refused.value)


def test_only_projects_that_one_may_look_at_are_listed(world: World) -> None:
    for name, may in MAY.items():
        with acting_as(actor(name, world.id, world.elsewhere)):
            listed = {project.id for project in projects.list_projects()}
        assert (world.id in listed) == ("look" in may)
        assert (world.elsewhere in listed) == (name in ("admin", "link elsewhere"))


def test_whoever_makes_a_project_owns_it() -> None:
    with acting_as(Actor("stranger", "stranger")):
        made = projects.create_project("Mine").id
        projects.delete_project(made)
        assert [one.id for one in projects.list_projects(deleted=True)] == [made]


def test_images_and_models_of_others_cannot_be_taken_in(world: World) -> None:
    theirs = projects.datasets(world.elsewhere)[0].dataset_id
    their_run = projects.create_run(world.elsewhere, recipe(theirs))
    with acting_as(Actor("owner", "owner")):
        with pytest.raises(NotFound):
            projects.add_dataset(world.id, theirs)
        with pytest.raises(NotFound):
            projects.create_run(world.id, recipe(theirs))
        for name in ("start", "teacher"):
            taken = recipe(world.first).model_copy(update={name: their_run})
            with pytest.raises(NotFound):
                projects.create_run(world.id, taken)
        with pytest.raises(NotFound):
            require_image(world.id, OTHERS.items[0].image)


def test_what_a_person_changes_is_written_down_and_what_the_machine_does_is_not(
    world: World,
) -> None:
    projects.rename_project(world.id, "By the machine")
    with acting_as(Actor("owner", "Olga")):
        projects.rename_project(world.id, "New")
        versions.undo(world.id)
        projects.rename_run(world.run, "First")
        projects.delete_project(world.id)
    with session(get_settings()) as opened:
        deeds = opened.scalars(select(DeedRow).filter_by(project_id=world.id)).all()
    assert [(deed.name, deed.what) for deed in deeds] == [
        ("Olga", "renamed project"),
        ("Olga", "changed images"),
        ("Olga", "renamed run"),
        ("Olga", "deleted project"),
    ]


def test_deleted_for_good_a_project_takes_its_people_links_and_tokens_along(world: World) -> None:
    settings = get_settings()
    with session(settings) as opened:
        opened.add(ShareRow(digest=world.id, project_id=world.id, actions="look", made_by="owner",
                            expires_at=1e12))  # fmt: skip
        opened.add(TokenRow(digest=world.id, user_id="owner", title=world.id, actions="look",
                            project_id=world.id, expires_at=1e12))  # fmt: skip
    projects.delete_project(world.id)
    trash.purge_project(world.id, settings)
    (gone,) = [each for each in trash.purged(settings) if each.project == world.id]
    assert trash.forget(gone, settings)
    with session(settings) as opened:
        for table in (MemberRow, ShareRow, TokenRow):
            assert opened.scalars(select(table).where(table.project_id == world.id)).all() == []

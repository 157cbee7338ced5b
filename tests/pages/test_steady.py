"""What a person works with stays where it is while other things come and go above it."""

from collections.abc import Iterator

from leaves import LITE0, fill, finish_run
from opened import open_page
from streamlit.testing.v1 import AppTest

from core.dataset import edits
from core.dataset.store import Store
from core.events import Finished, Started
from core.jobs.log import append
from core.jobs.spec import JobSpec
from core.projects import create_run, run_folder
from core.projects.versions import apply as apply_edit
from core.recipe import Recipe

Node = object


def places(node: Node, here: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Node]]:
    yield here, node
    for at, child in getattr(node, "children", {}).items():
        yield from places(child, (*here, at))


def where(app: AppTest, *, key: str = "", kind: str = "") -> tuple[int, ...]:
    """The path, child by child, to the widget of this key or to the first block of this kind."""
    found = [
        path
        for path, node in places(app.main)
        if (key and getattr(node, "key", None) == key)
        or (kind and getattr(node, "type", "") == kind)
    ]
    return found[0]


def test_choosing_images_stays_where_it_is_while_the_page_fills(home):
    project, dataset = fill(home)
    app = open_page("images", project=project)
    seen = [where(app, key="every-class")]

    def look() -> None:
        app.run()
        assert not app.exception
        seen.append(where(app, key="every-class"))

    recipe = Recipe(dataset=dataset, backbone=LITE0, strategy="feature_extraction")
    folder = run_folder(create_run(project, recipe, "First model", origin="automatic"))
    JobSpec("train").write(folder)
    append(folder, Started(0.0))
    look()
    append(folder, Finished(1.0, {}))
    look()
    changed = edits.remove(Store(home).load(dataset), {0})
    apply_edit(project, changed)
    look()
    apply_edit(project, edits.remove(changed, set(range(1, 34))))
    look()
    assert len(set(seen)) == 1


def test_the_looks_at_a_result_stay_where_they_are_when_another_run_ends(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="feature_extraction", wrong=3)
    app = open_page("results", project=project, run=run)
    alone = where(app, kind="tab_container")
    finish_run(home, project, dataset, strategy="last_stages", wrong=2)
    app.run()
    assert where(app, kind="tab_container") == alone
    assert app.selectbox(key=f"which-{run}").value.id == run

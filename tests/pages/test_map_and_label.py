"""The map, the page that labels the rest, and the choices made when images are brought."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from leaves import LITE0, fill, leaf
from opened import everything, open_page, press

from core.analysis.label_suggestions import Guess, Proposals, Row
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.events import Failed, Finished
from core.jobs.log import append
from core.jobs.queue import new_job, stop
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_project, datasets, runs
from core.projects.versions import history

MAPLE, OAK = "maple", "oak <b>"


def partly_sorted(home: Path) -> tuple[str, Dataset]:
    """A project in which half of the leaves have no class."""
    project, dataset = fill(home)
    whole = Store(home).load(dataset)
    items = tuple(
        item if k % 12 < 6 else replace(item, label=None, role="unlabelled")
        for k, item in enumerate(whole.items)
    )
    made = replace(whole, items=items)
    add_dataset(project, Store(home).save(made))
    return project, made


def proposed(home: Path, project: str, dataset: Dataset) -> Proposals:
    """Proposals as a finished job leaves them: a sure row, an unsure one, one to do by hand."""
    images = [item.image for item in dataset.items if item.role == "unlabelled"]
    guesses = [Guess(image, MAPLE, 0.9) for image in images[:6]]
    unsure = [Guess(image, OAK, 0.6) for image in images[6:10]]
    made = Proposals(
        (Row(MAPLE, tuple(guesses), 9, 10), Row(OAK, tuple(unsure))), (Guess(images[10], OAK, 0.4),)
    )
    file = home / "proposals" / f"{dataset.id}.json"
    file.parent.mkdir()
    file.write_text(json.dumps(asdict(made)), encoding="utf-8")
    job = new_job()
    JobSpec("propose", {"project": project, "dataset": dataset.id}).write(job)
    append(job, Finished(1.0, {"dataset": dataset.id, "rows": 2}))
    return made


def in_use(home: Path, project: str) -> Dataset:
    return Store(home).load(datasets(project)[0].dataset_id)


@pytest.mark.parametrize("page", ["map", "label"])
def test_without_images_the_way_to_them_is_shown(home, page):
    app = open_page(page, project=create_project("Empty").id)
    assert "Add images first" in everything(app)
    press(app, "Add images")


@pytest.mark.parametrize("page", ["map", "label"])
def test_what_a_page_needs_is_begun_by_itself_and_once(home, page):
    project, _ = partly_sorted(home)
    app = open_page(page, project=project)
    app.run()
    (job,) = recent_jobs({"map": "map", "label": "propose"}[page], project=project)
    stop(job)


def test_a_map_that_could_not_be_drawn_says_why_and_can_be_tried_again(home):
    project, dataset = fill(home)
    job = new_job()
    JobSpec("map", {"project": project, "dataset": dataset, "method": "pca"}).write(job)
    append(job, Failed("The disk is full. Free some space."))
    app = open_page("map", project=project)
    assert "The disk is full" in everything(app)
    press(app, "Try again")
    stop(job)


def test_after_an_edit_the_map_of_the_version_before_is_shown(home):
    project, dataset = fill(home)
    whole = Store(home).load(dataset)
    places = {"images": [i.image for i in whole.items], "places": [[0.5, 0.5]] * len(whole.items)}
    (home / "maps").mkdir()
    (home / "maps" / f"{dataset}-pca.json").write_text(json.dumps(places), encoding="utf-8")
    fewer = replace(whole, items=whole.items[1:], parent=dataset)
    add_dataset(project, Store(home).save(fewer))
    open_page("map", project=project)
    assert recent_jobs("map", project=project) == []


def test_the_surest_row_is_shown_with_how_sure_and_how_often_that_was_right(home):
    project, dataset = partly_sorted(home)
    proposed(home, project, dataset)
    said = everything(open_page("label", project=project))
    assert "18 images without a class" in said
    assert "6 images, probably" in said
    assert "90 % confident on average" in said
    assert "9 of 10 of your labelled images were right (likely 60–98 %)" in said
    assert "oak <b>" not in said


def test_a_row_is_accepted_by_one_press_and_can_be_undone(home):
    project, dataset = partly_sorted(home)
    made = proposed(home, project, dataset)
    app = press(open_page("label", project=project), "Accept 6")
    accepted = {guess.image for guess in made.rows[0].guesses}
    now = in_use(home, project)
    assert all(i.label == MAPLE for i in now.items if i.image in accepted)
    assert now.parent == dataset.id
    assert "probably" in everything(app)
    assert "12 images without a class" in everything(app)
    press(app, "Undo")
    assert in_use(home, project).id == dataset.id


def test_what_is_unticked_is_left_to_be_done_by_hand(home):
    project, dataset = partly_sorted(home)
    made = proposed(home, project, dataset)
    app = open_page("label", project=project)
    first = made.rows[0].guesses[0].image
    app.checkbox(key=f"tick-{first}").uncheck().run()
    press(app, "Accept 5")
    left = next(item for item in in_use(home, project).items if item.image == first)
    assert left.role == "unlabelled"
    assert app.selectbox(key=f"hand-{first}")


def test_a_row_can_be_given_another_class_than_the_proposed_one(home):
    project, dataset = partly_sorted(home)
    made = proposed(home, project, dataset)
    app = open_page("label", project=project)
    app.selectbox(key=f"label-{made.rows[0].guesses[0].image[:16]}").select(OAK).run()
    press(app, "Accept 6")
    labels = {i.image: i.label for i in in_use(home, project).items}
    assert {labels[guess.image] for guess in made.rows[0].guesses} == {OAK}


def test_a_row_can_be_left_for_later(home):
    project, dataset = partly_sorted(home)
    proposed(home, project, dataset)
    app = press(open_page("label", project=project), "Later")
    assert "4 images, probably" in everything(app)


def test_labels_given_by_hand_are_one_step(home):
    project, dataset = partly_sorted(home)
    made = proposed(home, project, dataset)
    app = open_page("label", project=project)
    app.selectbox(key=f"hand-{made.by_hand[0].image}").select(MAPLE).run()
    press(app, "Save 1 label")
    assert len(in_use(home, project).labelled) == len(dataset.labelled) + 1
    assert len(history(project)) == 3


def test_after_changes_it_proposes_anew(home):
    project, dataset = partly_sorted(home)
    proposed(home, project, dataset)
    app = press(open_page("label", project=project), "Accept 6")
    press(app, "Suggest again")
    newest = recent_jobs("propose", project=project, dataset=in_use(home, project).id)
    assert len(newest) == 1
    stop(newest[0])


def test_when_every_image_has_a_class_it_says_so(home):
    project, _ = fill(home)
    assert "Every image has a class" in everything(open_page("label", project=project))
    assert recent_jobs("propose", project=project) == []


def test_each_role_says_when_it_helps(home):
    app = open_page("images", project=create_project("Empty").id)
    assert "Only these count for the score" in everything(app)
    for role, words in (
        ("unlabelled", "Label them here with suggestions"),
        ("source", "when you have few images of your own"),
    ):
        app.get("button_group")[0].set_value(role).run()
        assert words in everything(app)


def test_a_folder_on_the_server_is_offered_only_where_one_was_opened(home, tmp_path, monkeypatch):
    from core.settings import get_settings

    project = create_project("Empty").id
    assert "Folder" not in [box.label for box in open_page("images", project=project).selectbox]
    (tmp_path / "opened" / "leaves").mkdir(parents=True)
    monkeypatch.setenv("GRAFT_IMPORT_ROOTS", str(tmp_path / "opened"))
    get_settings.cache_clear()
    app = open_page("images", project=project)
    box = next(box for box in app.selectbox if box.label == "Folder")
    box.select_index(1).run()
    press(app, "Add")
    (job,) = recent_jobs("import", project=project)
    args = JobSpec.read(job).args
    assert args["server_folder"] == str(tmp_path / "opened" / "leaves")
    assert (args["role"], args["keep"]) == ("labelled", False)
    stop(job)


def oblong(home: Path) -> str:
    items = tuple(
        Item(Store(home).add(leaf(kind, k).resize((120, 60)), lossless=False), "ab"[kind], f"{k}.j")
        for kind in range(2)
        for k in range(6)
    )
    project = create_project("Oblong").id
    add_dataset(project, Store(home).save(Dataset("Oblong", items)))
    return project


def test_how_oblong_images_meet_the_square_is_shown_and_goes_into_the_recipe(home):
    project = oblong(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    said = everything(app)
    assert [said.count(f'class="{way}"') for way in ("squash", "pad", "crop")] == [3, 3, 3]
    group = next(each for each in app.get("button_group") if "square" in each.label)
    group.set_value("pad").run()
    press(app, "Start training")
    assert runs(project)[0].recipe.fit == "pad"
    stop(runs(project)[0].folder)


def test_nothing_is_asked_where_every_image_is_square(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    assert "not square" not in everything(app)

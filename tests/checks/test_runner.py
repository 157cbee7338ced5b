"""A whole check of real images: events, what is kept, and that looking again costs little."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from core.checks._runner import check, document, out_of_fold, problems
from core.dataset.edits import dismiss, remove
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset, Item, LeftOut
from core.dataset.store import Store
from core.events import Finished, Found, Progress
from core.settings import Settings

SIDE = 120


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def store(settings) -> Store:
    return Store(settings.home)


def write_pieces(folder: Path) -> None:
    """Six pieces each of a cat, a cup and an astronaut; one cat once more, mirrored."""
    for name, photograph in {
        "cat": data.chelsea,
        "cup": data.coffee,
        "space": data.astronaut,
    }.items():
        whole = Image.fromarray(photograph())
        (folder / name).mkdir(parents=True)
        for number in range(6):
            left, top = (number % 3) * SIDE, (number // 3) * SIDE
            piece = whole.crop((left, top, left + SIDE, top + SIDE))
            piece.save(folder / name / f"{'abcdef'[number]}.png")
    with Image.open(folder / "cat" / "b.png") as cat:
        cat.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "cat" / "twin.png")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, store, settings) -> Dataset:
    folder = tmp_path_factory.mktemp("data") / "pieces"
    write_pieces(folder)
    *_, last = import_images(folder, store, settings, title="Pieces")
    assert isinstance(last, Finished)
    return store.load(last.result["dataset"])


@pytest.fixture(scope="module")
def events(dataset, store, settings):
    assert problems(dataset.id, settings) is None  # nobody has looked yet
    return list(check(dataset, store, settings))


def twins(dataset):
    return {
        index
        for index, item in enumerate(dataset.items)
        if item.name.endswith(("b.png", "twin.png")) and item.label == "cat"
    }


def near(found):
    return [problem for problem in found if problem.kind == "near-duplicate"]


def test_a_check_ends_with_the_number_of_problems_it_told(events, dataset):
    told = [event for event in events if isinstance(event, Found)]
    assert isinstance(events[-1], Finished)
    assert events[-1].result == {"dataset": dataset.id, "problems": len(told)}
    assert any(isinstance(event, Progress) and event.total for event in events)


def test_what_was_found_is_kept_beside_the_version(events, dataset, settings):
    found = problems(dataset.id, settings)
    assert found is not None
    assert len(found) == events[-1].result["problems"]
    assert [set(problem.indices) for problem in near(found)] == [twins(dataset)]


def test_a_damaged_file_of_problems_counts_as_never_looked(events, dataset, settings):
    file = settings.home / "checks" / f"{dataset.id}.json"
    whole = file.read_text(encoding="utf-8")
    for damage in (whole[:-5], "[{}]", '{"a": 1}', "[1]"):
        file.write_text(damage, encoding="utf-8")
        assert problems(dataset.id, settings) is None
    file.write_text(whole, encoding="utf-8")


def test_a_problem_that_is_left_as_it_is_is_not_told_again(events, dataset, store, settings):
    (problem,) = near(problems(dataset.id, settings))
    dismissed = dismiss(dataset, problem.key, problem.sentence)
    list(check(dismissed, store, settings))
    assert near(problems(dismissed.id, settings)) == []


def test_an_edited_version_is_looked_at_without_measuring_again(events, dataset, store, settings):
    without = remove(dataset, [max(twins(dataset))])
    again = list(check(without, store, settings))
    measured = [event for event in again if isinstance(event, Progress) and "light" in event.what]
    assert measured == []
    assert near(problems(without.id, settings)) == []


def test_a_check_can_be_left_in_the_middle_and_keeps_nothing_half(dataset, store, settings):
    other = replace(dataset, title="Left in the middle")
    looking = check(other, store, settings)
    next(looking)
    looking.close()
    assert problems(other.id, settings) is None


def test_a_document_names_images_and_left_out_files_by_their_paths(dataset, store, settings):
    left_out = (LeftOut("cat/broken.png", "It is damaged: save it again."),)
    lacking = replace(dataset, left_out=left_out)
    list(check(lacking, store, settings))
    first = problems(lacking.id, settings)[0]
    assert document(first, lacking) == {
        "kind": "unreadable",
        "sentence": first.sentence,
        "images": ["cat/broken.png"],
        "suggestion": first.suggestion,
    }


def test_nothing_is_predicted_where_nothing_can_be_parted():
    features = np.eye(4, dtype=np.float32)
    alone = Dataset("One class", tuple(Item(f"{n:064x}", "a", f"{n}") for n in range(4)))
    single = Dataset("Few", tuple(Item(f"{n:064x}", "abbb"[n], f"{n}") for n in range(4)))
    tied = Dataset("Tied", tuple(Item(f"{n:064x}", "aabb"[n], f"{n}", group="g") for n in range(4)))
    assert [out_of_fold(each, features) for each in (alone, single, tied)] == [None] * 3


def test_images_without_a_label_get_no_prediction_and_disturb_none():
    random = np.random.default_rng(0)
    labels = ["a"] * 6 + ["b"] * 6
    rows = np.stack([random.normal(label == "b", 0.1, 8) for label in labels]).astype(np.float32)
    items = tuple(Item(f"{n:064x}", label, f"{n}") for n, label in enumerate(labels))
    extra = Item("f" * 64, None, "x", role="unlabelled")
    probabilities = out_of_fold(
        Dataset("With one more", (*items, extra)), np.vstack([rows, rows[:1]])
    )
    assert probabilities.shape == (13, 2)
    assert np.isnan(probabilities[12]).all()
    assert (probabilities[:12].argmax(1) == np.repeat([0, 1], 6)).all()

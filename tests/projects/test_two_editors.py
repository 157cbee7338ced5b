"""Two people who edit the same images: both edits hold, or whoever is second is told."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_people import acting

from core.dataset import edits
from core.dataset.manifest import Dataset, Item
from core.dataset.merging import merged
from core.dataset.store import Store
from core.errors import BadInput
from core.projects import add_dataset, datasets
from core.projects.versions import apply, history, redo, undo
from core.settings import get_settings

CLASSES = ("cat", "dog", "eel")
SET = Dataset(
    "Animals",
    tuple(
        Item(f"{9 * kind + n:064x}", name, f"{name}/{n}.jpg")
        for kind, name in enumerate(CLASSES)
        for n in range(4)
    ),
)


@pytest.fixture
def project(peopled: str) -> str:
    """Three classes of four images, in a project with an editor and an owner."""
    add_dataset(peopled, Store(get_settings().home).save(SET))
    return peopled


def in_use(project: str) -> Dataset:
    return Store(get_settings().home).load(datasets(project)[0].dataset_id)


def labels(dataset: Dataset) -> list[str | None]:
    return [item.label for item in dataset.items]


def test_edits_of_different_images_both_hold(project):
    with acting("editor"):
        apply(project, edits.relabel(SET, [0], "lynx"))
    with acting("owner"):
        made = apply(project, edits.remove(SET, [5]))
    now = in_use(project)
    assert (now.id, now.items[0].label, len(now.items)) == (made, "lynx", 11)
    assert [(each.sentence, each.made_by) for each in history(project)] == [
        ("12 images imported", ""),
        ("1 image moved to “lynx”", "editor"),
        ("1 image removed", "owner"),
    ]
    assert undo(project) == history(project)[1].id
    assert redo(project) == made


def test_what_a_job_brings_stands_under_the_name_of_who_handed_it_in(project):
    made = apply(project, edits.relabel(SET, [0], "lynx"), person="editor")
    assert {each.id: each.made_by for each in history(project)}[made] == "editor"


def test_whoever_is_second_at_the_same_image_is_told_and_loses_nothing(project):
    with acting("editor"):
        theirs = apply(project, edits.relabel(SET, [0, 1], "lynx"))
    mine = edits.relabel(SET, [1], "puma")
    with (
        acting("owner"),
        pytest.raises(BadInput, match=r"editor changed .* \(2 images moved to “lynx”\)\. Yours"),
    ):
        apply(project, mine)
    assert in_use(project).id == theirs
    kept = {version.id: version for version in history(project)}
    assert kept[mine.id].made_by == "owner"
    assert not kept[mine.id].in_use
    assert redo_is_refused(project)
    assert Store(get_settings().home).load(mine.id).items[1].label == "puma"


def redo_is_refused(project: str) -> bool:
    with pytest.raises(BadInput, match="nothing to redo"):
        redo(project)
    return True


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        (edits.rename_class(SET, "cat", "lynx"), edits.relabel(SET, [5], "cat")),
        (edits.relabel(SET, [5], "cat"), edits.rename_class(SET, "cat", "lynx")),
        (edits.rename_class(SET, "cat", "pet"), edits.rename_class(SET, "dog", "pet")),
        (edits.rename_class(SET, "cat", "a"), edits.rename_class(SET, "cat", "b")),
        (edits.merge_classes(SET, ["cat", "dog"], "pet"), edits.delete_class(SET, "cat")),
        (edits.delete_class(SET, "cat"), edits.relabel(SET, [0], "dog")),
        (edits.delete_class(SET, "cat"), edits.relabel(SET, [5], "cat")),
        (edits.group(SET, [0, 1]), edits.group(SET, [1, 2])),
        (edits.remove(SET, range(6)), edits.remove(SET, range(6, 12))),
        (
            replace(SET, tasks=("a", "b"), parent=SET.id, change="a"),
            replace(SET, tasks=("a", "c"), parent=SET.id, change="b"),
        ),
    ],
)
def test_edits_that_mean_different_things_are_not_merged(project, theirs, mine):
    apply(project, theirs)
    with pytest.raises(BadInput, match="Somebody changed the same images meanwhile"):
        apply(project, mine)
    assert in_use(project) == theirs
    assert {theirs.id, mine.id, SET.id} == {version.id for version in history(project)}


def test_an_image_that_joins_a_group_which_the_other_renames_is_not_torn_from_it(project):
    grouped = edits.group(SET, [4, 5])
    assert merged(grouped, edits.group(grouped, [5, 6]), edits.group(grouped, [4, 0])) is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: edits.relabel(d, [0], "lynx"),
        lambda d: edits.rename_class(d, "cat", "lynx"),
        lambda d: edits.remove(d, [3]),
        lambda d: edits.group(d, [0, 1]),
    ],
)
def test_the_same_edit_by_both_is_made_once(project, edit):
    first = apply(project, edit(SET))
    other = replace(edit(SET), change="the same in other words")
    assert apply(project, other) == first
    assert len(history(project)) == 2


def test_what_was_dismissed_left_out_and_added_is_kept_of_both(project):
    more = Item("f" * 64, "dog", "dog/new.jpg")
    imported = replace(
        SET, items=(*SET.items, more), parent=SET.id, source="a camera", licence="CC0"
    )
    apply(project, edits.dismiss(SET, "key", "3 images look alike"))
    apply(project, edits.relabel(SET, [0], "lynx"))
    apply(project, imported)
    now = in_use(project)
    assert now.dismissed == ("key",)
    assert now.items[0].label == "lynx"
    assert now.items[-1] == more
    assert (now.source, now.licence) == ("a camera", "CC0")
    assert history(project)[-1].sentence == "1 image added"
    apply(project, imported)  # as a job does that is done twice
    assert len(history(project)) == 4


def test_a_version_that_is_edited_after_it_was_undone_takes_nothing_back(project):
    two = edits.relabel(SET, [0], "lynx")
    apply(project, two)
    undo(project)
    apply(project, edits.remove(two, [5]))  # by somebody who still saw the second
    now = in_use(project)
    assert (now.items[0].label, len(now.items)) == ("cat", 11)


def test_undo_meant_for_another_change_is_refused(project):
    seen = apply(project, edits.relabel(SET, [0], "lynx"))
    theirs = apply(project, edits.remove(in_use(project), [5]))
    for step in (undo, redo):
        with pytest.raises(BadInput, match=r"changed in another window|nothing to redo"):
            step(project, seen)
    assert in_use(project).id == theirs
    assert undo(project, theirs) == seen


def test_a_version_that_cannot_be_read_any_more_is_not_merged_with(project):
    apply(project, edits.relabel(SET, [0], "lynx"))
    mine = edits.remove(SET, [5])
    (get_settings().home / "datasets" / f"{SET.id}.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="kept as a version: 1 image removed"):
        apply(project, mine)
    assert mine.id in {version.id for version in history(project)}


def test_many_people_at_once_lose_nothing(project):
    """Twelve threads, each of which moves its own image from the same version on."""
    start = threading.Barrier(12)
    failed: list[Exception] = []

    def move(place: int) -> None:
        start.wait()
        try:
            apply(project, edits.relabel(SET, [place], f"class {place}"))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=move, args=(place,)) for place in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sum(isinstance(error, BadInput) for error in failed)
    assert told == len(failed)
    # The last images of a class: then the class itself is gone, and that may be told instead.
    moved = sum(label not in CLASSES for label in labels(in_use(project)))
    assert moved + told == 12
    assert len(history(project)) == 13


names = st.sampled_from([*CLASSES, "fox", "gnu"])
places = st.sets(st.integers(0, 11), min_size=1, max_size=4)
one_edit = st.one_of(
    st.tuples(st.just("relabel"), places, names),
    st.tuples(st.just("remove"), places, names),
    st.tuples(st.just("unlabel"), places, names),
    st.tuples(st.just("group"), places, names),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("merge"), names, names),
    st.tuples(st.just("delete"), names, names),
)


def edited(dataset: Dataset, steps: list[tuple[str, object, str]]) -> Dataset:
    """All edits in turn that can be done, as one version on top of the first."""
    made = dataset
    for what, which, name in steps:
        held = {p for p in which if p < len(made.items)} if isinstance(which, set) else which
        try:
            made = {
                "relabel": lambda d, w, n: edits.relabel(d, w, n),
                "remove": lambda d, w, _: edits.remove(d, w),
                "unlabel": lambda d, w, _: edits.unlabel(d, w),
                "group": lambda d, w, _: edits.group(d, w),
                "rename": lambda d, w, n: edits.rename_class(d, w, n),
                "merge": lambda d, w, n: edits.merge_classes(d, [w], n),
                "delete": lambda d, w, _: edits.delete_class(d, w),
            }[what](made, held, name)
        except BadInput:
            continue
    return replace(made, parent=dataset.id, change="edited") if made is not dataset else dataset


def by_key(dataset: Dataset) -> dict[tuple[str, str], Counter]:
    found: dict[tuple[str, str], Counter] = {}
    for item in dataset.items:
        found.setdefault((item.name, item.image), Counter())[item] += 1
    return found


def require_nothing_lost(base: Dataset, theirs: Dataset, mine: Dataset, both: Dataset) -> None:
    was, a, b, now = map(by_key, (base, theirs, mine, both))
    for key in {*was, *a, *b, *now}:
        changed = [side.get(key) for side in (a, b) if side.get(key) != was.get(key)]
        assert all(each == changed[0] for each in changed), key
        assert now.get(key) == (changed[0] if changed else was.get(key))
    single = {key for key, items in now.items() if items.total() == 1}
    for side in (theirs, mine):
        for group in {item.group for item in side.items} - {None}:
            held = {(item.name, item.image) for item in side.items if item.group == group}
            there = [i for i in both.items if (i.name, i.image) in held & single]
            assert len({item.group for item in there}) <= 1, group  # nothing is torn apart


twice = (*SET.items, replace(SET.items[0], label="dog"), replace(SET.items[5], group="g"))


@given(st.lists(one_edit, max_size=4), st.lists(one_edit, max_size=4), st.booleans())
@settings(max_examples=1500, suppress_health_check=[HealthCheck.filter_too_much])
def test_whatever_both_do_no_label_is_lost_silently(theirs, mine, doubles):
    base = replace(SET, items=twice) if doubles else SET
    one, two = edited(base, theirs), edited(base, mine)
    both = merged(base, one, two)
    if both is None:
        assert one is not base
        assert two is not base
        return
    require_nothing_lost(base, one, two, both)
    again = merged(base, two, one)
    assert again is not None
    assert by_key(again) == by_key(both)


@given(st.lists(one_edit, min_size=1, max_size=3), st.lists(one_edit, min_size=1, max_size=3))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_both_do_both_versions_are_in_the_history(project, theirs, mine):
    add_dataset(project, SET.id)
    one, two = edited(SET, theirs), edited(SET, mine)
    if SET in (one, two):
        return
    apply(project, one)
    try:
        apply(project, two)
    except BadInput:
        assert in_use(project) == one
        assert {one.id, two.id} <= {version.id for version in history(project)}
    else:
        require_nothing_lost(SET, one, two, in_use(project))

"""A sweep takes what no dataset names, and nothing that is or may come to be of use."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hostile_files import photo

from core.dataset.manifest import Dataset, Item
from core.dataset.orphans import importing, sweep_orphans
from core.dataset.store import Store

DAY = 86_400.0


def made_old(home: Path) -> None:
    """As if nobody had touched anything for a week."""
    week_ago = time.time() - 7 * DAY
    for path in home.rglob("*"):
        if path.is_file():
            os.utime(path, (week_ago, week_ago))


def stems(home: Path) -> set[str]:
    return {path.stem for path in home.rglob("*") if path.is_file()}


def test_what_no_dataset_names_goes_and_the_rest_stays(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    kept, orphan = (store.add(photo(n, (900, 600)), lossless=False) for n in range(2))
    saved = store.save(Dataset("x", (Item(kept, "cat", "1.jpg"),)))
    (home / "images" / kept[:2] / ".draft.77.1").write_bytes(b"half")
    (home / "datasets" / ".ab.json.x").write_text("half")
    made_old(home)
    assert sweep_orphans(home, older_than=DAY) == 4
    assert stems(home) == {kept, saved}
    assert store.open(kept).size == (900, 600)
    assert orphan not in stems(home)
    assert sweep_orphans(home, older_than=DAY) == 0


def test_what_is_new_stays(store: Store, tmp_path: Path) -> None:
    digest = store.add(photo(0, (900, 600)), lossless=False)
    assert sweep_orphans(tmp_path / "home", older_than=DAY) == 0
    assert store.path(digest).exists()


def test_what_an_import_uses_again_counts_as_new(store: Store, tmp_path: Path) -> None:
    digest = store.add(photo(0, (900, 600)), lossless=False)
    made_old(tmp_path / "home")
    assert store.add(photo(0, (900, 600)), lossless=False) == digest
    assert sweep_orphans(tmp_path / "home", older_than=DAY) == 0
    assert store.path(digest).exists()
    assert store.thumbnail(digest).suffix == ".jpg"


def test_a_sweep_while_images_are_added_again_loses_none(store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    photos = [photo(n, (64, 48)) for n in range(30)]
    for _ in range(5):
        digests = [store.add(each, lossless=True) for each in photos]
        made_old(home)
        with ThreadPoolExecutor(4) as pool:
            sweeps = [pool.submit(sweep_orphans, home, older_than=DAY) for _ in range(2)]
            again = list(pool.map(lambda each: store.add(each, lossless=True), photos))
            for sweep in sweeps:
                sweep.result()
        assert again == digests
        assert all(store.path(digest).exists() for digest in digests)


def test_a_home_without_anything_is_swept_too(tmp_path: Path) -> None:
    assert sweep_orphans(tmp_path / "none", older_than=0) == 0


def test_the_mark_of_a_killed_import_goes_and_that_of_a_live_one_stays(tmp_path):
    (tmp_path / "imports").mkdir()
    (tmp_path / "imports" / "1000.000-0badcafe").touch()
    with importing(tmp_path):
        sweep_orphans(tmp_path, older_than=0)
        assert len(list((tmp_path / "imports").iterdir())) == 1
    assert list((tmp_path / "imports").iterdir()) == []

"""Whoever can write to a backup must not get at anything by it."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from core.backup import Repository, back_up, restore
from core.backup.restoring import check
from core.errors import BadInput, CannotStart, GraftError
from core.files import read_sealed, sealed
from core.server.starting import prepare
from core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home", min_free_bytes=0)
    prepare(settings)
    (settings.home / "datasets").mkdir()
    (settings.home / "datasets" / "one.json").write_text("{}")
    return settings


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> Path:
    """The folder of one backup."""
    for _ in back_up(settings, tmp_path / "kept"):
        pass
    return tmp_path / "kept"


@pytest.fixture
def target(tmp_path: Path) -> Settings:
    """Where it is restored to."""
    return Settings(home=tmp_path / "new" / "home", min_free_bytes=0)


def changed(kept: Path, change) -> None:
    """The list of the backup, changed and sealed anew, as somebody does who knows how."""
    (path,) = (kept / "snapshots").glob("*.json")
    content = json.loads(read_sealed(path))
    change(content)
    path.write_text(sealed(json.dumps(content)))


def object_of(kept: Path, path: str) -> Path:
    (file,) = (each for each in Repository.open(kept).load().files if each.path == path)
    return Repository(kept).object(file.hash)


def refused(target: Settings, kept: Path, **how) -> str:
    """The sentence; whatever was there stays, and nothing was added."""
    before = sorted(target.home.parent.rglob("*")) if target.home.exists() else []
    with pytest.raises(GraftError) as caught:
        for _ in restore(target, kept, **how):
            pass
    after = [path for path in sorted(target.home.parent.rglob("*")) if path.name != "worker.lock"]
    assert after in (before, [target.home])
    return str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "../outside", "datasets/../../outside", "/etc/passwd", "a//b", "a/./b", "", "a/", "/",
        ".ssh/authorized_keys", "a/.hidden", "worker.lock", "runs/x/.lock", "thumbs/ab/c.jpg",
        "features/a", "logs/web.log", "a\x00b", "a\nb", "..\\outside", "a\ud800", "x/" * 600 + "x",
        "graft.db", "graft.db-wal", "queue.db",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_or_belongs_to_somebody_else_is_refused(
    target: Settings, kept: Path, path: str
) -> None:
    changed(kept, lambda content: content["files"][0].update(path=path))
    assert "changed" in refused(target, kept)
    assert not (target.home.parents[1] / "outside").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["files"].append(c["files"][0]),
        lambda c: c["files"].append({**c["files"][0], "path": c["files"][0]["path"] + "/below"}),
        lambda c: c["files"][0].update(hash="../../../../etc/passwd"),
        lambda c: c["files"][0].update(hash=c["files"][0]["hash"] + "\n"),
        lambda c: c["files"][0].update(size=-1),
        lambda c: c["files"][0].update(mode=0o4755),
        lambda c: c["databases"].clear(),
        lambda c: c["databases"]["metadata"].update(kind="mysql"),
        lambda c: c.update(format=2),
        lambda c: c.update(home="../x"),
        lambda c: c.update(files="no list"),
    ],
)
def test_a_list_of_another_shape_is_refused(target: Settings, kept: Path, change) -> None:
    changed(kept, change)
    refused(target, kept)


def test_a_list_that_is_damaged_or_nested_deeply_is_refused(target: Settings, kept: Path) -> None:
    (path,) = (kept / "snapshots").glob("*.json")
    whole = path.read_text()
    for content in (whole[:-20], whole.replace("one.json", "two.json"), "[" * 100_000, ""):
        path.write_text(content)
        assert "--list" in refused(target, kept)


def test_bytes_that_are_not_those_that_were_saved_are_never_used(
    target: Settings, kept: Path
) -> None:
    file = object_of(kept, "datasets/one.json")
    for content in (b"{ }", b"{", b"[]", None):
        file.unlink() if content is None else file.write_bytes(content)
        assert "damaged" in refused(target, kept)
        with pytest.raises(BadInput, match="damaged"):
            [*check(kept)]


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_nothing_but_a_regular_file_is_read(target: Settings, kept: Path, kind: str) -> None:
    file = object_of(kept, "datasets/one.json")
    content = file.read_bytes()
    file.unlink()
    match kind:
        case "link":  # even to the very same bytes
            (kept.parent / "same").write_bytes(content)
            file.symlink_to(kept.parent / "same")
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
    assert "damaged" in refused(target, kept)


def test_a_link_that_waits_in_the_home_leads_nowhere(
    settings: Settings, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    shutil.rmtree(settings.home / "datasets")
    (settings.home / "datasets").symlink_to(tmp_path / "outside")
    for _ in restore(settings, kept, replace=True):
        pass
    assert not (settings.home / "datasets").is_symlink()
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize("sql", ["CREATE TRIGGER t AFTER INSERT ON projects BEGIN SELECT 1; END",
                                 "CREATE VIEW v AS SELECT 1", None])  # fmt: skip
def test_a_database_that_runs_code_or_is_none_is_refused(
    target: Settings, kept: Path, tmp_path: Path, sql: str | None
) -> None:
    made = tmp_path / "made.db"
    saved = Repository.open(kept).load().databases["metadata"]
    made.write_bytes(Repository(kept).object(saved.hash).read_bytes() if sql else b"x" * 5000)
    if sql:
        with sqlite3.connect(made) as opened:
            opened.execute(sql)
        opened.close()
    with made.open("rb") as file:
        digest, size, _ = Repository(kept).add(file, made.stat().st_size)
    changed(kept, lambda content: content["databases"]["metadata"].update(hash=digest, size=size))
    assert "database in the backup is damaged" in refused(target, kept)


def test_a_backup_that_does_not_fit_is_refused_before_anything_is_written(
    target: Settings, kept: Path
) -> None:
    changed(kept, lambda content: content["files"][0].update(size=2**49))
    assert "bytes" in refused(target, kept)


def test_a_backup_of_another_kind_of_database_names_the_variable(
    target: Settings, kept: Path
) -> None:
    other = target.model_copy(update={"database_url": "postgresql://me:hunter2@h/d"})
    said = refused(other, kept)
    assert "GRAFT_DATABASE_URL" in said
    assert "hunter2" not in said


def files_of(home: Path) -> dict[Path, bytes]:
    """All but the locks, which are empty."""
    files = (each for each in home.rglob("*") if each.is_file() and each.suffix != ".lock")
    return {each: each.read_bytes() for each in files}


def test_a_broken_restore_leaves_the_home_as_it_was(settings: Settings, kept: Path) -> None:
    before = files_of(settings.home)
    object_of(kept, "datasets/one.json").write_bytes(b"[]")
    with pytest.raises(BadInput):
        [*restore(settings, kept, replace=True)]
    assert files_of(settings.home) == before


def test_a_missing_program_of_postgresql_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    elsewhere = settings.model_copy(update={"database_url": "postgresql://me:hunter2@h/d"})
    with pytest.raises(CannotStart, match="postgresql-client") as caught:
        [*back_up(elsewhere, tmp_path / "kept")]
    assert "hunter2" not in str(caught.value)

"""The answers that were given in the field, kept with consent: rows in the database, and images in
a store of the project's own.

    <home>/field/<project>/images/ab/<sha256>.jpg|png|npy    as in core.dataset.store
    <home>/field/<project>/thumbs/ab/<sha256>.jpg

Whoever answers hands over what was answered through `keep`. A file that was asked about twice is
kept once, and an image that the project learned from or tests with is not kept: it says nothing
about the field.
"""

import hashlib
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.access import require, require_machine
from core.dataset.channels import RGB
from core.dataset.ingest.decode import decode_for_storage
from core.dataset.ingest.decoded import Decoded
from core.dataset.store import Store
from core.errors import GraftError, NotFound, UnreadableImage
from core.field.consent import Keep, kept_of
from core.projects import checked_id, datasets, get_run, require_run
from core.projects.database import FieldAnswerRow, FieldAuditRow, FieldNormalRow, session
from core.sandbox.bounded import Patience
from core.settings import Settings

_AT_ONCE = 500
"""Values in one statement; SQLite takes no more than some thousands."""
_MOST_SLOW_FILES = 15


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """What a model answered about an image that was used."""

    label: str
    """The likeliest class, also where the image is called unknown."""
    confidence: float
    unknown: bool | None
    """None where the model cannot tell."""
    file: Path
    """As it was brought."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of what was kept."""

    id: int
    label: str
    confidence: float
    unknown: bool | None
    image: str
    """The hash of the image in the project's store of the field; empty where only the answer is
    kept."""
    answered_at: float
    draw: float
    """A uniform random number that has nothing to do with the answer."""


def store_of(project_id: str, settings: Settings) -> Store:
    """Where the project's images of the field are."""
    return Store(folder_of(project_id, settings))


def folder_of(project_id: str, settings: Settings) -> Path:
    """The folder of that store. Raises NotFound for anything that cannot be an id."""
    return settings.home / "field" / checked_id(project_id)


def keep(
    run_id: str,
    answers: Sequence[FieldAnswer],
    settings: Settings,
    *,
    at: float | None = None,
) -> int:
    """Keep what the project of this run consented to; gives how many answers are new.

    `at` is when they were given, in seconds since 1970 (default: now); the order of answers of the
    same time is random. Raises NotFound for an unknown run, OutOfSpace.
    """
    run = get_run(run_id)
    consent = kept_of(run.project_id, settings)
    if not consent or not answers:
        return 0
    rows = [*_new_rows(run.project_id, run_id, answers, consent, settings)]
    for row in rows:
        row.answered_at = time.time() if at is None else at
    with session(settings) as opened:
        known = _files(opened, run_id, [row.file for row in rows])
        unique = {row.file: row for row in rows if row.file not in known}
        opened.add_all(unique.values())
    _hold_bounds(run.project_id, settings)
    return len(unique)


def rows_of(run_id: str, settings: Settings) -> list[Kept]:
    """All that was kept of a run's answers, in the order in which the watch looks at them."""
    require_run("look", run_id)
    order = FieldAnswerRow.answered_at, FieldAnswerRow.draw
    with session(settings) as opened:
        query = select(FieldAnswerRow).where(FieldAnswerRow.run_id == run_id).order_by(*order)
        return [kept_row(row) for row in opened.scalars(query)]


def newest(run_id: str, settings: Settings) -> tuple[int, int]:
    """How many answers of this run are kept, and the id of the newest: changes when they do."""
    require_run("look", run_id)
    with session(settings) as opened:
        which = FieldAnswerRow.run_id == run_id
        count = select(func.count(), func.max(FieldAnswerRow.id)).where(which)
        n, last = opened.execute(count).one()
        return int(n), int(last or 0)


def kept_row(row: FieldAnswerRow) -> Kept:
    """The row as others see it."""
    return Kept(
        row.id, row.label, row.confidence, row.unknown, row.image, row.answered_at, row.draw
    )


def amount(project_id: str, settings: Settings) -> tuple[int, int, int]:
    """How much is kept of this project: answers, images, and bytes of images."""
    require("look", project_id)
    mine = FieldAnswerRow.project_id == project_id
    with session(settings) as opened:
        count = select(func.count(), func.coalesce(func.sum(FieldAnswerRow.size), 0)).where(mine)
        n, size = opened.execute(count).one()
        images = select(func.count()).where(mine, FieldAnswerRow.image != "")
        return int(n), int(opened.scalar(images) or 0), int(size)


def forget_project(project_id: str, settings: Settings) -> None:
    """Delete all that was kept of a project, its audits included."""
    require("manage", project_id)
    shutil.rmtree(folder_of(project_id, settings), ignore_errors=True)
    with session(settings) as opened:
        for table in (FieldAnswerRow, FieldAuditRow, FieldNormalRow):
            opened.execute(delete(table).where(table.project_id == project_id))


def forget_runs(run_ids: Collection[str], settings: Settings) -> None:
    """Delete what was kept of the answers of these runs."""
    require_machine()
    with session(settings) as opened:
        rows = [
            row
            for run in run_ids
            for row in opened.scalars(select(FieldAnswerRow).where(FieldAnswerRow.run_id == run))
        ]
        _drop(opened, rows, settings)
        for table in (FieldAuditRow, FieldNormalRow):
            opened.execute(delete(table).where(table.run_id.in_(run_ids)))


def tidy(settings: Settings, *, older_than: float) -> int:
    """Delete images that no row names and nobody touched for so many seconds; gives how many files.
    They are what is left where keeping was interrupted."""
    before, gone = time.time() - older_than, 0
    for folder in (settings.home / "field").glob("*"):
        with session(settings) as opened:
            mine = FieldAnswerRow.project_id == folder.name
            named = set(opened.scalars(select(FieldAnswerRow.image).where(mine)))
        for file in folder.glob("*/??/*"):
            with suppress(FileNotFoundError):
                if file.stem not in named and file.stat().st_mtime < before:
                    file.unlink()
                    gone += 1
    return gone


def _new_rows(
    project_id: str,
    run_id: str,
    answers: Sequence[FieldAnswer],
    consent: Keep,
    settings: Settings,
) -> Iterator[FieldAnswerRow]:
    """Rows for what is not kept yet, their images stored where there is consent to that."""
    hashed = {_hash(each.file): each for each in answers if each.file.is_file()}
    with session(settings) as opened:
        known = _files(opened, run_id, [*hashed])
    own = _own_images(project_id, settings) if consent == "images" else set()
    channels = _keeps_channels(project_id, settings)
    patience = Patience(_MOST_SLOW_FILES * settings.max_reading_seconds)
    for file, answer in hashed.items():
        if file in known:
            continue
        image, size = "", 0
        if consent == "images":
            with suppress(UnreadableImage, FileNotFoundError):
                decoded = decode_for_storage(
                    answer.file, settings, keep=channels, patience=patience
                )
                image, size = _stored(project_id, decoded, own, settings)
            if image in own:
                continue
        yield FieldAnswerRow(
            project_id=project_id, run_id=run_id, file=file, image=image, size=size,
            label=answer.label, confidence=float(answer.confidence),
            unknown=answer.unknown, draw=secrets.randbits(53) / 2**53,
        )  # fmt: skip


def _stored(
    project_id: str, decoded: Decoded, own: Collection[str], settings: Settings
) -> tuple[str, int]:
    """Hash and bytes of the image in the store of the field; one of the project's own goes again.

    Raises OutOfSpace.
    """
    store = store_of(project_id, settings)
    image = store.take(decoded)
    if image in own:
        _unlink(folder_of(project_id, settings), image)
        return image, 0
    return image, store.path(image).stat().st_size


def _own_images(project_id: str, settings: Settings) -> set[str]:
    """Hashes of the images that the project's newest version holds."""
    versions = datasets(project_id)
    with suppress(GraftError):
        return {item.image for item in Store(settings.home).load(versions[0].dataset_id).items}
    return set()


def _keeps_channels(project_id: str, settings: Settings) -> bool:
    """Whether the project's images have other channels than RGB."""
    store = Store(settings.home)
    with suppress(NotFound, IndexError):
        items = store.load(datasets(project_id)[0].dataset_id).items[:1]
        return any(store.form(item.image) != RGB for item in items)
    return False


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _files(opened: Session, run_id: str, files: Sequence[str]) -> set[str]:
    """Those of these files whose answers are kept already."""
    found: set[str] = set()
    for start in range(0, len(files), _AT_ONCE):
        some = FieldAnswerRow.file.in_(files[start : start + _AT_ONCE])
        query = select(FieldAnswerRow.file).where(FieldAnswerRow.run_id == run_id, some)
        found |= set(opened.scalars(query))
    return found


def _hold_bounds(project_id: str, settings: Settings) -> None:
    """Of too many answers the oldest go. Of too many bytes those images go that an audit would draw
    last, which leaves a random sample; their answers stay. What was drawn for an audit stays."""
    mine = FieldAnswerRow.project_id == project_id, FieldAnswerRow.audit_id == ""
    n, _, size = amount(project_id, settings)
    with session(settings) as opened:
        if n > settings.max_field_answers:
            oldest = select(FieldAnswerRow).where(*mine).order_by(FieldAnswerRow.id)
            _drop(opened, opened.scalars(oldest.limit(n - settings.max_field_answers)), settings)
        while size > settings.max_field_bytes:
            last = select(FieldAnswerRow).where(*mine, FieldAnswerRow.image != "")
            rows = opened.scalars(last.order_by(FieldAnswerRow.draw.desc()).limit(_AT_ONCE)).all()
            if not rows:
                break
            for row in rows:
                if size > settings.max_field_bytes:
                    size -= row.size
                    image, row.image, row.size = row.image, "", 0
                    _drop_image(opened, project_id, image, settings)


def _drop(opened: Session, rows: Iterable[FieldAnswerRow], settings: Settings) -> None:
    for row in [*rows]:
        opened.delete(row)
        opened.flush()
        _drop_image(opened, row.project_id, row.image, settings)


def _drop_image(opened: Session, project_id: str, image: str, settings: Settings) -> None:
    """Delete the file of an image that no answer has any more."""
    opened.flush()
    has = FieldAnswerRow.project_id == project_id, FieldAnswerRow.image == image
    if image and not opened.scalar(select(func.count()).where(*has)):
        _unlink(folder_of(project_id, settings), image)


def _unlink(folder: Path, image: str) -> None:
    for file in folder.glob(f"*/{image[:2]}/{image}.*"):
        file.unlink(missing_ok=True)

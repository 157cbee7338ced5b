"""What is kept of the field, and that it goes again."""

import dataclasses
import os

import pytest
from model_in_use import InUse
from sqlalchemy import select

from core.errors import BadInput, NotFound
from core.field import consent
from core.field.audit import begin
from core.field.kept import amount, folder_of, forget_project, keep, rows_of, store_of, tidy
from core.jobs.purge import purge
from core.jobs.removal import delete_project, purge_project
from core.projects.database import FieldAnswerRow, FieldAuditRow, session


def files(in_use: InUse) -> list[str]:
    folder = folder_of(in_use.project, in_use.settings)
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_nothing_is_kept_until_somebody_says_so(in_use: InUse) -> None:
    consent.choose(in_use.project, "", in_use.settings)
    assert keep(in_use.run, in_use.answers(range(3)), in_use.settings) == 0
    assert amount(in_use.project, in_use.settings) == (0, 0, 0)
    assert files(in_use) == []


def test_answers_alone_are_kept_without_image_or_name(in_use: InUse) -> None:
    consent.choose(in_use.project, "answers", in_use.settings)
    assert keep(in_use.run, in_use.answers(range(3)), in_use.settings) == 3
    assert amount(in_use.project, in_use.settings) == (3, 0, 0)
    assert files(in_use) == []
    with session(in_use.settings) as opened:
        rows = opened.scalars(select(FieldAnswerRow)).all()
        assert not any(".png" in str(vars(row)) for row in rows)


def test_images_are_kept_once_and_none_that_the_project_has(in_use: InUse) -> None:
    asked = in_use.answers(range(3))
    own = dataclasses.replace(asked[0], file=in_use.own)
    gone = dataclasses.replace(asked[0], file=in_use.folder / "gone.png")
    assert keep(in_use.run, [*asked, asked[1], own, gone], in_use.settings) == 3
    assert keep(in_use.run, asked, in_use.settings) == 0
    rows = rows_of(in_use.run, in_use.settings)
    assert len({row.image for row in rows}) == 3
    assert all(store_of(in_use.project, in_use.settings).read(row.image) for row in rows)
    assert len(files(in_use)) == 3


def test_a_file_that_is_no_image_leaves_only_its_answer(in_use: InUse) -> None:
    broken = in_use.folder / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100)
    answer = dataclasses.replace(in_use.answer(0), file=broken)
    assert keep(in_use.run, [answer], in_use.settings) == 1
    assert amount(in_use.project, in_use.settings) == (1, 0, 0)


def test_what_is_kept_is_bounded_and_an_audit_keeps_its_images(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(10)), in_use.settings)
    audit = begin(in_use.run, in_use.settings, size=2)
    size = amount(in_use.project, in_use.settings)[2] // 10
    tight = in_use.settings.model_copy(update={"max_field_answers": 8, "max_field_bytes": 5 * size})
    keep(in_use.run, in_use.answers(range(10, 12)), tight)
    n, images, left = amount(in_use.project, tight)
    assert n == 8
    assert 2 <= images <= 5
    assert left <= 5 * size + size // 10
    kept = {row.image for row in rows_of(in_use.run, tight)}
    assert {each.image for each in audit.images} <= kept
    assert len(files(in_use)) == images


def test_a_purged_project_takes_all_of_it_along(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(4)), in_use.settings)
    begin(in_use.run, in_use.settings)
    delete_project(in_use.project)
    assert len(files(in_use)) == 4  # it can still be restored
    purge_project(in_use.project)
    assert purge(in_use.settings)
    assert not folder_of(in_use.project, in_use.settings).exists()
    with session(in_use.settings) as opened:
        assert opened.scalars(select(FieldAnswerRow)).all() == []
        assert opened.scalars(select(FieldAuditRow)).all() == []


def test_deleting_what_was_kept_leaves_the_project(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(4)), in_use.settings)
    forget_project(in_use.project, in_use.settings)
    assert amount(in_use.project, in_use.settings) == (0, 0, 0)
    assert keep(in_use.run, in_use.answers(range(4)), in_use.settings) == 4


def test_files_that_no_row_names_are_swept_once_they_are_old(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(2)), in_use.settings)
    folder = folder_of(in_use.project, in_use.settings) / "images" / "ab"
    folder.mkdir(parents=True, exist_ok=True)
    left = folder / f"{'ab' * 32}.png"
    left.write_bytes(b"left")
    assert tidy(in_use.settings, older_than=60) == 0
    os.utime(left, (0, 0))
    assert tidy(in_use.settings, older_than=60) == 1
    assert len(files(in_use)) == 2


def test_what_cannot_be_is_refused(in_use: InUse) -> None:
    with pytest.raises(BadInput):
        consent.choose(in_use.project, "everything", in_use.settings)
    with pytest.raises(NotFound):
        consent.choose("0" * 16, "images", in_use.settings)
    with pytest.raises(NotFound):
        keep("../../etc", in_use.answers(range(1)), in_use.settings)

"""Audits: drawn by chance, resumed anywhere, counted as the test set is."""

import time
from dataclasses import replace

import pytest
from made_reports import predicted, report_on
from model_in_use import InUse

from core.errors import BadInput, NotFound
from core.events import Finished
from core.field.audit import audits_of, begin, record, waiting
from core.field.comparison import on_audited
from core.field.kept import keep, rows_of
from core.field.standing import accept, standing_of
from core.jobs.kinds import get_kind
from core.projects import datasets


def test_images_are_drawn_by_their_random_number_and_only_since_the_last_audit(
    in_use: InUse,
) -> None:
    keep(in_use.run, in_use.answers(range(12)), in_use.settings)
    assert waiting(in_use.run, in_use.settings) == 12
    audit = begin(in_use.run, in_use.settings, size=5)
    first = sorted(rows_of(in_use.run, in_use.settings), key=lambda row: row.draw)[:5]
    assert [each.image for each in audit.images] == [row.image for row in first]
    assert audit.population == 12
    assert begin(in_use.run, in_use.settings).id == audit.id  # one at a time
    for each in audit.images:
        record(audit.id, each.answer, "class", in_use.settings, truth="a")
    assert waiting(in_use.run, in_use.settings) == 0
    with pytest.raises(BadInput, match="no image to look at"):
        begin(in_use.run, in_use.settings)
    keep(in_use.run, in_use.answers(range(12, 15)), in_use.settings)
    again = begin(in_use.run, in_use.settings)
    assert (again.population, len(again.images)) == (3, 3)
    assert [each.id for each in audits_of(in_use.run, in_use.settings)] == [again.id, audit.id]


def test_every_image_is_as_likely_to_be_drawn(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(300)), in_use.settings)
    draws = [row.draw for row in rows_of(in_use.run, in_use.settings)]
    assert 0.4 < sum(draws) / 300 < 0.6
    assert sum(draw < 0.5 for draw in draws) == pytest.approx(150, abs=45)


def test_right_and_wrong_are_counted_as_for_the_test_set(in_use: InUse) -> None:
    unknown = replace(in_use.answer(3), unknown=True)
    keep(in_use.run, [*in_use.answers(range(3)), unknown], in_use.settings)
    audit = begin(in_use.run, in_use.settings)
    plain = [each.answer for each in audit.images if not each.unknown]
    (strange,) = [each.answer for each in audit.images if each.unknown]
    record(audit.id, plain[0], "class", in_use.settings, truth="a")
    record(audit.id, plain[1], "class", in_use.settings, truth="b")
    record(audit.id, plain[2], "skipped", in_use.settings)
    record(audit.id, strange, "none", in_use.settings)
    (found,) = audits_of(in_use.run, in_use.settings)
    assert (found.correct, len(found.counted), len(found.open)) == (2, 3, 0)
    record(audit.id, strange, "class", in_use.settings, truth="a")  # a key pressed too late
    assert audits_of(in_use.run, in_use.settings) == [found]
    record(audit.id, strange, "", in_use.settings)
    record(audit.id, strange, "class", in_use.settings, truth="a")
    (found,) = audits_of(in_use.run, in_use.settings)
    assert found.correct == 2  # the likeliest class was right, as the test set counts it
    record(audit.id, strange, "", in_use.settings)
    assert len(audits_of(in_use.run, in_use.settings)[0].open) == 1


def test_what_does_not_belong_to_the_audit_is_refused(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(3)), in_use.settings)
    audit = begin(in_use.run, in_use.settings, size=1)
    drawn = audit.images[0].answer
    other = next(row.id for row in rows_of(in_use.run, in_use.settings) if row.id != drawn)
    for audit_id, answer in ((audit.id, other), ("", other), ("0" * 16, drawn)):
        with pytest.raises(NotFound):
            record(audit_id, answer, "none", in_use.settings)
    with pytest.raises(BadInput):
        record(audit.id, drawn, "class", in_use.settings)
    with pytest.raises(BadInput):
        begin(in_use.run, in_use.settings, size=0)


def test_a_change_is_noticed_and_can_be_found_all_right(in_use: InUse) -> None:
    now = time.time() - 1000
    low = [in_use.answer(n, "ab"[n % 2], 0.51 + n / 1000) for n in range(60)]
    keep(in_use.run, low, in_use.settings, at=now)
    found = standing_of(in_use.run, in_use.settings)
    assert found.watched.alarm is not None
    assert found.watched.alarm.signal == "confidence"
    assert found.to_look_at[0].confidence == min(row.confidence for row in found.changed)
    accept(in_use.run, in_use.settings)
    more = [in_use.answer(n, "ab"[n % 2], 0.51 + (3 * n % 60) / 1000) for n in range(100, 120)]
    keep(in_use.run, more, in_use.settings, at=time.time() + 1)
    after = standing_of(in_use.run, in_use.settings)
    assert after.watched.alarm is None
    assert (after.reference, after.watched.n) == (60, 20)


def test_audited_images_join_the_project_by_their_class(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(3)), in_use.settings)
    audit = begin(in_use.run, in_use.settings)
    one, two, three = (each.answer for each in audit.images)
    record(audit.id, one, "class", in_use.settings, truth="a")
    record(audit.id, two, "class", in_use.settings, truth="b")
    record(audit.id, three, "none", in_use.settings)
    kind = get_kind("learn-audited")
    before = datasets(in_use.project)[0].dataset_id
    args = {"run": in_use.run, "project": in_use.project, "audit": audit.id, "add_to": before}
    *_, last = kind.run(in_use.folder, kind.checked(args), in_use.settings, lambda: False)
    assert isinstance(last, Finished)
    assert last.result["added"] == 2
    assert datasets(in_use.project)[0].dataset_id == last.result["dataset"] != before
    # The same image has the same hash in both stores.
    assert set(last.result["stored"].values()) == {each.image for each in audit.images[:2]}


def test_old_and_new_are_compared_on_audited_images_that_the_new_one_did_not_learn(
    in_use: InUse,
) -> None:
    keep(in_use.run, in_use.answers(range(10)), in_use.settings)
    audit = begin(in_use.run, in_use.settings)
    for each in audit.images:
        record(audit.id, each.answer, "class", in_use.settings, truth="b")
    (audit,) = audits_of(in_use.run, in_use.settings)
    row = predicted("b", "b", probabilities=(0.1, 0.9))
    rows = [replace(row, image=each.image) for each in audit.images[:7]]
    learned = {each.image for each in audit.images[:9]}
    found = on_audited(audit.images, report_on(rows), learned)
    assert (found.comparison.n, found.older_correct, found.newer_correct) == (7, 0, 7)
    assert (found.learned, found.unasked) == (2, 1)
    assert found.comparison.p == pytest.approx(2 / 2**7)

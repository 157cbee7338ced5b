"""Who may see how a model stands in the field, audit it, and say what is kept."""

from collections.abc import Callable

import pytest
from model_in_use import InUse
from roles import MAY, actor, enter_members, enter_people

from core.access import acting_as
from core.errors import NotAllowed, NotFound
from core.field import consent
from core.field.audit import audits_of, begin, record, waiting
from core.field.kept import amount, forget_project, forget_runs, keep, newest, rows_of
from core.field.standing import accept, standing_of

Call = Callable[[InUse], object]
CALLS: dict[str, list[Call]] = {
    "look": [
        lambda u: consent.kept_of(u.project, u.settings),
        lambda u: amount(u.project, u.settings),
        lambda u: rows_of(u.run, u.settings),
        lambda u: newest(u.run, u.settings),
        lambda u: waiting(u.run, u.settings),
        lambda u: audits_of(u.run, u.settings),
        lambda u: standing_of(u.run, u.settings),
    ],
    "edit": [
        lambda u: begin(u.run, u.settings, size=1),
        lambda u: accept(u.run, u.settings),
        lambda u: consent.choose(u.project, "answers", u.settings),
    ],
    "manage": [lambda u: forget_project(u.project, u.settings)],
}


@pytest.mark.parametrize("name", MAY)
def test_who_may_do_what_in_the_field(in_use: InUse, name: str) -> None:
    enter_people()
    enter_members(in_use.project)
    keep(in_use.run, in_use.answers(range(3)), in_use.settings)
    refused = NotAllowed if "look" in MAY[name] else NotFound
    with acting_as(actor(name, in_use.project)):
        for action, calls in CALLS.items():
            for call in calls:
                if action in MAY[name]:
                    call(in_use)
                else:
                    with pytest.raises(refused):
                        call(in_use)
        with pytest.raises(NotAllowed):
            forget_runs([in_use.run], in_use.settings)


@pytest.mark.parametrize("name", MAY)
def test_who_may_say_what_an_audited_image_is(in_use: InUse, name: str) -> None:
    enter_people()
    enter_members(in_use.project)
    keep(in_use.run, in_use.answers(range(3)), in_use.settings)
    audit = begin(in_use.run, in_use.settings)
    with acting_as(actor(name, in_use.project)):
        if "edit" in MAY[name]:
            record(audit.id, audit.images[0].answer, "none", in_use.settings)
            return
        with pytest.raises(NotAllowed if "look" in MAY[name] else NotFound):
            record(audit.id, audit.images[0].answer, "none", in_use.settings)
    (seen,) = audits_of(in_use.run, in_use.settings)
    assert len(seen.open) == 3

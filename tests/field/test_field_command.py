"""`field` says on the command line what the page does."""

import json

from command_line import run_command
from model_in_use import InUse

from core.field.audit import audits_of, record
from core.field.kept import keep


def test_a_sample_is_drawn_and_what_it_tells_is_said(in_use: InUse) -> None:
    keep(in_use.run, in_use.answers(range(30)), in_use.settings)
    home = in_use.settings.home
    code, out, _ = run_command(home, "field", in_use.run)
    assert code == 0
    assert "Promised: 36 of 40 test images correct" in out
    assert "30 images wait for an audit" in out

    _, out, _ = run_command(home, "field", in_use.run, "--draw", 12, "--json")
    (drawn,) = json.loads(out)["audits"]
    assert (drawn["population"], drawn["drawn"], drawn["open"], drawn["n"]) == (30, 12, 12, 0)

    (audit,) = audits_of(in_use.run, in_use.settings)
    for number, each in enumerate(audit.images):
        truth = "a" if number else "b"
        record(audit.id, each.answer, "class", in_use.settings, truth=truth)
    _, out, _ = run_command(home, "field", in_use.run)
    assert f"Audit {audit.id}: 12 of 12 images looked at, 11 correct (likely " in out
    assert "of the 30 images used); whether that differs from the promise" in out


def test_what_cannot_be_said_is_told_with_what_to_do(in_use: InUse) -> None:
    home = in_use.settings.home
    code, _, err = run_command(home, "field", in_use.run, "--draw", 5)
    assert (code, "Let images be kept" in err) == (2, True)
    code, _, err = run_command(home, "field", in_use.project)
    assert (code, "Train one first" in err) == (2, True)
    code, _, err = run_command(home, "field", "0" * 16)
    assert code == 2

"""Events are read back from their lines, also those of the version before."""

from core.errors import BadInput, OutOfSpace
from core.events import Failed, Validated, from_line, to_line


def test_validation_scores_of_the_version_before_are_still_read():
    line = '{"event": "Watched", "step": 4, "loss": 0.5, "accuracy": 0.75, "n": 12}'
    assert from_line(line) == Validated(4, 0.5, 0.75, 12)
    assert from_line(to_line(Validated(4, 0.5, 0.75, 12))) == Validated(4, 0.5, 0.75, 12)


def test_a_failure_says_whether_trying_again_may_help_and_old_ones_leave_it_open():
    assert from_line('{"event": "Failed", "sentence": "No."}') == Failed("No.", may_go_well=True)
    for error, may_go_well in ((BadInput("No."), False), (OutOfSpace("Not now."), True)):
        assert from_line(to_line(Failed.by(error))) == Failed(str(error), may_go_well)

"""Events are read back from their lines, also those of the version before."""

from core.events import Validated, from_line, to_line


def test_validation_scores_of_the_version_before_are_still_read():
    line = '{"event": "Watched", "step": 4, "loss": 0.5, "accuracy": 0.75, "n": 12}'
    assert from_line(line) == Validated(4, 0.5, 0.75, 12)
    assert from_line(to_line(Validated(4, 0.5, 0.75, 12))) == Validated(4, 0.5, 0.75, 12)

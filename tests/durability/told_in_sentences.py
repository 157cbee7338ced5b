"""Commands that end with a sentence."""

from pathlib import Path

from command_line import run_command

ROOT = Path(__file__).parents[2]


def said(home: Path, *arguments: object, **environment: str) -> str:
    """The one sentence with which a command ends, without a result or a traceback."""
    code, out, err = run_command(home, *arguments, **environment)
    assert (code, out) == (2, ""), err
    last = err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert "unexpected" not in err
    return last

"""A server's log as JSON: one object a line, whatever was said."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from running_server import ROOT

from core.log_form import AsJson, JsonLines
from core.logs import Sparing


def lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


def record(message: str, *args: object, exc_info: object = None) -> logging.LogRecord:
    return logging.LogRecord("graft", logging.WARNING, "x.py", 1, message, args, exc_info)


def test_a_record_is_one_object_and_no_name_begins_a_line_of_its_own() -> None:
    said = AsJson().format(record("A page: %s", 'x\n{"level": "forged"}\u2028y\r'))
    (told,) = lines(said)
    assert told["message"] == 'A page: x\n{"level": "forged"}\u2028y\r'
    assert (told["level"], told["logger"]) == ("WARNING", "graft")
    assert told["time"].endswith("+00:00")
    assert "exception" not in told


def test_an_exception_stands_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        said = AsJson().format(record("It failed.", exc_info=sys.exc_info()))
    (told,) = lines(said)
    assert told["exception"].startswith("Traceback")
    assert "two\nlines" in told["exception"]


@pytest.mark.parametrize("text", ["plain\n", "{}\n", '{"time": "broken\n', "a\nb\n"])
def test_what_was_printed_becomes_an_object(text: str) -> None:
    out = io.StringIO()
    JsonLines(out, "stdout").write(text)
    (told,) = lines(out.getvalue())
    assert (told["logger"], told["message"]) == ("stdout", text.strip())


def test_a_line_that_comes_in_pieces_is_one_and_an_object_stays_as_it_is() -> None:
    out = io.StringIO()
    stream = JsonLines(out, "stderr")
    for piece in ("Trace", "back", "\n", "", "\n"):
        stream.write(piece)
    stream.write(AsJson().format(record("known")) + "\n")
    assert [told["message"] for told in lines(out.getvalue())] == ["Traceback", "known"]


def test_how_often_a_thing_was_said_is_an_object_too() -> None:
    out = io.StringIO()
    stream = Sparing(out)
    stream.put_through(lambda inner: JsonLines(inner, "stderr"))  # type: ignore[arg-type,return-value]
    for _ in range(4):
        stream.write(AsJson().format(record("again")) + "\n")
    stream.sum_up()
    first, after = lines(out.getvalue())
    assert first["message"] == "again"
    assert "3 more times" in after["message"]


SAYS = """
import logging, warnings
from core.log_form import begin_log
from core.settings import get_settings
begin_log(get_settings().logs)
logging.getLogger("graft").error("a\\nb")
print("printed")
try: 1 / 0
except ZeroDivisionError: logging.getLogger("x").exception("failed")
"""


@pytest.mark.parametrize("form", ["plain", "json"])
def test_the_variable_decides(form: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAYS],
        cwd=ROOT,
        env=os.environ | {"GRAFT_LOGS": form, "GRAFT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    if form == "plain":
        assert "ERROR graft: a\nb\n" in done.stderr
        assert done.stdout == "printed\n"
        return
    assert [told["message"] for told in lines(done.stderr)] == ["a\nb", "failed"]
    assert "ZeroDivisionError" in lines(done.stderr)[1]["exception"]
    assert [told["message"] for told in lines(done.stdout)] == ["printed"]

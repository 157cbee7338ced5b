"""The command line, run within the test's own process."""

import contextlib
import io
import os
from pathlib import Path
from unittest import mock

from core.__main__ import main
from core.settings import get_settings


def run_command(home: Path, *arguments: object, **environment: str) -> tuple[int, str, str]:
    """Run a command to its end: exit code, stdout, stderr. A traceback fails the test."""
    out, err = io.StringIO(), io.StringIO()
    get_settings.cache_clear()
    with (
        mock.patch.dict(os.environ, {"GRAFT_HOME": str(home)} | environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([*map(str, arguments)])
    get_settings.cache_clear()
    return code, out.getvalue(), err.getvalue()

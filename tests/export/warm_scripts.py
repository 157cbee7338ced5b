"""Exported scripts, each run in a process of its own that need not import torch first."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

_WARM = """
import json, os, runpy, sys
import timm

def run(request):
    os.chdir(request["cwd"])
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    script, *_ = sys.argv = request["command"]
    sys.path.insert(0, os.path.dirname(script))
    runpy.run_path(script, run_name="__main__")

for line in sys.stdin:
    request = json.loads(line)
    child = os.fork()
    if not child:
        run(request)
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class WarmScripts:
    """A process that has imported torch and timm, and nothing of this program; it forks for each
    script. What a script imports is gone with its fork."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _WARM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, script: Path, *arguments: object, cwd: Path) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        assert self._process.stdin
        assert self._process.stdout
        with tempfile.TemporaryDirectory() as space:
            out, err = Path(space) / "out", Path(space) / "err"
            command = [str(script), *map(str, arguments)]
            request = {"command": command, "cwd": str(cwd), "out": str(out), "err": str(err)}
            print(json.dumps(request), file=self._process.stdin, flush=True)
            code = int(self._process.stdout.readline())
            return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")

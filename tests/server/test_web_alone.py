"""`graft web`: the web app alone, as a container or systemd runs it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from running_server import ROOT, free_port, wait_for


def test_it_serves_without_a_worker_says_so_and_logs_json(tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "home"
    variables = {"GRAFT_HOME": str(home), "GRAFT_PORT": str(port), "GRAFT_LOGS": "json"}
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "web"],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=said,
            stderr=said,
        )

    def asked(path: str) -> tuple[int, bytes]:
        assert process.poll() is None, (tmp_path / "said").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    try:
        wait_for(lambda: asked("/healthz") == (200, b"ok"))
        status, answer = asked("/readyz")
        assert (status, list(json.loads(answer)["missing"])) == (503, ["worker"])
        assert b'graft_up{part="queue"} 1.0' in asked("/metrics")[1]
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
    assert code in (0, -signal.SIGTERM)
    told = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]
    assert "uvicorn.error" in {line["logger"] for line in told}
    assert any("Not ready" in line["message"] or line["level"] == "INFO" for line in told)

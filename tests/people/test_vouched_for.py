"""Whoever a proxy names gets one account, however many processes hear of her at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_accounts import home_with_people

from core.people import users

COME = (
    "import json, sys; from core.people.users import add_vouched_for;"
    "print('ready', flush=True); sys.stdin.readline();"
    "print(json.dumps([add_vouched_for(f'Anna {n}', f'proxy:{n}').id for n in range(40)]))"
)


def test_two_processes_that_hear_of_people_at_once_make_each_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home_with_people(tmp_path, monkeypatch, login="proxy"):
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", COME],
                cwd=Path(__file__).parents[2],
                env=os.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for _ in range(3)
        ]
        for process in processes:
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            process.stdin.write(b"\n")
            process.stdin.flush()
        said = [json.loads(process.communicate(timeout=300)[0]) for process in processes]
        assert said[0] == said[1] == said[2]
        assert len(users.list_users()) == 40

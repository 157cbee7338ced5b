"""Every command: its example can be typed, and one more is one more file."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from command_line import run_command

import core.cli as registry
from core.__main__ import _FROM_NOTHING, _parser
from core.backbones.catalogue import get_backbone
from core.dataset.samples import SAMPLES
from core.strategies import get_strategy

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    (name, line) for name, command in registry.commands().items() for line in command.examples
]
FILE = '''
"""`shout-loudly`: a word, louder."""

from argparse import ArgumentParser, Namespace

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.errors import BadInput
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("word")


def _run(chosen: Namespace, _: Settings, terminal: Terminal) -> int:
    if not chosen.word.isalpha():
        raise BadInput("That is no word.")
    terminal.result({"said": chosen.word.upper()}, chosen.word.upper())
    return 0


COMMAND = Command("say a word louder", ("shout-loudly hello",), _run, _add_arguments, order=35)
'''


@pytest.fixture
def dropped(tmp_path, monkeypatch):
    """The folder is on the registry's path while a test lasts."""
    folder = tmp_path / "commands"
    folder.mkdir()
    (folder / "shout_loudly.py").write_text(FILE)
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(folder)])
    registry.commands.cache_clear()
    yield "shout-loudly"
    registry.commands.cache_clear()


def parsed(line: str) -> Namespace:
    return _parser().parse_args(shlex.split(line))


@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_can_be_typed_and_names_what_there_is(name, line):
    chosen = parsed(line)
    assert chosen.command is registry.commands()[name]
    assert line.split()[0] == name
    given = vars(chosen)
    names = {key: (given.get(key) or "").split(",") for key in ("strategies", "backbones")}
    for strategy in filter(None, [given.get("strategy"), *names["strategies"]]):
        get_strategy(strategy)
    for backbone in filter(None, [given.get("backbone"), *names["backbones"]]):
        get_backbone(backbone)
    if name == "samples":
        assert given["name"] in {None, *SAMPLES}


def test_an_option_in_an_example_of_train_is_one_of_its_strategy():
    from core.cli.train import parsed_settings, recipe_with

    for line in registry.commands()["train"].examples:
        chosen = parsed(line)
        options = parsed_settings(chosen.set)
        recipe_with(
            {"backbone": chosen.backbone, "strategy": chosen.strategy, "options": options}, "0" * 16
        )


def test_every_command_has_an_example_and_shows_it(capsys):
    for name, command in registry.commands().items():
        assert command.examples
        with pytest.raises(SystemExit):
            parsed(f"{name} --help")
        shown = capsys.readouterr().out
        assert all(line in shown for line in command.examples)


def test_the_commands_of_the_readme_can_be_typed():
    block = README.split("## The command line")[1].split("```")[1]
    lines = [line.removeprefix("python -m core ") for line in block.strip().splitlines()]
    assert len(lines) > 5
    for line in [*lines, *_FROM_NOTHING]:
        assert parsed(line).command


def test_an_earlier_name_still_works():
    for now, earlier in (("sweep", "tournament"), ("pretraining-analysis", "outlook")):
        command = registry.commands()[now]
        assert command.earlier_names == (earlier,)
        assert parsed(command.examples[0].replace(now, earlier, 1)).command is command


def test_without_the_file_it_is_no_command(capsys):
    with pytest.raises(SystemExit) as ended:
        parsed("shout-loudly hello")
    assert ended.value.code == 2
    assert "invalid choice: 'shout-loudly'" in capsys.readouterr().err


def test_a_command_that_is_dropped_in_is_listed_and_run(dropped, tmp_path, capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    shown = capsys.readouterr().out
    assert shown.index("\n    train ") < shown.index(f"\n    {dropped} ")
    assert shown.index(f"\n    {dropped} ") < shown.index("\n    predict ")
    assert run_command(tmp_path, dropped, "hello") == (0, "HELLO\n", "")
    code, out, _ = run_command(tmp_path, dropped, "hello", "--json")
    assert (code, json.loads(out)) == (0, {"said": "HELLO"})
    assert run_command(tmp_path, dropped, "1") == (2, "", "That is no word.\n")


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from core.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed, loaded = done.stdout.rsplit("\n", 2)[:2]
    assert "evaluate" in listed
    heavy = {"torch", "timm", "openvino", "sklearn", "scipy", "skimage", "sqlalchemy", "streamlit"}
    assert heavy & set(loaded.split()) == set()


@pytest.mark.skipif(not shutil.which("make"), reason="make is missing")
def test_make_installs_it_as_a_program_that_works_from_any_folder(tmp_path):
    place, other = tmp_path / "a place", tmp_path / "other"
    (place / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "graft.py"):
        shutil.copy(ROOT / name, place)
    (place / "core").symlink_to(ROOT / "core")
    (place / "requirements.lock").touch()
    (place / ".venv" / ".ready").touch()
    python = place / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    subprocess.run(["make", ".venv/bin/graft"], cwd=place, check=True)
    place = place.rename(tmp_path / "another place")
    (other / "core").mkdir(parents=True)  # what lies in the folder is none of its modules
    (other / "core" / "__init__.py").write_text("raise SystemExit('hostile')")
    (other / "graft").symlink_to(place / ".venv" / "bin" / "graft")

    def graft(*arguments):
        return subprocess.run(
            ["./graft", *arguments],
            cwd=other,
            env=os.environ | {"GRAFT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
        )

    shown = graft("train", "--help")
    assert shown.stdout.startswith("usage: graft train"), shown.stderr
    assert "\n  graft train images --out run\n" in shown.stdout
    done = graft("samples", "surfaces")
    assert (done.returncode, done.stdout) == (2, "")
    assert "graft samples surfaces DIR" in done.stderr

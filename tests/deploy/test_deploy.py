"""What deploy/ names exists: commands, arguments, variables, files; the units are sound."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.__main__ import _parser
from core.settings import Settings
from core.web.routes import routes

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = ("web", "worker")
KNOWN = {f"GRAFT_{name.upper()}" for name in Settings.model_fields}
OF_DEPLOY = {"GRAFT_NAME", "GRAFT_PASSWORD"}
"""Read by deploy/ itself, never by Graft."""


def unit(path: Path) -> dict[str, list[str]]:
    """Each key with its values."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_every_variable_that_is_named_is_a_setting() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    files.append(ROOT / "docs" / "operations.md")
    named = {
        (path.name, name)
        for path in files
        for name in re.findall(r"\bGRAFT_[A-Z_]+\b", path.read_text(encoding="utf-8"))
        if name not in KNOWN | OF_DEPLOY
    }
    assert named == set()


@pytest.mark.parametrize("name", OURS)
def test_the_services_run_commands_that_there_are(name: str) -> None:
    assert _parser().parse_args(COMPOSE["services"][name]["command"]).command


@pytest.mark.parametrize("name", OURS)
def test_the_services_have_a_read_only_root_and_no_rights(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["volumes"] == ["home:/data"]


def test_nothing_but_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == [
        "caddy"
    ]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["services"]["postgres"]["networks"] == ["inside"]


def test_every_volume_network_and_file_of_the_services_is_there() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
        for source in (mount.split(":")[0] for mount in service.get("volumes", [])):
            assert (DEPLOY / source).is_file() if "/" in source else source in COMPOSE["volumes"]
    build = COMPOSE["services"]["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_what_must_be_set_stands_in_the_example_and_no_password_is_given() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    given = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)", text)) == given.keys()
    assert given["POSTGRES_PASSWORD"] == ""


def test_the_image_copies_what_there_is_and_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert [source for source in copied if f"!{source}" not in ignored] == []
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001:10001"]


def test_what_is_probed_is_a_route() -> None:
    paths = {route.path for route in routes(Settings())}
    probed = re.findall(r"http://127.0.0.1:8501(/\w+)", (DEPLOY / "Dockerfile").read_text())
    probed += re.findall(r"@inside path (.+)", (DEPLOY / "Caddyfile").read_text())[0].split()
    assert set(probed) <= paths


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_there_is_as_another_user_in_few_places(path: Path) -> None:
    said = unit(path)
    (command,) = said["ExecStart"]
    python, m, core, *arguments = shlex.split(command)
    assert (python, m, core) == ("/opt/graft/.venv/bin/python", "-m", "core")
    assert _parser().parse_args(arguments).command
    assert said["User"] == ["graft"]
    assert said["ProtectSystem"] == ["strict"]
    assert said["NoNewPrivileges"] == ["yes"]
    assert said["UMask"] == ["0077"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is missing")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    files = sorted((DEPLOY / "systemd").iterdir())
    for file in files:
        text = file.read_text(encoding="utf-8").replace(
            "/opt/graft/.venv/bin/python", sys.executable
        )
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / file.name) for file in files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "Caddyfile"])
def test_what_could_not_be_tried_is_said(name: str) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    tried = page.split("## What was tried")[1]
    assert f"`deploy/{name}`" in tried


def test_the_commands_of_the_page_can_be_typed() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    typed = re.findall(r"^(?:sudo -u graft )?graft (.+)$", page, re.MULTILINE)
    assert len(typed) > 4
    for line in typed:
        assert _parser().parse_args(shlex.split(line, comments=True)).command

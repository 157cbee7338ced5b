"""Are vulnerabilities known of what the lock names? 1 where there are; 0 where none is known, or
where no index answers, which is said. Run by `make lint`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements-dev.lock"
NOT_AUDITED = "not audited: no index answered\n"


def audited(lock: Path) -> list[dict[str, Any]] | None:
    """What pip-audit says of each package in the file; None where it got no answer."""
    with tempfile.TemporaryDirectory() as space:
        found = Path(space) / "found.json"
        command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"]
        command += ["--progress-spinner", "off", "--timeout", "10", "--format", "json"]
        command += ["--output", str(found), "--requirement", str(lock)]
        done = subprocess.run(command, capture_output=True, text=True)
        if found.exists():
            told: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))[
                "dependencies"
            ]
            return told
    if "ConnectionError" in done.stderr or "ServiceError" in done.stderr:
        return None
    raise SystemExit(done.stderr)


def first_of(lock: Path) -> str:
    """The first package of a lock, with its hashes."""
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    ends = next(place for place, line in enumerate(lines) if not line.rstrip().endswith("\\"))
    return "".join(lines[: ends + 1])


def main(lock: Path = LOCK) -> int:
    """The exit status."""
    with tempfile.TemporaryDirectory() as space:
        one = Path(space) / "one.txt"
        one.write_text(first_of(lock), encoding="utf-8")
        answer = audited(one)
    # A mirror without the index's interface knows no package: that is no answer either.
    if not answer or "skip_reason" in answer[0] or (every := audited(lock)) is None:
        sys.stdout.write(NOT_AUDITED)
        return 0
    for package in every:
        for known in package.get("vulns", ()):
            fixed = ", ".join(known["fix_versions"]) or "none yet"
            sys.stdout.write(
                f"{package['name']} {package['version']}: {known['id']} (fixed in: {fixed})\n"
            )
    skipped = [package["name"] for package in every if "skip_reason" in package]
    if skipped:
        sys.stdout.write(f"not audited, for the index does not know them: {', '.join(skipped)}\n")
    return int(any(package.get("vulns") for package in every))


if __name__ == "__main__":
    sys.exit(main())

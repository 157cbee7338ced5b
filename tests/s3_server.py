"""A real server of the S3 kind, for tests and benchmarks alone."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from running_server import free_port, wait_for


@contextmanager
def s3_server() -> Iterator[str]:
    """Start one that holds nothing; gives its address once it answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answers(address))
        yield address
    finally:
        server.kill()
        server.wait()


def make_bucket(address: str, name: str) -> None:
    """Make an empty one."""
    asked = urllib.request.Request(f"{address}/{name}", method="PUT")
    urllib.request.urlopen(asked, timeout=30).close()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        return False
    return True

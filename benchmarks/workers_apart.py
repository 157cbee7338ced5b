"""The same as `workers`, but two of the four workers have homes of their own, and share files with
the other two by a bucket (moto's S3 server) and PostgreSQL. `make bench ARGS=workers_apart`."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.workers import Env, measured, postgresql

_BUCKET = "graft-bench"
_PATIENCE = 120


def main() -> dict[str, Any]:
    """How many jobs were done, done twice and lost; seconds of latency."""
    with postgresql() as (place, url), _s3() as address:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE projects")
        os.environ |= {
            "GRAFT_HOME": str(place / "home"),
            "GRAFT_QUEUE_URL": url,
            "GRAFT_DATABASE_URL": url.replace("/postgres?", "/projects?"),
            "GRAFT_STORE": f"s3://{_BUCKET}/graft",
            "GRAFT_MACHINE": "a",
            "GRAFT_CPU_SLOTS": "2",
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
        }
        apart: list[Env] = []
        for name in ("b", "c"):
            (place / name).mkdir()
            home = str(place / name)
            apart.append({"GRAFT_HOME": home, "GRAFT_MACHINE": name, "GRAFT_CPU_SLOTS": "1"})
        return {**measured([{}, {}, *apart]), "apart": len(apart)}


@contextlib.contextmanager
def _s3() -> Iterator[str]:
    """The address of an S3 server with one empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _made(f"{address}/{_BUCKET}"):
            if time.monotonic() > deadline:
                raise TimeoutError("the S3 server does not answer")
            time.sleep(0.2)
        yield address
    finally:
        server.kill()
        server.wait()


def _made(bucket: str) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(bucket, method="PUT"), timeout=30).close()
    except OSError:
        return False
    return True

"""The same as `workers`, but two of the four workers have homes of their own, and share files with
the other two by a bucket (moto's S3 server) and PostgreSQL. `make bench ARGS=workers_apart`."""

import os
import sys
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.workers import Env, measured, postgresql

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from s3_server import make_bucket, s3_server

_BUCKET = "graft-bench"


def main() -> dict[str, Any]:
    """How many jobs were done, done twice and lost; seconds of latency."""
    with postgresql() as (place, url), s3_server() as address:
        make_bucket(address, _BUCKET)
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

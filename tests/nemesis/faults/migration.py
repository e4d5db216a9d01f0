"""`python -m migrations` ended by kill -9 at a random moment, and run again."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg

from tests.conftest import migrate
from tests.migrations import schema
from tests.nemesis.run import Fault, NotFired, Run


def kill_migration(run: Run) -> None:
    """Up to three times, then once to its end: the schema is the one that a whole run makes."""
    server, name = run.world.postgres, f"migrated_{run.seed}"
    url = server.create_database(name)
    variables = os.environ | {"PATCHSWAP_DATABASE_URL": url}
    killed, left = 0, set()
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "migrations"], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(run.rng.uniform(0.3, 2.5))
        killed += process.poll() is None
        process.kill()
        process.wait()
        left.add(len(_read(server.conninfo(name)).tables))
    migrate(url)
    whole, made = _read(server.conninfo("patchswap")), _read(server.conninfo(name))
    same = {k: v for k, v in whole.columns.items() if k[0] in made.tables} == made.columns
    run.demand(same and whole.tables - {"nemesis_audit"} == made.tables, "the schema is another than a whole run makes")
    if not killed:
        raise NotFired("the migrations were done before")
    run.fired(f"{killed} times kill -9; tables left after them: {sorted(left)}")


def _read(conninfo: str) -> schema.Schema:
    with psycopg.connect(conninfo) as connection:
        return schema.read(connection)


FAULTS = [Fault("F41", "migrations killed on an empty database", kill_migration)]

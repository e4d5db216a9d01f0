"""`python -m migrations`, ended by kill -9 at any moment, can be run again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import psycopg
import pytest

from tests.conftest import migrate
from tests.migrations import schema
from tests.servers.postgres import PostgresServer

LONGEST_SECONDS = 0.6  # all migrations on an empty database take less


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_migration_is_taken_up_again(postgres_server: PostgresServer, postgres_url: str, kills: int):
    with psycopg.connect(postgres_server.conninfo("patchswap")) as connection:
        whole = schema.read(connection)
    chance, left = random.Random(kills), set()
    for number in range(kills):
        name = f"killed_{number}_{os.urandom(4).hex()}"
        url = postgres_server.create_database(name)
        left.add(_kill_midway(postgres_server, name, url, chance.uniform(0, LONGEST_SECONDS)))
        migrate(url)
        with psycopg.connect(postgres_server.conninfo(name)) as connection:
            assert schema.read(connection) == whole
    if kills > 1:
        assert len(left) > 1, "every kill came when all was done"
    print(f"{kills} killed, at revisions {sorted(map(str, left))}; all complete after another run")


def _kill_midway(server: PostgresServer, name: str, url: str, delay: float) -> str | None:
    """Gives the revision that was reached, None for none."""
    variables = {
        **os.environ,
        "PATCHSWAP_DATABASE_URL": url,
        "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0",
        "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
    }
    process = subprocess.Popen([sys.executable, "-m", "migrations"], env=variables, stderr=subprocess.DEVNULL)
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while connection.execute(connected, [name]).fetchone() == (0,):
            assert process.poll() is None
            time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.wait()
    with psycopg.connect(server.conninfo(name)) as connection:
        if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None

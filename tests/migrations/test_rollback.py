"""`python -m migrations` of an older image, on a database that a newer one has upgraded."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from core.database import schema_version
from tests.conftest import migrate
from tests.migrations import schema
from tests.servers.postgres import PostgresServer


@pytest.fixture
def upgraded(postgres_server: PostgresServer) -> str:
    """A database at this release's schema; its name."""
    name = f"rollback_{os.urandom(4).hex()}"
    migrate(postgres_server.create_database(name))
    return name


def later_release(server: PostgresServer, name: str, revision: str) -> None:
    """What its migration would do: expand, and leave its number."""
    with psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN later integer")
        connection.execute("CREATE TABLE laters (id text PRIMARY KEY)")
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])


def run(server: PostgresServer, name: str) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        "PATCHSWAP_DATABASE_URL": server.url(name),
        "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0",
        "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
    }
    command = [sys.executable, "-m", "migrations"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=variables)


def test_newer_schema_is_accepted_and_left_as_it_is(postgres_server: PostgresServer, upgraded: str):
    revision = f"{int(schema_version.newest()) + 1:04d}"
    later_release(postgres_server, upgraded, revision)
    with psycopg.connect(postgres_server.conninfo(upgraded)) as connection:
        before = schema.read(connection)
    done = run(postgres_server, upgraded)
    assert done.returncode == 0, done.stderr
    assert f"schema {revision} is newer than this release's {schema_version.newest()}; it stays" in done.stderr
    with psycopg.connect(postgres_server.conninfo(upgraded)) as connection:
        assert schema.read(connection) == before
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)


def test_schema_of_something_else_is_refused(postgres_server: PostgresServer, upgraded: str):
    later_release(postgres_server, upgraded, "1975ea83b712")
    done = run(postgres_server, upgraded)
    assert done.returncode == 1
    assert done.stderr == "schema '1975ea83b712' is of no release of patchswap; check PATCHSWAP_DATABASE_URL\n"


@pytest.mark.parametrize(("version", "standing"), [(None, "empty"), ("0001", "older"), ("x", "unknown")])
def test_how_a_revision_stands(version: str | None, standing: str):
    assert schema_version.standing(version) == standing
    assert schema_version.standing(schema_version.newest()) == "current"

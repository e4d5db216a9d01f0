"""The servers and the settings that tests ask for by name; a server starts when the first test asks for it.

With pytest-xdist each worker process has its own servers. Folders of data live in /tmp, for the 107 bytes of a socket's
path, and are removed at the end.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before numpy or torch load: two test processes with two threads each fight over two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import psycopg
import pytest
import redis
from psycopg import sql

from core.database import database as sessions
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.swift import SwiftServer

# A busy machine is not a failing property.
hypothesis.settings.register_profile("patchswap", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("patchswap")


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A short path for the servers' data."""
    with tempfile.TemporaryDirectory(prefix="patchswap-tests-") as folder:
        yield Path(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for a service's data. Not below `tmp_path`: any pytest that starts closes that to other accounts."""
    with tempfile.TemporaryDirectory(prefix="patchswap-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(servers_folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """A database of this test process, brought to the newest schema by `python -m migrations`."""
    url = postgres_server.create_database("patchswap")
    migrate(url)
    return url


@pytest.fixture(scope="session")
def redis_server(servers_folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(servers_folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A Redis with nothing in it."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def swift_server(servers_folder: Path) -> Iterator[SwiftServer]:
    folder = servers_folder / "swift"
    folder.mkdir()
    server = SwiftServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def objects_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty object store: a local folder, or Swift's S3 api.

    Both: `@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)`.
    """
    if getattr(request, "param", "local") == "local":
        (tmp_path / "objects").mkdir()
        return f"file://{tmp_path / 'objects'}"
    server: SwiftServer = request.getfixturevalue("swift_server")
    for name, value in server.access.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{os.urandom(6).hex()}"
    server.create_bucket(bucket)
    return f"s3://{bucket}/tests"


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_url: str, redis_url: str, objects_url: str
) -> Iterator[dict[str, str]]:
    """The PATCHSWAP_ variables of this test, set in this process and inherited by those it starts."""
    variables = {
        "PATCHSWAP_DATABASE_URL": postgres_url,
        "PATCHSWAP_REDIS_URL": redis_url,
        "PATCHSWAP_OBJECTS_URL": objects_url,
        "PATCHSWAP_SCRATCH_DIR": str(tmp_path / "scratch"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    yield {name: value for name, value in os.environ.items() if name.startswith("PATCHSWAP_")}
    forget_settings()


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings as production has them, of a service whose servers nobody needs to start."""
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("PATCHSWAP_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("PATCHSWAP_OBJECTS_URL", "file:///nonexistent")
    forget_settings()
    yield
    forget_settings()


@pytest.fixture
def private(strict: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, and webhooks may lie on this machine."""
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_ALLOW_PRIVATE", "true")
    forget_settings()


@pytest.fixture
def database(environment: dict[str, str], postgres_server: PostgresServer) -> str:
    """The url of the database, its tables empty; `core.database.database` in this process points at it."""
    with psycopg.connect(postgres_server.conninfo("patchswap"), autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")
        connection.execute("SET session_replication_role = replica")  # the audit log refuses to be emptied
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in tables)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
    return environment["PATCHSWAP_DATABASE_URL"]


@pytest.fixture
def fresh_engines(database: str) -> Iterator[None]:
    """Connections that are made by the settings of this test, which tests elsewhere do not see."""

    def forget() -> None:
        for cached in (sessions._engine, sessions._session_factory):
            cached.cache_clear()

    forget()
    yield
    forget()


def migrate(database_url: str) -> None:
    """Runs `python -m migrations` on a database, as every deployment does."""
    command = [sys.executable, "-m", "migrations"]
    variables = {
        **os.environ,
        "PATCHSWAP_DATABASE_URL": database_url,
        "PATCHSWAP_REDIS_URL": "redis://127.0.0.1:1/0",  # a migration touches neither of the two
        "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
    }
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    if done.returncode != 0:
        raise RuntimeError(f"python -m migrations failed:\n{done.stdout}{done.stderr}")


def forget_settings() -> None:
    """Empties what `core` keeps for the life of a process, but the engine: its database is the same all along."""
    keep = {"_engine", "_session_factory"}
    for module in [module for name, module in sys.modules.items() if name.split(".")[0] == "core"]:
        for name, value in list(vars(module).items()):
            if isinstance(value, functools._lru_cache_wrapper) and name not in keep:
                value.cache_clear()

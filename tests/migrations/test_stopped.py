"""A migration that stops holds up the next one for half a minute, and the tables no longer either."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg
import pytest

from tests.conftest import forget_settings, migrate
from tests.servers.stopping import IN_MIGRATION, Stopping

IDLE_SECONDS = 30  # of migrations/env.py


@pytest.mark.slow
def test_migration_is_run_though_another_one_stopped_before_its_commit(postgres_server, environment, monkeypatch):
    name = f"stopped_{os.urandom(4).hex()}"
    url = postgres_server.create_database(name)
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", url)
    forget_settings()
    with Stopping(IN_MIGRATION) as at:
        process = subprocess.Popen([sys.executable, "-m", "migrations"], env={**os.environ, **at.variables})
        try:
            at.wait(process.pid)
            begun = time.monotonic()
            migrate(url)
            assert time.monotonic() - begun < IDLE_SECONDS + 30  # a busy machine migrates slowly
        finally:
            process.kill()
            process.wait()
    with psycopg.connect(postgres_server.conninfo(name)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)

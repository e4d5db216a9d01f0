"""What an earlier life of a data directory left running is found and ended; nothing else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from patchswap.local.embedded import accounts, layout, leftovers
from patchswap.local.embedded.layout import Layout
from tests.servers import processes
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def places(tmp_path: Path) -> Layout:
    return layout.prepare(tmp_path / "data")


def started(places: Layout | None) -> subprocess.Popen:
    mark = {leftovers.MARK: str(places.root)} if places else {}
    return subprocess.Popen(SLEEPER, env={**os.environ, **mark}, start_new_session=True)


def test_marked_processes_end_and_others_live_on(places: Layout, tmp_path: Path):
    ours, other, plain = started(places), started(layout.prepare(tmp_path / "other")), started(None)
    try:
        leftovers.end_all(places)
        assert ours.poll() is not None
        assert other.poll() is None
        assert plain.poll() is None
    finally:
        for process in (other, plain):
            process.kill()
            process.wait()


def test_a_postgres_left_running_is_shut_down_in_order(data_dir: Path):
    places = layout.prepare(data_dir)
    server = PostgresServer(data_dir)
    server.start()
    leftovers.end_all(places)
    assert "database system is shut down" in (data_dir / "postgres.log").read_text()
    assert not (places.cluster / "postmaster.pid").exists()


def test_a_redis_left_running_is_shut_down_in_order(data_dir: Path):
    places = layout.prepare(data_dir)
    places.redis.rmdir()
    server = RedisServer(data_dir)
    server.start()
    leftovers.end_all(places)
    assert "Redis is now ready to exit, bye bye" in (data_dir / "redis.log").read_text()


def test_a_pid_file_that_names_a_stranger_is_removed(data_dir: Path):
    """After a power cut process ids begin again, and Postgres would take its own account's process for itself."""
    places = layout.prepare(data_dir)
    server = PostgresServer(data_dir)
    stranger = processes.start(["sleep", "600"], log=data_dir / "log", account=accounts.postgres_account())
    (places.cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{places.cluster}\n")
    leftovers.end_all(places)
    server.start()
    server.stop()
    assert stranger.poll() is None
    processes.end(stranger, signal.SIGKILL)

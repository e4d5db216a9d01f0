"""The examination of a deployment: sound where it is sound, and each fault by its own name with its remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from core import doctor
from core.database.database import engine, server_options, transaction
from core.jobs import ledger
from core.settings import settings
from patchswap.local.embedded import postgres as bundled
from tests.conftest import forget_settings
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.worker import seed


def examine(*flags: str) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", "core.doctor", *flags]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    return done.returncode, done.stdout


def wrong() -> dict[str, str]:
    """What is wrong but for the workers, of which there are none here."""
    return {f.name: f"{f.detail} {f.remedy}" for f in doctor.examine() if not f.ok and f.name != "workers"}


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_sound_deployment_ends_0_and_one_without_a_worker_ends_1(start_worker):
    start_worker("train")
    start_worker("short")
    status, said = examine("--json")
    assert {finding["name"] for finding in json.loads(said) if not finding["ok"]} == set(), said
    assert status == 0
    assert next(f["detail"] for f in json.loads(said) if f["name"] == "workers") == "1 on short, 1 on train"


def test_missing_worker_is_named_with_its_command(start_worker):
    start_worker("train")
    status, said = examine()
    assert status == 1
    (line,) = [line for line in said.splitlines() if line.startswith("WRONG")]
    assert "No worker answers on short." in line
    assert "python -m worker short" in line


def test_missing_settings_are_named(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("PATCHSWAP_")]:
        monkeypatch.delenv(name)
    status, said = examine()
    assert status == 1
    assert "PATCHSWAP_DATABASE_URL, PATCHSWAP_REDIS_URL, PATCHSWAP_OBJECTS_URL" in said


def test_redis_that_forgets_or_evicts_is_wrong(database: str, redis_url: str):
    assert wrong() == {}
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = wrong()
        finally:
            client.config_set("appendonly", "yes")
            client.config_set("maxmemory-policy", "noeviction")
    assert set(found) == {"persistence", "eviction"}
    assert "allkeys-lru" in found["eviction"]
    assert "appendonly yes" in found["persistence"]


def test_redis_that_is_away_is_wrong_and_its_password_is_not_told(database: str, redis_server: RedisServer):
    redis_server.stop()
    try:
        found = {finding.name: finding for finding in doctor.examine() if not finding.ok}
    finally:
        redis_server.start()
    assert set(found) == {"broker", "persistence", "eviction", "workers"}
    assert "PATCHSWAP_REDIS_URL" in found["broker"].remedy
    assert "only-for-tests" not in str(found)


def test_database_that_is_away_is_wrong(database: str, postgres_server: PostgresServer):
    postgres_server.kill()
    try:
        found = wrong()
    finally:
        postgres_server.start()
        engine().dispose()
    assert set(found) == {"database", "schema", "clock", "sweeper"}


def test_server_that_cannot_cut_off_who_stopped_is_wrong_and_refused(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bundled, "MAJOR_VERSION", "")  # the older of the two in the wheel, 16
    with tempfile.TemporaryDirectory(prefix="patchswap-tests-") as folder:
        server = PostgresServer(Path(folder))
        server.start()
        try:
            monkeypatch.setenv("PATCHSWAP_DATABASE_URL", server.create_database("patchswap"))
            forget_settings()
            found = wrong()
            with pytest.raises(OperationalError, match="transaction_timeout"):
                create_engine(settings().database_url, connect_args={"options": server_options("work")}).connect()
        finally:
            server.stop()
    assert found["database"].startswith("Postgres 16.")
    assert "Use Postgres 17 or newer" in found["database"]


def test_database_of_another_release_is_wrong(database: str):
    with transaction() as session:
        newest = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        found = wrong()
    finally:
        with transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    assert set(found) == {"schema"}
    assert f"The schema is 0001, this release needs {newest}. Run `python -m migrations`." in found["schema"]


def test_schema_of_a_later_release_can_be_served(database: str):
    """As after a rollback: that release's migrations only expanded."""
    with transaction() as session:
        newest = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        session.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    try:
        (found,) = [finding for finding in doctor.examine() if finding.name == "schema"]
    finally:
        with transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": newest})
    assert found.ok
    assert f"at 9000, of a later release than this one, whose newest is {newest}" in found.detail


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_the_disk_that_counts_is_the_workers_and_not_the_examiners(
    start_worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In the api's container the scratch folder is a few MB of memory, or nothing."""
    start_worker("short")
    monkeypatch.setenv("PATCHSWAP_SCRATCH_DIR", "/proc/none")
    _, said = examine("--json")
    (disk,) = [finding for finding in json.loads(said) if finding["name"] == "disk"]
    assert disk["ok"]
    assert f" free at {tmp_path / 'worker-0'} of short-" in disk["detail"]


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_disk_is_unknown_where_no_worker_answers(database: str):
    assert "No worker reports its free disk space. Start a worker" in wrong()["disk"]


def test_clock_that_is_off_is_wrong(database: str, monkeypatch: pytest.MonkeyPatch):
    real = time.time
    monkeypatch.setattr(doctor.time, "time", lambda: real() + 60)
    assert "-60." in wrong()["clock"]


def test_store_that_cannot_be_written_is_wrong(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_OBJECTS_URL", "file:///proc/none")
    forget_settings()
    assert "PATCHSWAP_OBJECTS_URL" in wrong()["objects"]


def test_full_disk_is_wrong(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    assert "0.0 GiB are free" in wrong()["disk"]


def test_sweeper_that_sleeps_is_wrong(version):
    job = seed.job(version)
    with transaction() as session:
        ledger.claim(session, job.id, "worker-1")
        session.execute(text("UPDATE jobs SET lease_expires_at = now() - interval '1 hour'"))
    assert "1 leases expired long ago" in wrong()["sweeper"]

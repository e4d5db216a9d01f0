"""Connections whose packets are lost without a word: each end notices by itself, and lets go of what it held."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import redis

from tests.servers.namespace import Namespace, Way, may_be_made
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.worker.processes import wait_for

ROOT = Path(__file__).parents[2]
# Postgres and its clients 20 s, or 15 s where bytes are unanswered; Redis 30 s; the rest is a busy machine.
NOTICED_SECONDS = 50.0
# One session that is idle, one that holds a lock and sleeps in the server, one that waits for a message.
CLIENT = r"""
import sys
import threading
from sqlalchemy import text
from core import queue
from core.database.database import engine

def wait(name, work):
    try:
        work()
    except Exception as error:
        sys.stderr.write(f"{name} noticed {type(error).__name__}\n")

def hold():
    with engine("search").begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
        connection.execute(text("SELECT pg_sleep(25)"))
        connection.execute(text("SELECT 1"))

def listen():
    app = queue.celery_app(patience_seconds=120)
    with app.connection_for_read() as bell:
        client = bell.default_channel.client
        client.brpop(["patchswap:train"], timeout=0)

idle = engine("work").connect()
idle.execute(text("SELECT 1"))
threads = [threading.Thread(target=wait, args=each) for each in (("hold", hold), ("listen", listen))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.fixture(scope="module")
def apart() -> Iterator[SimpleNamespace]:
    """Two servers that a network of its own reaches under an address each."""
    if not may_be_made():
        pytest.skip("a network of its own needs Linux, root and iproute2")
    network = Namespace("halfopen", addresses=2)
    with tempfile.TemporaryDirectory(prefix="patchswap-tests-") as folder:
        postgres = PostgresServer(Path(folder), also=network.addresses[:1])
        broker = RedisServer(Path(folder), also=network.addresses[1:])
        try:
            postgres.start()
            broker.start()
            yield SimpleNamespace(network=network, postgres=postgres, redis=broker, folder=Path(folder))
        finally:
            broker.stop()
            postgres.stop()
            network.close()


@pytest.mark.parametrize("way", [*(pytest.param(way, marks=pytest.mark.slow) for way in ("there", "back")), "both"])
def test_both_ends_let_go_of_a_connection_whose_packets_are_lost(apart, way: Way):
    network, log = apart.network, apart.folder / f"{way}.log"
    at_postgres, at_redis = network.addresses
    variables = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATCHSWAP_DATABASE_URL": f"postgresql+psycopg://postgres@{at_postgres}:{apart.postgres.port}/postgres",
        "PATCHSWAP_REDIS_URL": apart.redis.url.replace("127.0.0.1", at_redis),
        "PATCHSWAP_OBJECTS_URL": "file:///nonexistent",
    }
    command = [*network.command, sys.executable, "-c", CLIENT]
    with log.open("wb") as output:
        client = subprocess.Popen(command, env=variables, stdout=output, stderr=output)
    try:
        wait_for(lambda: len(sessions(apart)) == 2 and len(listeners(apart)) == 1, seconds=30)
        for address in network.addresses:
            network.lose(address, way)
        lost_at = time.monotonic()
        wait_for(lambda: not sessions(apart) and not listeners(apart), seconds=NOTICED_SECONDS)
        assert free(apart)
        wait_for(lambda: log.read_text().count("noticed") == 2, seconds=lost_at + NOTICED_SECONDS - time.monotonic())
    finally:
        client.kill()
        client.wait()
        for address in network.addresses:
            network.find(address)


def sessions(apart) -> list[int]:
    with psycopg.connect(apart.postgres.conninfo("postgres"), autocommit=True) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'patchswap'")
        return [pid for (pid,) in rows]


def free(apart) -> bool:
    with psycopg.connect(apart.postgres.conninfo("postgres"), autocommit=True) as connection:
        (taken,) = connection.execute("SELECT pg_try_advisory_lock(7)").fetchone() or (False,)
        return bool(taken)


def listeners(apart) -> list[dict[str, str]]:
    with redis.Redis.from_url(apart.redis.url) as client:
        return [each for each in client.client_list() if each["cmd"] == "brpop"]

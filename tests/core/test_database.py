"""What sessions ask of both ends of their connection: an end to what takes too long, and to who is not there."""

from __future__ import annotations

import socket
from typing import get_args

import pytest
import redis
from sqlalchemy import text

from core import queue
from core.database.database import Kind, engine, longest_seconds
from tests.conftest import forget_settings

TERMS = {socket.TCP_KEEPIDLE: 10, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2, socket.TCP_USER_TIMEOUT: 15_000}


def of_this_end(descriptor: int) -> dict[int, int]:
    peer = socket.socket(fileno=descriptor)
    try:
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        return {term: peer.getsockopt(socket.IPPROTO_TCP, term) for term in TERMS}
    finally:
        peer.detach()


@pytest.mark.parametrize("kind", get_args(Kind))
def test_session_ends_with_its_time_or_with_its_peer(database, fresh_engines, kind: Kind):
    with engine(kind).connect() as connection:
        rows = connection.execute(text("SELECT name, setting FROM pg_settings WHERE source = 'client'"))  # by its wish
        told = {row.name: row.setting for row in rows}
        asked = {"idle": "10", "interval": "5", "count": "2"}
        assert {f"tcp_keepalives_{name}": value for name, value in asked.items()}.items() <= told.items()
        assert told["tcp_user_timeout"] == "15000"
        assert told["transaction_timeout"] == f"{longest_seconds(kind) * 1000:.0f}"
        assert connection.execute(text("SHOW tcp_keepalives_interval")).scalar_one() == "5"  # of the server's socket
        assert of_this_end(connection.connection.driver_connection.pgconn.socket) == TERMS


def test_stopped_worker_is_cut_off_before_its_lease_is_over_whatever_the_lease(monkeypatch, database):
    for lease in ("2", "6", "60", "600"):
        monkeypatch.setenv("PATCHSWAP_LEASE_SECONDS", lease)
        forget_settings()
        assert longest_seconds("work") <= min(15, float(lease) / 2)


def test_redis_is_asked_whether_it_is_there_and_asks_too(environment, redis_url: str):
    queue.broker().ping()
    (connection,) = queue.broker().connection_pool._available_connections
    assert of_this_end(connection._sock.fileno()) == TERMS
    with queue.celery_app().connection_for_write() as bell:
        client = bell.default_channel.client
        client.ping()
        (connection,) = client.connection_pool._available_connections
        assert of_this_end(connection._sock.fileno()) == TERMS
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("tcp-keepalive") == {"tcp-keepalive": "15"}

"""The test servers are real and keep what they were given over a crash."""

from __future__ import annotations

import obstore
import psycopg
import pytest
import redis
from obstore.store import S3Store

from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.swift import SwiftServer


@pytest.fixture
def own_postgres(data_dir):
    server = PostgresServer(data_dir)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(data_dir):
    server = RedisServer(data_dir)
    server.start()
    yield server
    server.stop()


def test_postgres_keeps_commits_over_kill_9(own_postgres: PostgresServer):
    with psycopg.connect(own_postgres.conninfo("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.restart()
    with psycopg.connect(own_postgres.conninfo("postgres")) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_redis_keeps_messages_over_stop_and_wants_a_password(own_redis: RedisServer):
    with redis.Redis.from_url(own_redis.url) as client:
        client.rpush("queue", "job")
    own_redis.stop()
    own_redis.start()
    with redis.Redis.from_url(own_redis.url) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=own_redis.port).ping()


def test_swift_gives_back_what_was_put_over_s3(swift_server: SwiftServer):
    swift_server.create_bucket("bucket-of-test")
    access = swift_server.access
    store = S3Store(
        "bucket-of-test",
        endpoint=access.endpoint,
        region=access.region,
        access_key_id=access.access_key_id,
        secret_access_key=access.secret_access_key,
        client_options={"allow_http": True},
    )
    obstore.put(store, "folder/object", b"bytes")
    assert bytes(obstore.get(store, "folder/object").bytes()) == b"bytes"

"""Who waits for a connection: a burst is served, and where nothing moves everybody is refused soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.database.database import engine
from core.database.pool import CONNECTIONS, STILL_SECONDS


@pytest.fixture
def emptied(database) -> Iterator[None]:
    """The server of the tests has not many connections to give."""
    engine().dispose()
    yield
    engine().dispose()


@pytest.fixture
def taken(emptied) -> Iterator[Callable[[], None]]:
    """All connections are; gives what returns one."""
    with ExitStack() as stack:
        connections = [stack.enter_context(engine().connect()) for _ in range(CONNECTIONS)]
        yield lambda: connections.pop().close()


def refusal_seconds(*_: int) -> float:
    asked_at = time.monotonic()
    with pytest.raises(PoolTimeout):
        engine().connect()
    return time.monotonic() - asked_at


def test_burst_that_moves_is_served_however_long_its_last_ones_wait(emptied):
    """Five times as many as there are connections: the last ones wait longer than anybody may where nothing moves."""

    def use(_: int) -> float:
        asked_at = time.monotonic()
        with engine().connect() as connection:
            waited = time.monotonic() - asked_at
            connection.execute(text("SELECT pg_sleep(0.2)"))
        return waited

    with ThreadPoolExecutor(5 * CONNECTIONS) as threads:
        waits = list(threads.map(use, range(5 * CONNECTIONS)))
    assert max(waits) > STILL_SECONDS


def test_who_waits_where_nothing_moves_is_refused_soon(taken):
    assert STILL_SECONDS * 0.9 < refusal_seconds() < STILL_SECONDS + 1


def test_next_one_is_refused_at_once(taken):
    """However many there are, on however few threads."""
    refusal_seconds()
    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(refusal_seconds, range(200))) < 20 * STILL_SECONDS


def test_connection_that_comes_back_is_given_to_the_next_one(taken):
    refusal_seconds()
    taken()
    engine().connect().close()


def test_who_waits_gets_the_connection_that_comes_back(taken):
    returning = threading.Timer(STILL_SECONDS / 2, taken)
    returning.start()
    engine().connect().close()
    returning.join()


def test_pool_that_stood_still_is_tried_again_though_nobody_saw_a_return(taken):
    refusal_seconds()
    time.sleep(STILL_SECONDS)
    assert refusal_seconds() > STILL_SECONDS * 0.9

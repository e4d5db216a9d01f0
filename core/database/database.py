"""The connection to Postgres: one engine a process and kind of session, one session a unit of work.

Whoever holds a lock and stops (a suspended machine, SIGSTOP, a connection that is half-open) is cut off by Postgres:
after `longest_seconds` in a transaction, and without one as soon as TCP finds that nobody is there. No other timeout
ends a session whose client stopped in the middle of a statement or of a pipeline (docs/reliability.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from core.database import pool
from core.settings import settings

Kind = Literal["request", "read", "work", "sweep", "search"]
MIN_SERVER_VERSION = 17  # the first with transaction_timeout
# A statement that takes longer than this is a bug or a lock nobody releases; it must not hold a pool's connection.
STATEMENT_TIMEOUT_MS = 30_000
READERS_STATEMENT_TIMEOUT_MS = 5_000  # ended, and the connection lives; that at the end of a transaction does not
SWEEPERS_LOCK_TIMEOUT_MS = 1_000  # what somebody holds is passed over, and looked at again at the next look
# A peer that vanished without a word is noticed before a lease runs out; asked of both ends of the connection.
SILENT_MS = 15_000
KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2}


def longest_seconds(kind: Kind) -> float:
    """How long a transaction of this kind may take: so long may a process that stopped in it hold up the others."""
    if kind == "work":  # beyond the lease nobody could take the row over that a stopped worker holds
        return min(15.0, settings().lease_seconds / 2)
    if kind == "sweep":  # meanwhile nobody sweeps
        return min(15.0, max(2.0, settings().sweep_seconds))
    return {"request": 20.0, "read": 6.0, "search": 30.0}[kind]


def server_options(kind: Kind) -> str:
    """What a session asks of the server, as libpq's `options`."""
    chosen = {
        "statement_timeout": READERS_STATEMENT_TIMEOUT_MS if kind == "read" else STATEMENT_TIMEOUT_MS,
        "transaction_timeout": f"{longest_seconds(kind) * 1000:.0f}",
        "timezone": "UTC",
        "tcp_user_timeout": SILENT_MS,
        **{f"tcp_{name}": value for name, value in KEEPALIVE.items()},
    }
    if kind == "sweep":
        chosen["lock_timeout"] = SWEEPERS_LOCK_TIMEOUT_MS
    return " ".join(f"-c {name}={value}" for name, value in chosen.items())


def client_options(connect_seconds: int = 5) -> dict[str, int]:
    """What a session asks of its own end of the connection, as libpq's parameters."""
    return {"connect_timeout": connect_seconds, "tcp_user_timeout": SILENT_MS, **KEEPALIVE}


def engine(kind: Kind = "request") -> Engine:
    return _engine(kind)


def session_factory(kind: Kind = "request") -> sessionmaker[Session]:
    return _session_factory(kind)


@contextmanager
def transaction(kind: Kind = "request") -> Iterator[Session]:
    """A session that commits at the end, or rolls back on any exception."""
    with session_factory(kind).begin() as session:
        yield session


@lru_cache
def _engine(kind: Kind) -> Engine:
    return create_engine(
        settings().database_url,
        poolclass=pool.MovingPool,
        pool_size=pool.CONNECTIONS // 2,
        max_overflow=pool.CONNECTIONS // 2,
        pool_timeout=pool.LOOK_SECONDS,
        pool_pre_ping=True,  # a restarted Postgres costs a reconnect, not an error
        connect_args={"options": server_options(kind), "application_name": "patchswap", **client_options()},
    )


@lru_cache
def _session_factory(kind: Kind) -> sessionmaker[Session]:
    return sessionmaker(_engine(kind), expire_on_commit=False)

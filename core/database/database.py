"""The connection to Postgres: one engine a process, one session a unit of work."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from core.database import pool
from core.settings import settings

# A statement that takes longer than this is a bug or a lock nobody releases; it must not hold a pool's connection.
STATEMENT_TIMEOUT_MS = 30_000
LONGEST_IDLE_IN_TRANSACTION_SECONDS = 60.0


@lru_cache
def engine() -> Engine:
    # A process that stopped in the middle of a transaction holds rows: for no longer than a claim may be silent.
    idle_seconds = min(LONGEST_IDLE_IN_TRANSACTION_SECONDS, settings().lease_seconds)
    options = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} "
        f"-c idle_in_transaction_session_timeout={idle_seconds * 1000:.0f} -c timezone=UTC"
    )
    return create_engine(
        settings().database_url,
        poolclass=pool.MovingPool,
        pool_size=pool.CONNECTIONS // 2,
        max_overflow=pool.CONNECTIONS // 2,
        pool_timeout=pool.LOOK_SECONDS,
        pool_pre_ping=True,  # a restarted Postgres costs a reconnect, not an error
        connect_args={
            "options": options,
            "connect_timeout": 5,
            "application_name": "patchswap",
            # A peer that vanished without a word is noticed before a lease runs out.
            "tcp_user_timeout": 15_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
        },
    )


@lru_cache
def session_factory() -> sessionmaker[Session]:
    return sessionmaker(engine(), expire_on_commit=False)


@contextmanager
def transaction() -> Iterator[Session]:
    """A session that commits at the end, or rolls back on any exception."""
    with session_factory().begin() as session:
        yield session

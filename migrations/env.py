"""Alembic's entry: the schema of `core.tables` on the database of the settings."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from core.database.database import client_options
from core.settings import settings
from core.tables import Row

# Two processes that upgrade at once would both try to create the same tables; the second waits here and finds them.
ADVISORY_LOCK = 7_205_759
# One that stopped, or whose machine vanished, lets go of its tables. A migration itself may take as long as it needs.
IDLE_MS = 30_000
OPTIONS = f"-c idle_in_transaction_session_timeout={IDLE_MS} -c idle_session_timeout={IDLE_MS}"


def run() -> None:
    connection_options = {"options": OPTIONS, **client_options()}
    engine = create_engine(settings().database_url, poolclass=pool.NullPool, connect_args=connection_options)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=Row.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


run()

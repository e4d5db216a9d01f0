"""A transaction that Postgres cut for its length is a ledger that is away: whoever repeats writes repeats it."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text

from core.database.database import longest_seconds
from worker.claims.ledger_writes import LedgerAway, write_once


@pytest.mark.parametrize("last", ["statement", "commit"])
def test_transaction_beyond_its_time_is_a_ledger_that_is_away(version, fresh_engines, last):
    def dawdle(session) -> None:
        session.execute(text("SELECT 1"))
        time.sleep(longest_seconds("sweep") + 0.5)
        if last == "statement":
            session.execute(text("SELECT 1"))

    with pytest.raises(LedgerAway):
        write_once(dawdle, "sweep")
    assert write_once(lambda session: session.scalar(text("SELECT 1")), "sweep") == 1


def test_statement_that_waits_ends_with_its_transaction_too(version, fresh_engines):
    with pytest.raises(LedgerAway):
        write_once(lambda session: session.execute(text("SELECT pg_sleep(30)")), "sweep")

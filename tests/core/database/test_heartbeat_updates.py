"""What is written once a second for hours must stay cheap, however many indexes the table of jobs has."""

from __future__ import annotations

from sqlalchemy import text

from core.database.database import transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from tests.worker import seed

UPDATES = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'jobs'")


def test_a_heartbeat_with_progress_writes_into_no_index(database):
    job = seed.job(seed.version(seed.tenant()))
    with transaction() as session:
        claimed = ledger.claim(session, job.id, "w")
    claim = Claim(job.id, claimed.fence, "w")
    with transaction() as session:
        before = session.execute(UPDATES).one()  # what this connection did and has not yet reported
        ledger.record(session, claim, progress={"epoch": 1}, phase="train", gpu_seconds=1.0)
        after = session.execute(UPDATES).one()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)

"""What is left of a run once it is quiet: rows, audit, objects, processes. Gathered here, judged by `oracle`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.database.database import transaction
from core.errors import NotFound
from core.store import storage
from tests.nemesis import audit
from tests.nemesis.fleet import trainers
from tests.nemesis.run import INTERVAL, Run, uninterrupted
from tests.nemesis.world import BUCKET, World
from worker.housekeeping import orphans

Evidence = dict[str, Any]


def gather(run: Run) -> Evidence:
    """Of a run whose jobs have ended."""
    ids = list(run.jobs)
    rows = {name: run.world.rows(statement, ids) for name, statement in _ROWS.items()}
    refused = audit.refused(run.world.postgres_log)
    names = {each["who"] for each in rows["audit"]}
    return {
        "run": {
            "name": run.name,
            "fault": run.fault.id,
            "seed": run.seed,
            "interval": INTERVAL,
            "lost_limit": run.fault.lost_limit,
            "must_refuse": run.fault.must_refuse,
            "expects": {job_id: sorted(statuses) for job_id, statuses in run.expects.items()},
            "weights": {
                job_id: told.get("weights") or uninterrupted(told["steps"]) for job_id, told in run.jobs.items()
            },
            "allowed": dict(run.allowed),
        },
        **rows,
        "keys": run.world.rows(
            "SELECT labels->>'nemesis/key' AS key, tenant_id, count(*) AS jobs FROM jobs "
            "WHERE labels->>'nemesis/key' LIKE %s GROUP BY 1, 2",
            f"{run.name}-%",
        ),
        "objects": _objects(rows),
        "refused": sum(n - run.refused_before.get(who, 0) for who, n in refused.items() if who in names),
        "processes": [process.pid for job_id in ids for process in trainers(job_id)],
        "leftovers": [str(path) for job_id in ids for path in run.world.folder.glob(f"disk-*/attempts/{job_id}*")],
        "idle_in_transaction": _idle(run.world),
        "history": run.history.lines,
    }


def save(evidence: Evidence, path: Path) -> None:
    path.write_text(json.dumps(evidence, default=str))


def orphans_of(world: World) -> tuple[list[str], list[str]]:
    """(objects that no row names once the sweeper has been, objects that rows name and that are not there)."""
    for prefix in orphans.OWNERS:
        for keys in storage.older_than(f"{prefix}/", timedelta(0)):
            with transaction() as session:
                found = orphans.find_orphans(session, keys)
            storage.delete(found)
    named = {row["key"] for row in world.rows(_NAMED)}
    there = {key for prefix in ("jobs", "exports") for key in storage.sizes(f"{prefix}/")}
    logs = {key for key in there if key.endswith(f"/{orphans.LOG_NAME}")}
    return sorted(there - named - logs), sorted(named - there)


def unfinished_uploads_of(world: World) -> tuple[int, int]:
    """(those that killed processes had left, those that are left once the sweeper has been and their time was over)."""
    left = len(world.swift.open_uploads(BUCKET))
    time.sleep(1.1)  # S3 tells whole seconds
    orphans.abort_unfinished(timedelta(0))
    return left, len(world.swift.open_uploads(BUCKET))


def _objects(rows: dict[str, list[dict[str, Any]]]) -> dict[str, str | None]:
    """sha256 of each object that a row names, read back from the store; None where it is not there."""
    keys = {row["object_key"] for row in (*rows["checkpoints"], *rows["exports"])}
    keys |= {row[column] for row in rows["models"] for column in ("weights_key", "report_key")}
    return {key: _sha256(key) for key in keys if key}


def _sha256(key: str) -> str | None:
    with contextlib.suppress(NotFound):
        return hashlib.sha256(storage.get_bytes(key)).hexdigest()
    return None


def _idle(world: World) -> int:
    statement = """SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%'
        AND state_change < now() - interval '60 s'"""
    return int(world.rows(statement)[0]["n"])


_ROWS = {
    "jobs": "SELECT * FROM jobs WHERE id = ANY(%s)",
    "attempts": "SELECT * FROM job_attempts WHERE job_id = ANY(%s) ORDER BY job_id, number",
    "usage": "SELECT *, extract(epoch FROM started_at)::float AS began, extract(epoch FROM ended_at)::float AS over "
    "FROM usage_records WHERE job_id = ANY(%s) ORDER BY job_id, attempt",
    "events": "SELECT * FROM job_events WHERE job_id = ANY(%s) ORDER BY job_id, seq",
    "checkpoints": "SELECT * FROM checkpoints WHERE job_id = ANY(%s)",
    "models": "SELECT id, tenant_id, job_id, weights_key, weights_sha256, report_key, report_sha256, created_at "
    "FROM models WHERE job_id = ANY(%s)",
    "exports": "SELECT e.*, m.job_id FROM exports e JOIN models m ON m.id = e.model_id WHERE m.job_id = ANY(%s)",
    "audit": "SELECT n, extract(epoch FROM at) AS at, txid, who, tab, job_id, old, new FROM nemesis_audit "
    "WHERE job_id = ANY(%s) ORDER BY n",
}
_NAMED = """SELECT object_key AS key FROM checkpoints UNION SELECT weights_key FROM models
    UNION SELECT report_key FROM models WHERE report_key IS NOT NULL
    UNION SELECT object_key FROM exports WHERE object_key IS NOT NULL"""

# ruff: noqa: S608 - the statements are made of constants of this module
"""What a reader sees of jobs: one SQL statement that both the ORM's sessions and the api's bare connection run.

`VERSIONS` says cheaply whether a page changed: `xmin` moves with every write to the row, and each write of an attempt
or an event writes to its job's row in the same transaction.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

# Beyond it the exact place in the queue helps nobody, and counting a million rows for each poll would hurt everybody.
MAX_POSITION = 1_000

_MOVING = f"""
    j.xmin::text AS version,
    (j.status = 'running' AND j.lease_expires_at < now()) AS stale,
    CASE WHEN j.status = 'queued' THEN (
        SELECT 1 + count(*) FROM (
            SELECT 1 FROM jobs q WHERE q.status = 'queued' AND q.tenant_id = j.tenant_id AND q.priority >= j.priority
                AND (q.priority > j.priority OR (q.queued_at, q.id) < (j.queued_at, j.id)) LIMIT {MAX_POSITION - 1}
        ) AS ahead
    ) END AS position"""

VERSIONS = f"SELECT j.id, j.tenant_id, {_MOVING} FROM jobs j WHERE j.id = ANY(%(ids)s)"

PAGES = f"""
SELECT j.id, j.tenant_id, j.name, j.status, j.phase, j.dataset_version_id, j.spec, j.resolved, j.chosen,
    j.labels, j.priority,
    j.progress,
    j.error, j.model_id, j.comparison_id, j.sweep_id, j.latest_event_seq,
    j.cancel_requested_at, j.pause_requested_at, j.created_at, j.queued_at, j.finished_at, j.updated_at, {_MOVING},
    (SELECT dataset_id FROM dataset_versions v WHERE v.id = j.dataset_version_id) AS dataset_id,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('number', a.number, 'worker', a.worker, 'started_at', a.started_at,
        'ended_at', a.ended_at, 'outcome', a.outcome) ORDER BY a.number), '[]')
        FROM job_attempts a WHERE a.job_id = j.id) AS attempts,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('status', e.data->'status', 'phase', e.data->'phase', 'at', e.at,
        'reason', e.data->'reason') ORDER BY e.seq), '[]')
        FROM job_events e WHERE e.job_id = j.id AND e.type IN ('status', 'phase')) AS transitions,
    (SELECT jsonb_build_object('useful_seconds', coalesce(sum(u.useful_seconds), 0), 'lost_seconds',
        coalesce(sum(u.lost_seconds), 0), 'waiting_seconds', coalesce(sum(u.waiting_seconds), 0), 'device_seconds',
        coalesce(sum(u.useful_seconds * u.devices), 0)) FROM usage_records u WHERE u.job_id = j.id) AS used,
    (SELECT jsonb_build_object('lease_ends_after', extract(epoch FROM j.lease_expires_at - a.started_at),
        'trainer_seconds', j.gpu_seconds - a.trainer_seconds_before)
        FROM job_attempts a WHERE a.job_id = j.id AND a.ended_at IS NULL AND j.status = 'running') AS running,
    coalesce((j.resolved->'training'->>'devices')::int, 1) AS devices
FROM jobs j WHERE j.id = ANY(%(ids)s)"""

LIGHT_PAGES = PAGES.replace(" j.spec, j.resolved, j.chosen,", "")

_EVENT = "seq, type, at, data"
EVENTS = f"SELECT {_EVENT} FROM job_events WHERE job_id = %(id)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s"
EVENTS_OF_TYPES = EVENTS.replace("ORDER BY", "AND type = ANY(%(types)s) ORDER BY")
# For the one task that looks after all watched jobs: which moved, and what is new of those.
SEQUENCES = """
SELECT id, latest_event_seq AS seq, status, progress->>'updated_at' AS progressed_at
FROM jobs WHERE id = ANY(%(ids)s)"""
PROGRESS = """
SELECT id, status, phase, progress, updated_at, finished_at, latest_event_seq,
    (status = 'running' AND lease_expires_at < now()) AS stale
FROM jobs WHERE id = ANY(%(ids)s)"""
NEW_EVENTS = f"""
SELECT job_id, {_EVENT} FROM job_events e JOIN unnest(%(ids)s::text[], %(after)s::bigint[]) AS known (id, after)
    ON e.job_id = known.id AND e.seq > known.after
ORDER BY job_id, seq"""


def _live(kind: str, since: str, rows: str) -> str:
    return f"""
SELECT '{kind}' AS kind, count(*) FILTER (WHERE status = 'queued') AS queued,
    count(*) FILTER (WHERE status = 'running') AS running,
    count(*) FILTER (WHERE status = 'running' AND lease_expires_at < now()) AS expired,
    coalesce(extract(epoch FROM now() - min({since}) FILTER (WHERE status = 'queued')), 0)::float AS oldest_seconds
FROM ({rows}) AS live"""


# What waits and what runs. Partial indexes keep these rows together, however many have ended: jobs have one a status.
_JOBS = " UNION ALL ".join(f"SELECT * FROM jobs WHERE status = '{status}'" for status in ("queued", "running"))
_LIVE = "SELECT * FROM {} WHERE status IN ('queued', 'running')"
LIVE = " UNION ALL ".join(
    (
        _live("job", "queued_at", _JOBS),
        _live("ingest", "created_at", _LIVE.format("dataset_versions")),
        _live("export", "created_at", _LIVE.format("exports")),
        _live("profile", "created_at", _LIVE.format("profiles")),
        _live("prediction", "created_at", _LIVE.format("predictions")),
        _live("weights", "created_at", _LIVE.format("weights")),
        _live("delivery", "queued_at", _LIVE.format("webhook_deliveries")),
    )
)


def read(session: Session, job_ids: Sequence[str], *, light: bool = False) -> list[Mapping[str, Any]]:
    """The pages of these jobs in this order, as this transaction sees them; what is not there is left out.

    Light: without their specs, which are most of a page.
    """
    session.flush()
    result = session.connection().exec_driver_sql(LIGHT_PAGES if light else PAGES, {"ids": list(job_ids)})
    found: dict[str, Mapping[str, Any]] = {row["id"]: dict(row) for row in result.mappings()}
    return [found[job_id] for job_id in job_ids if job_id in found]

# ruff: noqa: S608 - the statements are made of constants of this module
"""What moves among all jobs of some tenants, for the api's bare connection: asked once a tick for all who watch."""

from core.jobs.views import NEW_EVENTS, PROGRESS
from core.tables.states import TERMINAL

__all__ = ["ENDED", "LIVE", "NEW_EVENTS", "NEW_POINTS", "PROGRESS"]

_SEEN = """
SELECT id, tenant_id, latest_event_seq AS seq, status, progress->>'updated_at' AS progressed_at, now()
FROM jobs"""
_OVER = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
LIVE = f"{_SEEN} WHERE tenant_id = ANY(%(tenants)s) AND status NOT IN ({_OVER})"
ENDED = f"{_SEEN} WHERE id = ANY(%(ids)s)"

# A step of the index a curve, then its newest points: not a reading of all of them. A worker writes the points of a job
# in one transaction after the other, so what is newer than the newest that is known is all that is new.
MOST_POINTS = 20  # of a curve at once; who needs all reads the curve
NEW_POINTS = f"""
WITH RECURSIVE asked AS (SELECT * FROM unnest(%(ids)s::text[], %(after)s::timestamptz[]) AS known (job_id, after)),
names AS (
    SELECT asked.job_id, asked.after, (SELECT min(key) FROM job_metrics m WHERE m.job_id = asked.job_id) AS key
    FROM asked
    UNION ALL
    SELECT job_id, after, (SELECT min(m.key) FROM job_metrics m WHERE m.job_id = names.job_id AND m.key > names.key)
    FROM names WHERE names.key IS NOT NULL
)
SELECT names.job_id, point.key, point.step, point.epoch, point.value, point.at
FROM names CROSS JOIN LATERAL (
    SELECT * FROM job_metrics m WHERE m.job_id = names.job_id AND m.key = names.key
    ORDER BY m.step DESC LIMIT {MOST_POINTS}
) AS point
WHERE names.key IS NOT NULL AND point.at > names.after
ORDER BY names.job_id, point.key, point.step"""

"""A second ledger beside the first: triggers that note who wrote what to a job, whatever the writer believed.

Each process of the service has a Postgres role of its own, named as the worker is, so the database itself knows the
writer. Accepted writes are rows of `nemesis_audit`. A refused one changes no row and is rolled back: it is a line of
the server's log, written by a statement trigger that met an empty set.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

ROLES = 2_000
REFUSED = re.compile(r"nemesis refused (\S+)")

SCHEMA = """
CREATE TABLE nemesis_audit (
    n bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    txid bigint NOT NULL DEFAULT txid_current(), who text NOT NULL DEFAULT session_user,
    tab text NOT NULL, job_id text NOT NULL, old jsonb, new jsonb
);
CREATE INDEX ON nemesis_audit (job_id);
CREATE FUNCTION nemesis_of_job(j jobs) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('status', j.status,
    'fence', j.fence, 'worker', j.worker, 'attempts', j.attempts, 'phase', j.phase, 'step', j.progress->'step',
    'lease', extract(epoch FROM j.lease_expires_at), 'cancel', j.cancel_requested_at IS NOT NULL,
    'gpu', j.gpu_seconds, 'model', j.model_id, 'rung', j.rung_at) $$;
CREATE FUNCTION nemesis_note_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO nemesis_audit (tab, job_id, old, new) VALUES ('jobs', NEW.id,
        CASE WHEN TG_OP = 'UPDATE' THEN nemesis_of_job(OLD) END, nemesis_of_job(NEW));
    RETURN NULL; END $$;
CREATE FUNCTION nemesis_note_child() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO nemesis_audit (tab, job_id, new) VALUES (TG_TABLE_NAME, NEW.job_id, to_jsonb(NEW));
    RETURN NULL; END $$;
CREATE FUNCTION nemesis_note_refusal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() LIKE '%jobs.fence = %' AND current_query() NOT LIKE '%SET status=%fence=(jobs.fence%'
        AND NOT EXISTS (SELECT 1 FROM changed) THEN RAISE LOG 'nemesis refused %', session_user; END IF;
    RETURN NULL; END $$;
CREATE TRIGGER nemesis_jobs AFTER INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION nemesis_note_job();
CREATE TRIGGER nemesis_refusals AFTER UPDATE ON jobs REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION nemesis_note_refusal();
"""
CHILDREN = ("job_events", "checkpoints", "models")


def install(conninfo: str) -> None:
    """The triggers, and a role for each process that will ever be started."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
        for table in CHILDREN:
            connection.execute(
                f"CREATE TRIGGER nemesis_{table} AFTER INSERT ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION nemesis_note_child()"
            )
        names = ", ".join(f"'w{number}'" for number in range(1, ROLES))
        connection.execute(
            f"DO $$ DECLARE name text; BEGIN FOREACH name IN ARRAY ARRAY['api', {names}] LOOP "
            "EXECUTE 'CREATE ROLE ' || name || ' LOGIN SUPERUSER'; END LOOP; END $$"
        )


def refused(log: Path) -> dict[str, int]:
    """By writer, how many stale writes the ledger has refused so far."""
    counts: dict[str, int] = {}
    for name in REFUSED.findall(log.read_text(errors="replace")):
        counts[name] = counts.get(name, 0) + 1
    return counts

"""Databases full of jobs: rows as the service writes them, loaded by the million in Postgres itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import psycopg

from contract.pack.manifest import PackManifest, Pairability
from contract.specs import parse, resolve

TENANT, NEIGHBOUR = "tnt_bench", "tnt_neighbour"  # every tenth job is the neighbour's
VERSION = "dsv_0"  # of the first jobs
CURVE_KEYS = ("train.loss", "val.top1_accuracy")
CURVE_POINTS = 500
JOBS_PER_CURVE = 100  # one job in so many has curves: 1,000 points each, 1e7 in a million jobs
MAX_QUEUED = 1_000
RARE_JOBS = 5  # the oldest ones have a status and a label that no others have


@dataclass(frozen=True)
class Population:
    """`queued`, `measured` and `listed` are the jobs to claim, to ask for metrics of, and to turn pages at."""

    jobs: int

    @property
    def queued_count(self) -> int:
        return min(MAX_QUEUED, self.jobs // 4)

    @property
    def metric_rows(self) -> int:
        return len(self.measured) * len(CURVE_KEYS) * CURVE_POINTS

    @property
    def queued(self) -> list[str]:
        """The newest ones."""
        return [job_id(number) for number in range(self.jobs - self.queued_count + 1, self.jobs + 1)]

    @property
    def measured(self) -> range:
        return range(JOBS_PER_CURVE, self.jobs + 1, JOBS_PER_CURVE)


def job_id(number: int) -> str:
    """Shaped like a UUIDv7: a time that grows, then noise. `_JOB_ID` says the same in SQL."""
    return f"job_{0x19A000000000 + number:012x}7{hashlib.md5(str(number).encode()).hexdigest()[:19]}"


_JOB_ID = f"'job_' || lpad(to_hex({0x19A000000000}::bigint + n), 12, '0') || '7' || substr(md5(n::text), 1, 19)"

_OWNERS = f"""
INSERT INTO tenants (id, name) VALUES ('{TENANT}', 'bench'), ('{NEIGHBOUR}', 'neighbour');
INSERT INTO uploads (id, tenant_id, sha256, bytes, media_type, status, part_size, expires_at)
    VALUES ('upl_bench', '{TENANT}', '', 1, 'application/zip', 'complete', 1, now());"""

_DATASETS = f"""
INSERT INTO datasets (id, tenant_id, name, task, status)
    SELECT 'ds_' || n, '{TENANT}', 'digits', 'classification', 'ready' FROM generate_series(0, %(jobs)s / 100) AS n"""

_VERSIONS = f"""
INSERT INTO dataset_versions (id, tenant_id, dataset_id, upload_id, status)
    SELECT 'dsv_' || n, '{TENANT}', 'ds_' || n, 'upl_bench', 'ready' FROM generate_series(0, %(jobs)s / 100) AS n"""

_JOBS = f"""
INSERT INTO jobs (id, tenant_id, dataset_version_id, spec, resolved, labels, progress, status, phase, fence, attempts,
    total_attempts, latest_event_seq, created_at, queued_at, finished_at, updated_at)
SELECT {_JOB_ID}, CASE WHEN mod(n, 10) = 0 THEN '{NEIGHBOUR}' ELSE '{TENANT}' END, 'dsv_' || n / 100,
    %(spec)s::jsonb, %(resolved)s::jsonb, jsonb_build_object('project', project), %(progress)s::jsonb,
    status, CASE WHEN ended THEN 'publish' END, ended::int, 0,
    ended::int, CASE WHEN ended THEN 4 ELSE 1 END, at, at, CASE WHEN ended THEN at + interval '1 hour' END, at
FROM generate_series(1, %(jobs)s) AS n,
    LATERAL (SELECT n <= %(first_queued)s AS ended, n <= {RARE_JOBS} AS rare) AS kinds,
    LATERAL (SELECT now() - (%(jobs)s - n) * interval '1 second' AS at,
        CASE WHEN rare THEN 'rare' ELSE 'p' || mod(n, 50) END AS project,
        CASE WHEN NOT ended THEN 'queued' WHEN rare THEN 'cancelled' WHEN mod(n, 20) = 0 THEN 'failed'
            ELSE 'succeeded' END AS status) AS told"""

_ATTEMPTS = f"""
INSERT INTO job_attempts (job_id, number, fence, worker, started_at, ended_at, outcome)
SELECT {_JOB_ID}, 1, 1, 'gpu-' || mod(n, 8), now(), now(), 'succeeded' FROM generate_series(1, %(first_queued)s) AS n"""

_EVENTS = f"""
INSERT INTO job_events (job_id, seq, type, data)
SELECT {_JOB_ID}, seq, type, jsonb_build_object('status', status, 'phase', phase, 'reason', reason)
FROM generate_series(1, %(jobs)s) AS n, (VALUES
    (1, 'status', 'queued', NULL, 'submitted'), (2, 'status', 'running', NULL, 'attempt 1'),
    (3, 'phase', 'running', 'train', NULL), (4, 'status', 'succeeded', 'publish', 'published')
) AS told (seq, type, status, phase, reason) WHERE seq = 1 OR n <= %(first_queued)s"""

_CURVES = f"""
INSERT INTO job_metrics (job_id, key, step, epoch, value)
SELECT {_JOB_ID}, key, step, step / 10, 1.0 / step
FROM generate_series({JOBS_PER_CURVE}, %(jobs)s, {JOBS_PER_CURVE}) AS n,
    unnest(%(keys)s::text[]) AS key, generate_series(1, {CURVE_POINTS}) AS step"""


def load(conninfo: str, population: Population) -> None:
    """Fill a migrated, empty database, then leave it as autovacuum would: analysed, its pages marked visible."""
    spec, resolved = _specs()
    parameters = {
        "jobs": population.jobs,
        "first_queued": population.jobs - population.queued_count,
        "spec": spec,
        "resolved": resolved,
        "progress": json.dumps({"epoch": 30, "epochs": 30, "step": 1000, "steps": 1000, "fraction": 1.0}),
        "keys": list(CURVE_KEYS),
    }
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # Foreign keys hold by construction; checking them row by row would be most of the loading time.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_OWNERS)
        for statement in (_DATASETS, _VERSIONS, _JOBS, _ATTEMPTS, _EVENTS, _CURVES):
            connection.execute(statement, parameters)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")


def _specs() -> tuple[str, str]:
    """The spec as asked for and resolved, for a dataset like digits; both as JSON."""
    spec = parse({"dataset": VERSION, "recipe": "resnet20_short", "training": {"epochs": 30}})
    return spec.model_dump_json(), resolve(spec, _manifest())[0].model_dump_json()


def _manifest() -> PackManifest:
    classes = [str(number) for number in range(10)]
    return PackManifest(
        classes=classes,
        samples=1_797,
        counts={"train": dict.fromkeys(classes, 140), "test": dict.fromkeys(classes, 40)},
        encoding="raw",
        channels=1,
        image_size=(32, 32),
        median_size=(32, 32),
        mean=[0.3],
        std=[0.3],
        pairability=Pairability(share=1.0, unpairable_classes=[]),
        evaluation_split="test",
        digest="",
        bytes=0,
    )

"""Migration 0023: attempts that ended before it get records that add up."""

from __future__ import annotations

import os

import psycopg
import pytest
from alembic import command

from tests.conftest import forget_settings
from tests.migrations.test_expanding import CONFIG

JOBS = [  # id, trainer's seconds, device, attempts: (seconds, outcome)
    ("job_a", 60, "cuda:0", [(40, "worker_lost"), (80, "succeeded"), (None, None)]),
    ("job_b", 99, None, [(30, "cancelled"), (0, "crashed")]),
]


@pytest.mark.usefixtures("environment")
def test_earlier_attempts_share_the_trainers_seconds_by_their_wall_time(
    postgres_server, monkeypatch: pytest.MonkeyPatch
):
    name = f"usage_{os.urandom(4).hex()}"
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", postgres_server.create_database(name))
    forget_settings()
    command.upgrade(CONFIG, "0022")
    with psycopg.connect(postgres_server.conninfo(name)) as connection:
        connection.execute("INSERT INTO tenants (id, name) VALUES ('t', 't')")
        connection.execute("SET session_replication_role = replica")  # jobs without a dataset
        for job_id, seconds, device, attempts in JOBS:
            connection.execute(
                "INSERT INTO jobs (id, tenant_id, dataset_version_id, spec, resolved, labels, status, progress,"
                " gpu_seconds) VALUES (%s, 't', 'dsv', '{}', '{\"training\": {\"devices\": 2}}',"
                " '{\"project\": \"p\"}', 'running', jsonb_build_object('device', %s::text), %s)",
                [job_id, device, seconds],
            )
            for number, (wall, outcome) in enumerate(attempts, 1):
                connection.execute(
                    "INSERT INTO job_attempts (job_id, number, fence, worker, started_at, ended_at, outcome) VALUES"
                    " (%s, %s, 1, 'w', now(), now() + %s * interval '1 s', %s)",
                    [job_id, number, wall, outcome],
                )
    command.upgrade(CONFIG, "0023")
    with psycopg.connect(postgres_server.conninfo(name)) as connection:
        found = connection.execute(
            "SELECT job_id, attempt, project, device, devices, useful_seconds, lost_seconds, waiting_seconds"
            " FROM usage_records ORDER BY job_id, attempt"
        ).fetchall()
    assert found == [
        ("job_a", 1, "p", "cuda", 2, 20, 20, 0),
        ("job_a", 2, "p", "cuda", 2, 40, 0, 40),
        ("job_b", 1, "p", None, 2, 30, 0, 0),
    ]

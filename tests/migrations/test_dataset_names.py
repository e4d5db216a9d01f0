"""Migration 0020: datasets that share a name, and versions without numbers."""

from __future__ import annotations

import os

import psycopg
import pytest
from alembic import command

from tests.conftest import forget_settings
from tests.migrations.test_expanding import CONFIG

DATASETS = [("ds_a0000001", "photos"), ("ds_b0000002", "photos"), ("ds_c0000003", "photos"), ("ds_d0000004", "other")]


@pytest.mark.usefixtures("environment")
def test_the_newest_keeps_the_name_and_versions_are_counted(postgres_server, monkeypatch: pytest.MonkeyPatch):
    name = f"names_{os.urandom(4).hex()}"
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", postgres_server.create_database(name))
    forget_settings()
    command.upgrade(CONFIG, "0019")
    with psycopg.connect(postgres_server.conninfo(name)) as connection:
        connection.execute("INSERT INTO tenants (id, name) VALUES ('t', 't'), ('u', 'u')")
        for tenant, rows in (("t", DATASETS), ("u", [("ds_e0000005", "photos")])):
            for dataset_id, called in rows:
                connection.execute(
                    "INSERT INTO datasets (id, tenant_id, name, task, status) VALUES (%s, %s, %s, 'x', 'ready')",
                    [dataset_id, tenant, called],
                )
        connection.execute("UPDATE datasets SET deleted_at = now() WHERE id = 'ds_c0000003'")
        connection.execute(
            "INSERT INTO uploads (id, tenant_id, sha256, bytes, media_type, status, part_size, expires_at)"
            " VALUES ('upl', 't', '0', 1, 'x', 'complete', 1, now())"
        )
        for version_id in ("dsv_1", "dsv_2"):
            connection.execute(
                "INSERT INTO dataset_versions (id, tenant_id, dataset_id, upload_id, status)"
                " VALUES (%s, 't', 'ds_a0000001', 'upl', 'ready')",
                [version_id],
            )
    command.upgrade(CONFIG, "0020")
    with psycopg.connect(postgres_server.conninfo(name)) as connection:
        names = dict(connection.execute("SELECT id, name FROM datasets").fetchall())
        numbers = connection.execute("SELECT id, number FROM dataset_versions ORDER BY id").fetchall()
    assert names == {
        "ds_a0000001": "photos-a0000001",
        "ds_b0000002": "photos",
        "ds_c0000003": "photos",  # deleted: it has the name no longer
        "ds_d0000004": "other",
        "ds_e0000005": "photos",  # another tenant's
    }
    assert numbers == [("dsv_1", 1), ("dsv_2", 2)]

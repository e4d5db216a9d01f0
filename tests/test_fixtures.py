"""The fixtures give each test empty tables, an empty broker and an empty object store."""

from __future__ import annotations

import psycopg
import pytest

from core.store import storage


@pytest.mark.parametrize("round_number", [1, 2])
def test_tables_are_empty_at_the_start_of_each_test(database: str, round_number: int):
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM tenants").fetchone() == (0,)
        connection.execute("INSERT INTO tenants (id, name) VALUES ('tenant_x', %s)", [str(round_number)])


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_object_store_is_the_one_asked_for_and_empty(environment: dict[str, str], objects_url: str):
    assert storage.is_local() == objects_url.startswith("file:")
    assert [entry for page in storage.store().list() for entry in page] == []

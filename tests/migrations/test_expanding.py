"""Each migration only expands: code of the version before goes on working while and after it runs.

What is no longer used is taken away by a later release, once nothing that runs knows it: name it in CONTRACTIONS then.
"""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import migrations
from core.tables import Row
from tests.conftest import forget_settings
from tests.migrations import schema
from tests.migrations.schema import Column, Rule, Schema

CONFIG = Config(Path(migrations.__file__).parent / "alembic.ini")
REVISIONS = [step.revision for step in reversed(list(ScriptDirectory.from_config(CONFIG).walk_revisions()))]
# revision -> what it takes away on purpose, as `breaks` words it, and since which release nothing uses it
CONTRACTIONS: dict[str, list[str]] = {}


@pytest.fixture
def upgraded(postgres_server, environment, monkeypatch):
    """The database of a revision, made from nothing."""
    name = f"expanding_{os.urandom(4).hex()}"
    monkeypatch.setenv("PATCHSWAP_DATABASE_URL", postgres_server.create_database(name))
    forget_settings()

    def upgrade(revision: str) -> Schema:
        command.upgrade(CONFIG, revision)
        with psycopg.connect(postgres_server.conninfo(name)) as connection:
            return schema.read(connection)

    upgrade.url = postgres_server.url(name)
    return upgrade


def test_every_migration_leaves_running_code_what_it_uses(upgraded):
    before = upgraded(REVISIONS[0])
    for revision in REVISIONS[1:]:
        after = upgraded(revision)
        assert schema.breaks(before, after) == CONTRACTIONS.get(revision, []), f"migration {revision}"
        before = after


def test_migrations_make_the_tables_that_the_code_knows(upgraded):
    upgraded("head")
    engine = create_engine(upgraded.url)
    with engine.connect() as connection:
        from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only here

        differences = compare_metadata(MigrationContext.configure(connection), Row.metadata)
    engine.dispose()
    assert differences == []


JOBS = {("jobs", "id"): Column("text", not_null=True), ("jobs", "name"): Column("text", default="'x'::text")}
RULES = {("jobs", "ck_status"): Rule("CHECK ((status = ANY (ARRAY['a'::text, 'b'::text])))", frozenset({"name"}))}


@pytest.mark.parametrize(
    ("columns", "rules", "told"),
    [
        ({("jobs", "id"): JOBS["jobs", "id"]}, {}, "jobs.name is gone"),
        ({("other", "id"): Column("text")}, {}, "table jobs is gone"),
        (JOBS | {("jobs", "more"): Column("text", not_null=True)}, {}, "jobs.more is new and must be given"),
        (JOBS | {("jobs", "name"): Column("bigint")}, {}, "jobs.name was text and is bigint"),
        (JOBS | {("jobs", "name"): Column("text", not_null=True, default="''")}, {}, "jobs.name may no longer be null"),
        (JOBS, {("jobs", "uq"): Rule("UNIQUE (name)", frozenset({"name"}))}, "jobs: uq refuses what was allowed"),
        (
            JOBS,
            {("jobs", "ck_status"): Rule("CHECK ((status = ANY (ARRAY['a'::text])))", frozenset({"name"}))},
            "jobs: ck_status refuses what was allowed",
        ),
    ],
)
def test_a_step_that_would_break_running_code_is_named(columns, rules, told):
    assert schema.breaks(Schema(JOBS, RULES), Schema(columns, rules)) == [told]


def test_new_tables_optional_columns_and_longer_lists_break_nothing():
    columns = {
        ("jobs", "more"): Column("text"),
        ("jobs", "count"): Column("bigint", not_null=True, default="0"),
        ("new", "id"): Column("text", not_null=True),
    }
    longer = Rule("CHECK ((status = ANY (ARRAY['a'::text, 'b'::text, 'c'::text])))", frozenset({"name"}))
    rules = {("jobs", "ck_status"): longer, ("jobs", "fk_more"): Rule("FOREIGN KEY (more)", frozenset({"more"}))}
    assert schema.breaks(Schema(JOBS, RULES), Schema(JOBS | columns, RULES | rules)) == []

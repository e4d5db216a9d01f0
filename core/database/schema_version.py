"""Which schema a database has, against the one that this release brings. Older code serves a newer one: decision 15."""

from pathlib import Path
from typing import Literal

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

Standing = Literal["empty", "older", "current", "newer", "unknown"]


def newest() -> str:
    """The last revision that this release knows; they are numbered, and one follows the other."""
    return str(_history().get_current_head())


def found(connection: Connection) -> str | None:
    """The revision of a database; None where it has no tables of ours."""
    if connection.execute(text("SELECT to_regclass('alembic_version')::text")).scalar() is None:
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def standing(version: str | None) -> Standing:
    """How a database's revision stands to this release. `newer` is a number that a later release has given."""
    if version is None:
        return "empty"
    if version == newest():
        return "current"
    if version in {step.revision for step in _history().walk_revisions()}:
        return "older"
    return "newer" if version.isdecimal() and int(version) > int(newest()) else "unknown"


def _history() -> ScriptDirectory:
    return ScriptDirectory.from_config(Config(Path(__file__).parents[2] / "migrations" / "alembic.ini"))

"""`python -m migrations`: upgrade the database of PATCHSWAP_DATABASE_URL. Safe to repeat and to run twice at once.

A database that a later release has upgraded is left as it is: an image can be rolled back without its schema.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool

from core.database import schema_version
from core.settings import settings


def main() -> int:
    with create_engine(settings().database_url, poolclass=pool.NullPool).connect() as connection:
        version = schema_version.found(connection)
    standing = schema_version.standing(version)
    if standing == "newer":
        kept = f"schema {version} is newer than this release's {schema_version.newest()}"
        sys.stderr.write(f"{kept}; it stays, for migrations only expand\n")
        return 0
    if standing == "unknown":
        sys.stderr.write(f"schema {version!r} is of no release of patchswap; check PATCHSWAP_DATABASE_URL\n")
        return 1
    command.upgrade(Config(Path(__file__).parent / "alembic.ini"), "head")
    return 0


if __name__ == "__main__":
    sys.exit(main())

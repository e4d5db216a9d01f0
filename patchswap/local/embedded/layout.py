"""What lies where in the data directory, and whether it can be used at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from patchswap.local.embedded import postgres
from patchswap.local.embedded.refusal import CannotStart

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, one of them the closing zero.
_SOCKET_PATH_BYTES = 103
# Postgres writes 16 MB at a time and stops the whole service when it cannot.
_MINIMUM_FREE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Layout:
    """The folders and files of one data directory."""

    root: Path
    run: Path  # unix sockets; outside the root where its path is too long for one

    @property
    def cluster(self) -> Path:
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def client(self) -> Path:
        return self.root / "client.json"

    @property
    def signing_key(self) -> Path:
        return self.root / "signing_key.pem"

    @property
    def webhook_keys(self) -> Path:
        return self.root / "webhook_keys"

    @property
    def postgres_sockets(self) -> Path:
        return self.run / "postgres"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"


def prepare(data_dir: Path) -> Layout:
    """Makes the folders and proves that they can be written; raises `CannotStart` otherwise."""
    root = data_dir.expanduser().resolve()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prove_writable(root)
        layout = Layout(root=root, run=_run_folder(root))
        for folder in (layout.redis, layout.objects, layout.scratch, layout.logs):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"Cannot write to the data directory {root}: {error.strerror}. Choose another with --data-dir."
        ) from error
    return layout


def empty_run_folder(layout: Layout) -> None:
    """Removes sockets and their lock files of an earlier life; only while nothing of this directory runs."""
    shutil.rmtree(layout.run, ignore_errors=True)
    layout.run.mkdir(mode=0o700)
    layout.postgres_sockets.mkdir(mode=0o700)


def _prove_writable(root: Path) -> None:
    with tempfile.TemporaryFile(dir=root) as probe:
        probe.write(bytes(2**20))
        probe.flush()
        os.fsync(probe.fileno())
    free = shutil.disk_usage(root).free
    if free < _MINIMUM_FREE_BYTES:
        needed = _MINIMUM_FREE_BYTES // 2**20
        raise CannotStart(
            f"The disk of {root} has {free // 2**20} MB free and {needed} MB are needed. Make room first."
        )


def _run_folder(root: Path) -> Path:
    inside = root / "run"
    socket = os.fsencode(inside / "postgres" / postgres.SOCKET_NAME)
    if len(socket) <= _SOCKET_PATH_BYTES and b"," not in socket:  # libpq reads a comma as "or the next host"
        return inside
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"patchswap-{os.geteuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise CannotStart(f"{folder} belongs to somebody else. Choose a shorter --data-dir.")
    return folder

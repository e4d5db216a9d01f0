"""Working folders of attempts on this machine. Each has a lock; a folder whose lock is free belongs to a dead one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.settings import settings
from worker.disk.file_locks import hold, try_hold


def root() -> Path:
    path = settings().scratch_dir / "attempts"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """An empty folder, gone at the end."""
    path = root() / name
    lock = root() / f"{name}.lock"
    with hold(lock):
        try:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            lock.unlink(missing_ok=True)


def reclaim() -> list[str]:
    """Remove what dead attempts left behind; gives their names."""
    reclaimed = []
    for lock in root().glob("*.lock"):
        with try_hold(lock) as free:
            if free:
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
                reclaimed.append(lock.stem)
    return reclaimed

"""Packs on the worker's disk: fetched once, verified by sha256, used by many jobs, the longest unused removed first.

A pack is a folder named after its version and sha256. Whoever uses it holds a shared lock, so that no other process of
this machine removes it.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.files import PACK_MANIFEST, PACK_SAMPLES
from contract.pack.manifest import PackManifest
from core.settings import settings
from core.store import storage
from core.tables import DatasetVersion
from worker.claims.lease import Lease
from worker.disk.file_locks import share, try_hold

WAIT_SECONDS = 0.2


def folder() -> Path:
    path = settings().scratch_dir / "packs"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def fetched(version: DatasetVersion, lease: Lease) -> Iterator[Path]:
    """The folder of a pack, there as long as the context lasts. Raises NotFound, StoreUnavailable, ChecksumMismatch.

    Raises Stalled where a neighbour that stopped holds the lock.
    """
    pack = folder() / f"{version.id}-{(version.pack_sha256 or '')[:16]}"
    lock = pack.with_name(pack.name + ".lock")
    lease.patiently(lambda: _fetch(version, pack, lock, lease))
    with share(lock, lease.tick):
        if not pack.is_dir():  # removed between the two locks, by a process short of room
            lease.patiently(lambda: _download(version, pack))
        os.utime(lock)
        make_room(settings().pack_cache_bytes)
        yield pack


def make_room(limit_bytes: int) -> None:
    """Remove packs nobody uses, the longest unused first, until the rest fits."""
    found = sorted((lock.stat().st_mtime, lock) for lock in folder().glob("*.lock"))
    total = sum(_bytes(_pack_of(lock)) for _, lock in found)
    for _, lock in found:
        if total <= limit_bytes:
            return
        with try_hold(lock) as free:
            if free and _pack_of(lock).is_dir():
                total -= _bytes(_pack_of(lock))
                shutil.rmtree(_pack_of(lock))


def _fetch(version: DatasetVersion, pack: Path, lock: Path, lease: Lease) -> None:
    """One of those who want it downloads; the rest wait for the folder, not for the lock, which its users share."""
    there = 0
    while not pack.is_dir():
        with try_hold(lock) as free:
            if free and not pack.is_dir():
                _download(version, pack)
        if not free:
            before, there = there, _arrived(_partial_of(pack))
            if there != before:  # another's download is an advance of ours
                lease.advance()
            time.sleep(WAIT_SECONDS)


def _download(version: DatasetVersion, pack: Path) -> None:
    """Whole or not at all: the folder gets its name when its content is verified."""
    partial = _partial_of(pack)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    manifest = PackManifest.model_validate(version.manifest)
    (partial / PACK_MANIFEST).write_text(manifest.model_dump_json())
    key = f"{version.object_prefix}{PACK_SAMPLES}"
    storage.get_file(key, partial / PACK_SAMPLES, sha256=version.pack_sha256)
    partial.rename(pack)


def _partial_of(pack: Path) -> Path:
    return pack.with_name(f"{pack.name}.partial")


def _pack_of(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix(".lock"))


def _arrived(partial: Path) -> int:
    """Bytes of a download, which may end while they are counted."""
    try:
        return _bytes(partial)
    except FileNotFoundError:
        return 0


def _bytes(pack: Path) -> int:
    return sum(file.stat().st_size for file in pack.iterdir()) if pack.is_dir() else 0

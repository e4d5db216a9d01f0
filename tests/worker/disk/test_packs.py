"""Packs are fetched once, verified, shared, and removed the longest unused first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import ChecksumMismatch, NotFound
from core.store import storage
from core.tables import DatasetVersion
from tests.conftest import forget_settings
from tests.worker import seed
from worker.claims.lease import Lease, Stalled
from worker.disk import packs


@pytest.fixture
def lease(version) -> Lease:
    return Lease(lambda _: None)


def kept() -> list[str]:
    return sorted(path.name.split("-")[0] for path in packs.folder().iterdir() if path.is_dir())


def test_pack_has_the_samples_and_the_manifest_of_its_version(version, lease):
    with packs.fetched(version, lease) as folder:
        assert (folder / "samples.arrow").read_bytes() == seed.SAMPLES
        assert (folder / "manifest.json").read_text() == seed.MANIFEST.model_dump_json()


def test_second_use_fetches_nothing(version, lease, monkeypatch):
    with packs.fetched(version, lease):
        pass
    storage.delete_prefix(version.object_prefix)
    with packs.fetched(version, lease) as folder:
        assert (folder / "samples.arrow").is_file()


def test_eight_at_once_fetch_once(version, lease, monkeypatch):
    fetches = []
    get_file = storage.get_file
    monkeypatch.setattr(storage, "get_file", lambda *a, **o: fetches.append(a) or get_file(*a, **o))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: _use(version), range(8))) == [len(seed.SAMPLES)] * 8
    assert len(fetches) == 1


def test_slow_download_is_waited_for_by_its_worker_and_by_its_neighbour(version, monkeypatch):
    """As long as it moves: all of it takes several times what a worker may go without an advance."""

    def slowly(_key: str) -> Iterator[memoryview]:
        for offset in range(10):
            with storage.store_errors("a chunk"):
                time.sleep(0.4)
            yield memoryview(seed.SAMPLES)[offset : offset + 1 if offset < 9 else None]

    monkeypatch.setattr(storage, "read", slowly)
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "1.5")
    forget_settings()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: _use(version), range(2))) == [len(seed.SAMPLES)] * 2


def test_pack_in_use_by_one_job_is_used_by_another_at_once(version, lease):
    """Two workers of one machine, one dataset: neither waits for the other's training to end."""
    with packs.fetched(version, lease), ThreadPoolExecutor(1) as pool:
        assert pool.submit(_use, version).result(10) == len(seed.SAMPLES)


def test_lock_of_a_neighbour_that_stopped_is_waited_for_until_the_stall_limit_only(version, lease, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "2")
    forget_settings()
    with packs.fetched(version, lease) as folder:
        lock = folder.with_name(folder.name + ".lock")
    hold = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as neighbour:
        neighbour.stdout.readline()
        neighbour.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(Stalled), packs.fetched(version, lease):
                pass
        finally:
            neighbour.kill()
    assert _use(version) == len(seed.SAMPLES)


def _use(version: DatasetVersion) -> int:
    with packs.fetched(version, Lease(lambda _: None)) as folder:
        return (folder / "samples.arrow").stat().st_size


def test_altered_object_leaves_nothing_in_the_cache(version, lease):
    storage.put_bytes(f"{version.object_prefix}samples.arrow", b"altered")
    with pytest.raises(ChecksumMismatch), packs.fetched(version, lease):
        pass
    assert not [path for path in packs.folder().iterdir() if path.is_dir() and not path.name.endswith(".partial")]
    storage.put_bytes(f"{version.object_prefix}samples.arrow", seed.SAMPLES)
    with packs.fetched(version, lease) as folder:
        assert (folder / "samples.arrow").read_bytes() == seed.SAMPLES


def test_missing_object_is_said_to_be_missing(version, lease):
    storage.delete_prefix(version.object_prefix)
    with pytest.raises(NotFound), packs.fetched(version, lease):
        pass


def test_longest_unused_pack_goes_first_and_one_in_use_stays(version, lease):
    versions = [version, *(seed.version(version.tenant_id) for _ in range(2))]
    for age, each in enumerate(versions):
        with packs.fetched(each, lease) as folder:
            pass
        lock = folder.with_name(folder.name + ".lock")
        os.utime(lock, (1_000_000 + age, 1_000_000 + age))
    size = sum(file.stat().st_size for file in folder.iterdir())
    packs.make_room(2 * size)
    assert kept() == sorted(v.id for v in versions[1:])
    with packs.fetched(versions[1], lease):
        packs.make_room(0)
        assert kept() == [versions[1].id]
    packs.make_room(0)
    assert kept() == []

"""One interface, two stores: a folder and S3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import ChecksumMismatch, NotFound, StoreUnavailable
from core.store import storage
from tests.conftest import forget_settings
from tests.servers.proxy import BreakingProxy, Fault

both = pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
INTERNAL_ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>try again</Message></Error>"
CONTENT = bytes(range(256)) * 50_000  # longer than a chunk


@both
def test_file_comes_back_as_it_was_put(environment, tmp_path: Path):
    (tmp_path / "file").write_bytes(CONTENT)
    told = []
    with storage.telling(lambda: told.append(1)):
        stored = storage.put_file("a/b", tmp_path / "file")
    assert len(told) >= 2  # put, its size looked up
    assert (stored.bytes, stored.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    told.clear()
    with storage.telling(lambda: told.append(1)):
        storage.get_file("a/b", tmp_path / "back", sha256=stored.sha256)
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert len(told) >= 2
    storage.get_file("a/b", tmp_path / "again", sha256=stored.sha256)
    assert len(told) < 20  # nobody listens any more


def test_parts_of_a_large_file_are_told_while_it_is_stored_and_none_that_nobody_takes(
    environment, tmp_path: Path, monkeypatch
):
    (tmp_path / "file").write_bytes(bytes(5 * 2**20) * 12)
    told: list[int] = []
    with storage.telling(lambda: told.append(1)):
        storage.put_file("key", tmp_path / "file")
        assert len(told) >= 2 + 12 - storage.PARTS_AT_ONCE - 1
        told.clear()
        monkeypatch.setenv("PATCHSWAP_OBJECTS_URL", "file:///proc/no-such-folder")
        forget_settings()
        with pytest.raises(StoreUnavailable):
            storage.put_file("key", tmp_path / "file")
    assert told == []


@both
@pytest.mark.parametrize(("start", "end"), [(0, None), (0, 1), (5, 5_000), (1_000_000, None), (0, len(CONTENT))])
def test_range_is_the_bytes_from_start_up_to_end(environment, start, end):
    storage.put_bytes("key", CONTENT)
    assert b"".join(storage.read("key", start=start, end=end)) == CONTENT[start:end]


@both
def test_altered_or_missing_object_leaves_no_file(environment, tmp_path: Path):
    storage.put_bytes("key", b"altered")
    with pytest.raises(ChecksumMismatch):
        storage.get_file("key", tmp_path / "file", sha256="0" * 64)
    with pytest.raises(NotFound):
        storage.get_file("missing", tmp_path / "file")
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@both
def test_prefix_is_listed_and_deleted_and_nothing_beside_it(environment):
    for key in ("a/1", "a/2/3", "ab/1"):
        storage.put_bytes(key, b"x")
    assert storage.sizes("a/") == {"a/1": 1, "a/2/3": 1}
    storage.delete_prefix("a/")
    storage.delete(["a/1"])
    assert storage.sizes("") == {"ab/1": 1}


@both
def test_size_of_what_is_not_there_is_none(environment):
    assert storage.size("missing") is None
    storage.put_bytes("key", b"xyz")
    assert storage.size("key") == 3


@both
def test_young_objects_are_not_listed_as_old(environment):
    storage.put_bytes("a/1", b"x")
    assert list(storage.older_than("a/", timedelta(hours=1))) == []
    assert list(storage.older_than("a/", timedelta(hours=-1))) == [["a/1"]]


def test_store_that_does_not_answer_is_unavailable(environment, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_OBJECTS_URL", "file:///proc/no-such-folder")
    forget_settings()
    with pytest.raises(StoreUnavailable):
        storage.put_bytes("key", b"x")


@pytest.fixture
def s3_proxy(environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[BreakingProxy]:
    proxy = BreakingProxy(environment["PATCHSWAP_S3_ENDPOINT"], keep_host=True)
    monkeypatch.setenv("PATCHSWAP_S3_ENDPOINT", proxy.url)
    forget_settings()
    yield proxy
    proxy.close()


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
@pytest.mark.parametrize(("method", "path", "size"), [("POST", "uploadId=", len(CONTENT)), ("PUT", "/key", 100)])
def test_error_in_the_body_of_a_200_is_no_stored_file(s3_proxy, tmp_path: Path, method: str, path: str, size: int):
    """S3 answers so when it fails after it began to answer; of one part and of many."""
    (tmp_path / "file").write_bytes(CONTENT[:size])
    fault = {"kind": "refuse", "status": 200, "headers": {"Content-Type": "application/xml"}, "times": 1_000}
    s3_proxy.faults.append(Fault(method, path, body=INTERNAL_ERROR, **fault))
    with pytest.raises((StoreUnavailable, NotFound, ChecksumMismatch)):
        storage.put_file("key", tmp_path / "file")
    s3_proxy.faults.clear()
    assert storage.put_file("key", tmp_path / "file").bytes == size

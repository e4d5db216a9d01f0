"""What a killed process leaves of a large upload goes when it is old, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import StoreUnavailable
from core.settings import settings
from core.store import multipart, storage
from tests.conftest import forget_settings
from tests.servers.cut_uploads import leave_unfinished
from tests.servers.proxy import BreakingProxy, Fault
from tests.servers.swift import SwiftServer

NOW, AN_HOUR = timedelta(0), timedelta(hours=1)
both = pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
swift = pytest.mark.parametrize("objects_url", ["swift"], indirect=True)


def unfinished(request: pytest.FixtureRequest) -> list[str]:
    """Keys, asked of the store itself."""
    url = settings().objects_url
    if url.startswith("file://"):
        folder = Path(url.removeprefix("file://"))
        return sorted(str(path.relative_to(folder)).partition("#")[0] for path in folder.rglob("*#*"))
    server: SwiftServer = request.getfixturevalue("swift_server")
    bucket = url.removeprefix("s3://").partition("/")[0]
    return sorted(name.removeprefix("tests/").rpartition("/")[0] for name in server.open_uploads(bucket))


@both
def test_old_unfinished_upload_is_removed_and_what_is_stored_is_not(environment, request):
    storage.put_bytes("jobs/a/1/x", b"x")
    leave_unfinished("jobs/a/1/x", "jobs/b/1/weights + more.ckpt", "exports/c")
    assert multipart.abort_older_than("jobs/", NOW) == 2
    assert unfinished(request) == ["exports/c"]
    assert storage.get_bytes("jobs/a/1/x") == b"x"
    assert multipart.abort_older_than("jobs/", NOW) == 0


@both
def test_young_unfinished_upload_stays(environment, request):
    leave_unfinished("jobs/a/1/x")
    assert multipart.abort_older_than("jobs/", AN_HOUR) == 0
    assert unfinished(request) == ["jobs/a/1/x"]


@pytest.fixture
def s3_proxy(environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[BreakingProxy]:
    proxy = BreakingProxy(environment["PATCHSWAP_S3_ENDPOINT"], keep_host=True)
    monkeypatch.setenv("PATCHSWAP_S3_ENDPOINT", proxy.url)
    forget_settings()
    yield proxy
    proxy.close()


@swift
def test_all_pages_of_the_list_are_read(environment, request, monkeypatch: pytest.MonkeyPatch):
    keys = [f"jobs/{n}/1/x" for n in range(5)]
    leave_unfinished(*keys)
    ask = multipart._Bucket._ask
    monkeypatch.setattr(
        multipart._Bucket, "_ask", lambda *a: ask(*a[:3], a[3] | ({"max-uploads": "2"} if "uploads" in a[3] else {}))
    )
    assert multipart.abort_older_than("jobs/", NOW) == 5
    assert unfinished(request) == []


@swift
def test_store_that_lists_no_uploads_is_told_of_in_the_log(s3_proxy, caplog: pytest.LogCaptureFixture):
    s3_proxy.faults.append(Fault("GET", "uploads=", "refuse", status=501, times=10))
    assert multipart.abort_older_than("jobs/", NOW) == 0
    assert "lifecycle rule" in caplog.text


@swift
@pytest.mark.parametrize(("method", "path"), [("GET", "uploads="), ("DELETE", "uploadId=")])
def test_store_that_fails_is_unavailable(s3_proxy, method: str, path: str):
    leave_unfinished("jobs/a/1/x")
    s3_proxy.faults.append(Fault(method, path, "refuse", status=503, times=10))
    with pytest.raises(StoreUnavailable):
        multipart.abort_older_than("jobs/", NOW)

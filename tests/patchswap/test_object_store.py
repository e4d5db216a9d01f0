"""Uploads and downloads that go straight to an S3 server, past the api, by presigned urls."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.database.database import transaction
from core.datasets import uploads
from core.store import storage
from patchswap.calls import downloads
from patchswap.calls import uploads as client_uploads
from patchswap.calls.downloads import Wanted
from patchswap.client import Client
from tests.conftest import forget_settings
from tests.servers.api import ApiServer
from tests.servers.proxy import BreakingProxy, Fault
from tests.servers.swift import SwiftServer


@pytest.fixture
def s3_network(swift_server: SwiftServer) -> Iterator[BreakingProxy]:
    """The network between clients and the S3 server."""
    proxy = BreakingProxy(swift_server.access.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture
def s3_client(
    database: str, api_key: str, swift_server: SwiftServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """Of an api of its own, whose objects are in a bucket."""
    bucket = f"bucket-{os.urandom(6).hex()}"
    swift_server.create_bucket(bucket)
    variables = swift_server.access.environment() | {"PATCHSWAP_OBJECTS_URL": f"s3://{bucket}/tests"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    forget_settings()
    api = ApiServer(tmp_path)
    api.start()
    with Client(api.url, api_key) as client:
        yield client
    api.stop()


def test_a_file_goes_up_and_comes_down_without_the_api_seeing_its_bytes(s3_client: Client, tmp_path: Path):
    content = os.urandom(uploads.MIN_PART_BYTES + 5_000)
    (tmp_path / "a.zip").write_bytes(content)
    upload_id = client_uploads.push(s3_client.transport, tmp_path / "a.zip", media_type="application/zip")
    page = s3_client.transport.get(f"/v1/uploads/{upload_id}")
    assert page["status"] == "complete"
    with transaction() as session:
        stored = b"".join(bytes(chunk) for chunk in uploads.content(session.get_one(uploads.Upload, upload_id)))
    assert stored == content


def test_a_presigned_url_gets_no_key_and_no_compression(
    s3_client: Client, s3_network: BreakingProxy, tmp_path: Path, swift_server: SwiftServer
):
    content = os.urandom(2_000_000)
    storage.put_bytes("tests/bundle.zip", content)
    url = storage.presign("GET", "tests/bundle.zip")
    assert url is not None
    s3_network.faults.append(Fault("GET", "bundle.zip", "cut_answer", after_bytes=900_000))
    through = url.replace(swift_server.access.endpoint, s3_network.url)
    wanted = Wanted(through, size=len(content), sha256=hashlib.sha256(content).hexdigest())
    path = downloads.fetch(s3_client.transport, wanted, tmp_path / "b.zip")
    assert path.read_bytes() == content
    first, second = s3_network.requests("GET", "bundle.zip")
    assert "authorization" not in first.headers
    assert first.headers["accept-encoding"] == "identity"
    assert second.headers["range"].startswith("bytes=")

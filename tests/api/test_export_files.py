"""GET /v1/exports/{export_id}/files/{name}: one file of a bundle, through the api wherever the store is."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from core import signing
from core.store import storage
from core.tables import DatasetVersion
from patchswap.client import Client
from tests.api import made, served
from tests.api.served import Served
from tests.api.serving import Caller
from tests.conftest import forget_settings


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_a_file_is_the_bundles_own(ours: Caller, version: DatasetVersion, tmp_path: Path):
    net = served.published(version, tmp_path / "made")
    for name in ("model.onnx", "preprocess.json", "labels.json"):
        answer = ours.get(f"/v1/exports/{net.export.id}/files/{name}")
        assert (answer.status_code, answer.content) == (200, (net.folder / name).read_bytes())
        kept = ours.get(f"/v1/exports/{net.export.id}/files/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (kept.status_code, kept.content) == (304, b"")
    assert json.loads(ours.get(f"/v1/exports/{net.export.id}/files/labels.json").content) == served.LABELS


def noted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each call of the store's `read` gives; the api of these tests runs in this process."""
    counts: list[int] = []
    read = storage.read

    def reading(key: str, **options: Any) -> Iterator[memoryview]:
        counts.append(0)
        for chunk in read(key, **options):
            counts[-1] += len(chunk)
            yield chunk

    monkeypatch.setattr(storage, "read", reading)
    return counts


def large_network(path: Path, mode: str, seed: int) -> None:
    """With 4 MB that do not shrink, as weights."""
    served.network(path, mode, seed)
    proto = onnx.load(path)
    values = np.random.default_rng(seed).standard_normal(10**6).astype(np.float32)
    proto.graph.initializer.append(numpy_helper.from_array(values, "unused"))
    onnx.save(proto, path)


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_no_more_is_read_than_the_file(
    ours: Caller, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, model, _ = made.published_job(version)
    net = served.export(model, tmp_path / "made", write=large_network)
    counts = noted(monkeypatch)
    for name in ("model.onnx", "preprocess.json", "labels.json"):
        assert ours.get(f"/v1/exports/{net.export.id}/files/{name}").content == (net.folder / name).read_bytes()
    weights, *others = counts
    assert weights == (net.folder / "model.onnx").stat().st_size
    assert len(others) == 2
    assert sum(others) < 1000


def test_every_file_of_a_signed_bundle_can_be_read(
    ours: Caller, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    signing.create(tmp_path / "key.pem")
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    forget_settings()
    _, model, _ = made.published_job(version)
    net = served.export(model, tmp_path / "made", seal=signing.seal)
    names = {path.name for path in net.folder.iterdir()}
    assert {"manifest.json", "signature.json", "infer.py"} < names
    for name in names:
        assert ours.get(f"/v1/exports/{net.export.id}/files/{name}").content == (net.folder / name).read_bytes()


def test_a_bundle_of_an_older_release_is_fetched_and_compared_whole(
    ours: Caller, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, model, _ = made.published_job(version)
    net = served.export(model, tmp_path / "made", members=None)
    counts = noted(monkeypatch)
    path = f"/v1/exports/{net.export.id}/files"
    assert json.loads(ours.get(f"{path}/labels.json").content) == served.LABELS
    assert counts == [net.export.bytes]
    assert "model.onnx" in ours.get(f"{path}/model.tflite").json()["detail"]
    replace(net, b"something else")
    assert ours.get(f"{path}/labels.json").status_code == 410


def test_the_client_reads_one_file(ours: Caller, version: DatasetVersion, tmp_path: Path):
    net = served.published(version, tmp_path / "made")
    with Client(str(ours.http.base_url), ours.key) as client:
        assert json.loads(client.exports.read_file(net.export.id, "labels.json")) == served.LABELS


def test_a_file_that_is_not_there_names_those_that_are(
    ours: Caller, theirs: Caller, version: DatasetVersion, tmp_path: Path
):
    net = served.published(version, tmp_path / "made")
    answer = ours.get(f"/v1/exports/{net.export.id}/files/model.tflite")
    assert answer.status_code == 404
    assert "model.onnx" in answer.json()["detail"]
    assert theirs.get(f"/v1/exports/{net.export.id}/files/model.onnx").status_code == 404
    assert ours.get(f"/v1/exports/{net.export.id}/files/..%2Fsecret").status_code == 404


def replace(net: Served, content: bytes) -> None:
    assert net.export.object_key
    storage.put_bytes(net.export.object_key, content)


def test_no_file_of_an_export_that_failed_its_gate(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    failed = made.export(model, "gate_failed")
    assert ours.get(f"/v1/exports/{failed.id}/files/model.onnx").status_code == 409


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_no_byte_of_a_damaged_bundle_is_handed_out(ours: Caller, version: DatasetVersion, tmp_path: Path):
    net = served.published(version, tmp_path / "made")
    path = f"/v1/exports/{net.export.id}/files"
    content = (tmp_path / "made" / "bundle.zip").read_bytes()
    packed, plain = (net.export.members[name] for name in ("labels.json", "model.onnx"))
    assert (packed["deflated"], plain["deflated"]) == (True, False)
    for member, name in ((packed, "labels.json"), (plain, "model.onnx")):
        middle = (member["start"] + member["end"]) // 2
        altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        replace(net, altered)
        assert ours.get(f"{path}/{name}").status_code == 410
    bomb = zlib.compress(bytes(10**7), wbits=-15)[: packed["end"] - packed["start"]]
    replace(net, content[: packed["start"]] + bomb + content[packed["start"] + len(bomb) :])
    assert ours.get(f"{path}/labels.json").status_code == 410
    for other in (b"something else", content + b"more"):
        replace(net, other)
        assert ours.get(f"{path}/model.onnx").status_code == 410
    storage.delete([str(net.export.object_key)])
    assert ours.get(f"{path}/model.onnx").status_code == 410

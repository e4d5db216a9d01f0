"""GET /v1/exports/{export_id}/files/{name}: one file of a bundle, through the api wherever the store is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.store import storage
from core.tables import DatasetVersion
from patchswap.client import Client
from tests.api import made, served
from tests.api.serving import Caller


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_a_file_is_the_bundles_own(ours: Caller, version: DatasetVersion, tmp_path: Path):
    net = served.published(version, tmp_path / "made")
    for name in ("model.onnx", "preprocess.json", "labels.json"):
        answer = ours.get(f"/v1/exports/{net.export.id}/files/{name}")
        assert (answer.status_code, answer.content) == (200, (net.folder / name).read_bytes())
        kept = ours.get(f"/v1/exports/{net.export.id}/files/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (kept.status_code, kept.content) == (304, b"")
    assert json.loads(ours.get(f"/v1/exports/{net.export.id}/files/labels.json").content) == served.LABELS


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


def test_no_file_of_an_export_that_failed_its_gate_or_was_damaged(
    ours: Caller, version: DatasetVersion, tmp_path: Path
):
    net = served.published(version, tmp_path / "made")
    failed = made.export(net.model, "gate_failed")
    assert ours.get(f"/v1/exports/{failed.id}/files/model.onnx").status_code == 409
    assert net.export.object_key
    storage.put_bytes(net.export.object_key, b"something else")
    assert ours.get(f"/v1/exports/{net.export.id}/files/model.onnx").status_code == 410

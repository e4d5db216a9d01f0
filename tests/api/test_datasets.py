"""Datasets, versions, validation reports and samples."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import redis
from PIL import Image

from contract.pack.manifest import Pairability
from contract.results.ingested import Finding, ValidationReport
from core.database import leases
from core.database.database import transaction
from core.datasets import ledger as datasets
from core.store import storage
from core.tables import DatasetVersion
from tests.api.serving import Caller
from tests.data import packs
from tests.worker import seed

REPORT = ValidationReport(
    status="invalid",
    archive="zip",
    layout="image_folder",
    accepted=0,
    skipped=1,
    ignored=0,
    classes=0,
    splits={},
    pairability=Pairability(share=0, unpairable_classes=[]),
    findings=[Finding(severity="error", code="truncated", path="a.jpg", message="is truncated", fix="send it again")],
    counts={"truncated": 1},
)


def create(ours: Caller, **more) -> dict:
    upload = seed.upload(ours.tenant_id, b"archive")
    answer = ours.post("/v1/datasets", {"name": "d", "upload_id": upload.id} | more)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/datasets/{answer.json()['id']}"
    return answer.json()


def test_dataset_is_ingested_in_the_background(ours: Caller, redis_url: str):
    dataset = create(ours, splits={"val": 0.2, "test": 0.2, "seed": 3, "train_per_class": 5})
    assert (dataset["status"], dataset["latest_version_id"], dataset["error"]) == ("ingesting", None, None)
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen("patchswap:short") == 1
    (version,) = ours.get(f"/v1/datasets/{dataset['id']}/versions").json()["data"]
    assert (version["status"], version["requested_splits"]["train_per_class"]) == ("queued", 5)
    early = ours.get(f"/v1/datasets/{dataset['id']}/versions/latest/validation")
    assert (early.status_code, early.json()["code"], early.json()["retryable"]) == (409, "dataset_not_ready", True)
    assert ours.post("/v1/jobs", {"dataset": dataset["id"]}).json()["code"] == "dataset_not_ready"


def test_how_to_read_is_recorded_with_the_version(ours: Caller):
    reading = {"classes_at": 2, "map": {"kitten": "cat"}, "labels_from": "auto"}
    dataset = create(ours, reading=reading)
    version = ours.get(f"/v1/datasets/{dataset['id']}/versions/latest").json()
    assert version["reading"] == {"classes_at": 2, "map": {"kitten": "cat"}}
    assert ours.get(f"/v1/datasets/{create(ours)['id']}/versions/latest").json()["reading"] is None


def test_refused_archive_has_a_report_that_says_how_to_mend_it(ours: Caller):
    dataset = create(ours)
    (version,) = ours.get(f"/v1/datasets/{dataset['id']}/versions").json()["data"]
    with transaction() as session:
        fence = leases.claim(session, DatasetVersion, version["id"], "w").fence
    error = {"code": "dataset_invalid", "message": "nothing in it"}
    with transaction() as session:
        datasets.fail_version(session, version["id"], fence, error=error, report=REPORT.model_dump(mode="json"))
    assert ours.get(f"/v1/datasets/{dataset['id']}").json()["status"] == "failed"
    report = ours.get(f"/v1/datasets/{dataset['id']}/versions/latest/validation").json()
    assert report["findings"] == [REPORT.findings[0].model_dump()]
    job = ours.post("/v1/jobs", {"dataset": dataset["id"]})
    assert (job.status_code, job.json()["code"], job.json()["retryable"]) == (409, "dataset_failed", False)


def test_version_tells_what_the_pack_holds(ours: Caller, version: DatasetVersion):
    body = ours.get(f"/v1/datasets/{version.dataset_id}/versions/latest").json()
    assert body == ours.get(f"/v1/datasets/{version.dataset_id}/versions/{version.id}").json()
    assert (body["id"], body["classes"], body["image_size"]) == (version.id, ["cat", "dog"], [8, 8])
    assert body["splits"] == {"train": 40, "val": 10, "test": 10}
    assert body["counts"]["train"] == {"cat": 20, "dog": 20}


def test_new_version_leaves_the_old_one_in_use(ours: Caller, version: DatasetVersion):
    upload = seed.upload(ours.tenant_id, b"more")
    answer = ours.post(f"/v1/datasets/{version.dataset_id}/versions", {"upload_id": upload.id})
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert ours.get(f"/v1/datasets/{version.dataset_id}").json()["latest_version_id"] == version.id
    assert len(ours.get(f"/v1/datasets/{version.dataset_id}/versions").json()["data"]) == 2


def test_dataset_in_use_cannot_be_deleted(ours: Caller, version: DatasetVersion):
    job = seed.job(version)
    path = f"/v1/datasets/{version.dataset_id}"
    refused = ours.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    ours.post(f"/v1/jobs/{job.id}/cancel")
    assert ours.delete(path).status_code == 204
    assert ours.get(path).status_code == 404
    assert ours.post("/v1/jobs", {"dataset": version.id}).status_code == 422


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"task": "captioning"}, "/task"),
        ({"upload_id": "upl_" + "0" * 32}, "/upload_id"),
        ({"upload_id": "x"}, "/upload_id"),
        ({"splits": {"val": 0.6, "test": 0.6}}, "/splits"),
        ({"splits": {"val": "NaN"}}, "/splits/val"),
        ({"splits": {"odd": 1}}, "/splits/odd"),
        ({"reading": {"odd": 1}}, "/reading/odd"),
        ({"reading": {"unlabelled": "guess"}}, "/reading/unlabelled"),
        ({"reading": {"labelmap": [{"name": "a"}]}}, "/reading/labelmap/0"),
    ],
)
def test_fault_in_a_dataset_is_422_with_its_place(ours: Caller, change: dict, pointer: str):
    upload = seed.upload(ours.tenant_id, b"archive")
    answer = ours.post("/v1/datasets", {"name": "d", "upload_id": upload.id} | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_open_upload_makes_no_dataset(ours: Caller):
    upload = ours.post("/v1/uploads", {"bytes": 1, "sha256": "0" * 64}).json()
    assert ours.post("/v1/datasets", {"name": "d", "upload_id": upload["id"]}).status_code == 409


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("content", [b"not an Arrow file", b""])
def test_pack_that_was_damaged_in_the_store_is_410(ours: Caller, content: bytes):
    version = seed.version(ours.tenant_id)
    storage.put_bytes(f"{version.object_prefix}samples.arrow", content)
    path = f"/v1/datasets/{version.dataset_id}/versions/latest/samples"
    for url in (path, f"{path}/0/image"):
        answer = ours.get(url)
        assert (answer.status_code, answer.json()["code"]) == (410, "pack_damaged")


@pytest.fixture
def shapes(ours: Caller, tmp_path: Path, request: pytest.FixtureRequest) -> DatasetVersion:
    manifest = packs.shapes(tmp_path / "pack", counts=(600, 8, 8), encoded=request.param)
    return seed.version(ours.tenant_id, manifest, (tmp_path / "pack" / "samples.arrow").read_bytes())


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
@pytest.mark.parametrize("shapes", [False, True], indirect=True)
def test_samples_are_listed_and_shown(ours: Caller, shapes: DatasetVersion):
    path = f"/v1/datasets/{shapes.dataset_id}/versions/latest/samples"
    first = ours.get(f"{path}?limit=3").json()
    assert [sample["index"] for sample in first["data"]] == [0, 1, 2]
    last = ours.get(f"{path}?limit=10&after=611").json()  # beyond the first record batch of 512 rows
    assert [sample["index"] for sample in last["data"]] == [612, 613, 614, 615]
    assert (last["has_more"], last["data"][0]["split"]) == (False, "test")
    sample = last["data"][-1]
    shown = ours.get(sample["image_url"])
    assert shown.headers["Content-Type"] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(shown.content)))
    assert pixels.shape == (sample["height"], sample["width"], 3)
    kept = ours.get(sample["image_url"], headers={"If-None-Match": shown.headers["ETag"]})
    assert kept.status_code == 304
    assert ours.get(f"{path}/616/image").status_code == 404


@pytest.mark.parametrize("shapes", [False], indirect=True)
def test_samples_are_filtered_by_split_and_class(ours: Caller, shapes: DatasetVersion):
    path = f"/v1/datasets/{shapes.dataset_id}/versions/{shapes.id}/samples"
    found: list[dict] = []
    following = f"{path}?split=val&class_name=1&limit=1"
    while following:
        page = ours.get(following).json()
        found += page["data"]
        following = page["next"]
    assert [(s["split"], s["class_name"]) for s in found] == [("val", "1")] * 2
    assert ours.get(f"{path}?class_name=zebra").status_code == 422


def test_samples_of_a_version_without_pack_are_a_conflict(ours: Caller):
    dataset = create(ours)
    assert ours.get(f"/v1/datasets/{dataset['id']}/versions/latest/samples").status_code == 409

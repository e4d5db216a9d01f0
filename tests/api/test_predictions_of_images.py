"""What a model said of images: of its held-out split, and of another dataset version."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract.predictions import table
from core.database import leases
from core.database.database import transaction
from core.store import storage
from core.tables import DatasetVersion, Model, Prediction
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed
from tests.worker.processes import wait_for

CLASSES = seed.MANIFEST.classes[:2]
A, B = CLASSES
# index, split, label, predicted, probability, loss
SAID = [
    (40, "val", A, A, 0.9, 0.1),
    (41, "test", A, A, 0.8, 0.2),
    (42, "test", A, B, 0.7, 1.5),
    (43, "test", B, B, 0.6, 0.5),
    (44, "test", B, A, 0.95, 3.0),
    (45, "test", B, A, 0.55, 1.5),
]


def rows_of(said: list[tuple]) -> pa.Table:
    index, split, label, predicted, probability, loss = zip(*said, strict=True)
    columns = {"index": index, "split": split, "path": [f"{i}.png" for i in index], "label": label}
    columns |= {"predicted": predicted, "probability": probability, "loss": loss, "label_probability": probability}
    columns["error"] = [one != other for one, other in zip(label, predicted, strict=True)]
    return table("classification", columns)


def parquet(rows: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(rows, out)
    return out.getvalue()


@pytest.fixture
def model(version: DatasetVersion) -> Model:
    _, model, _ = made.published_job(version)
    stored = storage.put_bytes(f"jobs/{model.job_id}/1/predictions.parquet", parquet(rows_of(SAID)))
    with transaction() as session:
        row = session.get_one(Model, model.id)
        row.predictions_key, row.predictions_bytes, row.predictions_sha256 = stored.key, stored.bytes, stored.sha256
    return model


def indices(ours: Caller, model: Model, query: str = "") -> list[int]:
    answer = ours.get(f"/v1/models/{model.id}/predictions{query}")
    assert answer.status_code == 200, answer.text
    return [row["index"] for row in answer.json()["data"]]


def test_the_worst_of_the_held_out_split_come_first(ours: Caller, model: Model):
    path = ours.get(f"/v1/models/{model.id}").json()["links"]["predictions"]
    (first, *_) = ours.get(path).json()["data"]
    assert (first["index"], first["label"], first["predicted"], first["error"]) == (44, B, A, True)
    assert (first["path"], first["loss"], first["task"]) == ("44.png", 3.0, "classification")
    assert first["thumbnail_url"].endswith("/samples/44/thumbnail")
    assert indices(ours, model) == [44, 42, 45, 43, 41]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?sort=best", [41, 43, 42, 45, 44]),
        ("?sort=sure", [44, 41, 42, 43, 45]),
        ("?sort=unsure", [45, 43, 42, 41, 44]),
        ("?sort=index", [41, 42, 43, 44, 45]),
        ("?split=val", [40]),
        ("?error=true&sort=sure", [44, 42, 45]),
        ("?error=false&sort=index", [41, 43]),
        (f"?class={A}&sort=index", [41, 42]),
        (f"?class={B}&predicted={A}", [44, 45]),
    ],
)
def test_filters_and_orders(ours: Caller, model: Model, query: str, expected: list[int]):
    assert indices(ours, model, query) == expected


def test_pages_follow_each_other(ours: Caller, model: Model):
    seen, path = [], f"/v1/models/{model.id}/predictions?limit=2"
    while path:
        page = ours.get(path).json()
        seen += [row["index"] for row in page["data"]]
        path = page["next"]
    assert seen == [44, 42, 45, 43, 41]
    strange = ours.get(f"/v1/models/{model.id}/predictions?after=40")
    assert (strange.status_code, strange.json()["errors"][0]["pointer"]) == (422, "#query/after")


def test_unknown_classes_and_models_without_predictions(ours: Caller, model: Model, version: DatasetVersion):
    for name in ("class", "predicted"):
        answer = ours.get(f"/v1/models/{model.id}/predictions?{name}=nobody")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#query/{name}")
    _, older, _ = made.published_job(version)
    answer = ours.get(f"/v1/models/{older.id}/predictions")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_predictions")
    assert "predictions" not in ours.get(f"/v1/models/{older.id}").json()["links"]


def test_batch_of_a_version_is_queued_once_and_then_downloaded(ours: Caller, model: Model, version: DatasetVersion):
    key = {"Idempotency-Key": "batch-1"}
    path, body = f"/v1/models/{model.id}/predictions", {"dataset_version": version.id}
    asked, again = (ours.post(path, body, headers=key) for _ in range(2))
    assert (asked.status_code, again.json()) == (202, asked.json())
    page = ours.get(asked.headers["Location"])
    assert (page.json()["status"], page.json()["images"], page.headers["Retry-After"]) == ("queued", None, "1")
    rows = page.json()["links"]["rows"]
    assert (ours.get(rows).status_code, ours.get(rows).json()["code"]) == (409, "rows_not_ready")
    content = parquet(rows_of(SAID))
    stored = storage.put_bytes(f"predictions/{page.json()['id']}/1/predictions.parquet", content)
    with transaction() as session:
        row = session.get_one(Prediction, page.json()["id"])
        row.status, row.images, row.object_key = "succeeded", len(SAID), stored.key
        row.bytes, row.sha256 = stored.bytes, stored.sha256
    assert ours.get(rows).content == content
    first, *lines = ours.get(f"{rows}?format=csv").text.splitlines()
    assert first == "index,split,path,error,probability,loss,label,predicted,label_probability"
    assert lines[2] == f"42,test,42.png,true,0.7,1.5,{A},{B},0.7"
    said = [json.loads(line) for line in ours.get(f"{rows}?format=ndjson").text.splitlines()]
    assert said == rows_of(SAID).to_pylist()
    listed = ours.get(f"/v1/predictions?model={model.id}").json()["data"]
    assert [one["id"] for one in listed] == [page.json()["id"]]


@pytest.fixture
def batch(ours: Caller, model: Model, version: DatasetVersion) -> str:
    """The path of a batch prediction whose rows are there."""
    path = ours.post(f"/v1/models/{model.id}/predictions", {"dataset_version": version.id}).headers["Location"]
    prediction_id = path.rpartition("/")[2]
    stored = storage.put_bytes(f"predictions/{prediction_id}/1/predictions.parquet", parquet(rows_of(SAID)))
    with transaction() as session:
        row = session.get_one(Prediction, prediction_id)
        row.status, row.images, row.object_key = "succeeded", len(SAID), stored.key
        row.bytes, row.sha256 = stored.bytes, stored.sha256
    return path


def used_bytes(who: Caller) -> int:
    return who.get("/v1/me").json()["quotas"]["bytes"]["used"]


@pytest.mark.parametrize("objects_url", ["local", "swift"], indirect=True)
def test_deleted_batch_is_gone_with_its_object_its_bytes_and_an_audit_entry(ours: Caller, batch: str):
    rows = ours.get(batch).json()
    key, before = f"predictions/{rows['id']}/1/predictions.parquet", used_bytes(ours)
    assert storage.get_bytes(key)
    assert ours.delete(batch).status_code == 204
    wait_for(lambda: not list(storage.older_than(f"predictions/{rows['id']}/", timedelta(0))))
    assert ours.get(batch).status_code == ours.get(f"{batch}/rows").status_code == ours.delete(batch).status_code == 404
    assert used_bytes(ours) == before - rows["bytes"]
    newest = ours.get("/v1/audit?order=desc").json()["data"][0]
    assert (newest["method"], newest["path"]) == ("DELETE", batch)


def test_queued_batch_may_be_deleted_and_no_worker_gets_it(ours: Caller, model: Model, version: DatasetVersion):
    asked = ours.post(f"/v1/models/{model.id}/predictions", {"dataset_version": version.id}).json()
    assert ours.delete(asked["links"]["self"]).status_code == 204
    with transaction() as session:
        assert leases.claim(session, Prediction, asked["id"], "worker-1") is None


def test_batch_that_changed_meanwhile_is_not_deleted(ours: Caller, batch: str):
    assert ours.delete(batch, headers={"If-Match": '"older"'}).status_code == 412
    assert ours.delete(batch, headers={"If-Match": ours.get(batch).headers["ETag"]}).status_code == 204


def test_what_a_model_keeps_beside_its_weights_counts(ours: Caller, model: Model):
    before = used_bytes(ours)
    with transaction() as session:
        row = session.get_one(Model, model.id)
        row.report_bytes, row.predictions_bytes = (row.report_bytes or 0) + 1000, (row.predictions_bytes or 0) + 10
    assert used_bytes(ours) == before + 1010


@pytest.mark.parametrize(
    ("changes", "words"), [({"task": "segmentation"}, "segmentation"), ({"channels": 3}, "colour")]
)
def test_images_that_the_network_cannot_take_are_refused(ours: Caller, model: Model, changes: dict, words: str):
    strange = seed.version(ours.tenant_id, seed.MANIFEST.model_copy(update=changes))
    answer = ours.post(f"/v1/models/{model.id}/predictions", {"dataset_version": strange.id})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/dataset_version")
    assert words in answer.json()["detail"]
    unknown = ours.post(f"/v1/models/{model.id}/predictions", {"dataset_version": "nobody@7"})
    assert unknown.json()["errors"][0]["pointer"] == "/dataset_version"

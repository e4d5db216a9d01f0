"""Pretrained weights: built-in ones and a tenant's own; what a job may begin with."""

from __future__ import annotations

import time

import pytest
import redis

from core.store import storage
from core.tables import DatasetVersion
from tests.api import made, weighed
from tests.api.serving import Caller
from tests.conftest import forget_settings
from tests.worker import seed

LITE0 = "wts_efficientnet_lite0_in1k"
BODY = {"architecture": "resnet18", "licence": "CC0-1.0", "source": "a colleague"}
COLOUR = {"channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3, "image_size": (64, 64), "median_size": (64, 64)}


@pytest.fixture
def photos(ours: Caller) -> DatasetVersion:
    """64 x 64 px, in colour."""
    return seed.version(ours.tenant_id, seed.MANIFEST.model_copy(update=COLOUR))


def push(ours: Caller, **more):
    return ours.post("/v1/weights", BODY | {"upload_id": seed.upload(ours.tenant_id, b"tensors").id} | more)


def submitted(ours: Caller, photos: DatasetVersion, **model):
    return ours.post("/v1/jobs", {"dataset": photos.id, "exports": [], "model": {"architecture": "resnet18"} | model})


def refusal(answer) -> dict:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/model/pretrained"
    return error


def test_built_in_weights_are_everybodys(ours: Caller, theirs: Caller):
    found = ours.get(f"/v1/weights/{LITE0}").json()
    assert (found["status"], found["built_in"], found["licence"]) == ("ready", True, "Apache-2.0")
    assert found["input"]["mean"] == [127 / 255] * 3
    assert [each["id"] for each in ours.get("/v1/weights").json()["data"]][:1] == ["wts_mobilenet_v2_in1k"]
    assert theirs.get(f"/v1/weights/{LITE0}").json() == found
    refused = ours.delete(f"/v1/weights/{LITE0}")
    assert (refused.status_code, refused.json()["code"]) == (409, "weights_built_in")


def test_pushed_weights_wait_to_be_read(ours: Caller, redis_url: str):
    rule = {"size": [128, 160], "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bicubic"}
    answer = push(ours, name="mine", classes=["cat", "dog"], input=rule)
    assert answer.status_code == 202, answer.text
    row = answer.json()
    assert answer.headers["Location"] == f"/v1/weights/{row['id']}"
    assert (row["status"], row["name"], row["classes"], row["report"]) == ("queued", "mine", ["cat", "dog"], None)
    assert row["input"] == rule | {"crop": 1.0}
    with redis.Redis.from_url(redis_url) as broker:
        assert broker.llen("patchswap:short") == 1
    assert ours.get(f"/v1/weights/{row['id']}").headers["Retry-After"] == "1"
    (entry,) = [each for each in ours.get("/v1/audit").json()["data"] if each["path"] == "/v1/weights"]
    assert entry["method"] == "POST"


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"architecture": "lraspp_mobilenet_v3_large"}, "/architecture"),
        ({"licence": ""}, "/licence"),
        ({"source": " "}, "/source"),
        ({"classes": ["cat", "cat"]}, "/classes"),
        ({"upload_id": "upl_" + "0" * 32}, "/upload_id"),
        ({"input": {"size": [8, 8], "mean": [0.5], "std": [0.0]}}, "/input/std/0"),
        ({"input": {"size": [8, 8], "mean": [0.5, 0.5], "std": [0.1, 0.1]}}, "/input"),
        ({"pickle": True}, "/pickle"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(ours: Caller, more, pointer):
    answer = push(ours, **more)
    assert answer.status_code == 422, answer.text
    assert {each["pointer"] for each in answer.json()["errors"]} == {pointer}


def test_the_same_key_gives_the_same_weights(ours: Caller):
    body = BODY | {"upload_id": seed.upload(ours.tenant_id, b"tensors").id}
    key = {"headers": {"Idempotency-Key": "once"}}
    first, second = ours.post("/v1/weights", body, **key), ours.post("/v1/weights", body, **key)
    assert first.json() == second.json()
    assert ours.post("/v1/weights", body | {"licence": "MIT"}, **key).json()["code"] == "idempotency_key_reuse"


def test_weights_count_towards_the_bytes_of_a_tenant(ours: Caller, monkeypatch: pytest.MonkeyPatch):
    weighed.ready(ours.tenant_id)
    upload = seed.upload(ours.tenant_id, b"tensors")
    monkeypatch.setenv("PATCHSWAP_QUOTA_BYTES", "25")  # 2 uploads and a file are 21
    forget_settings()
    answer = ours.post("/v1/weights", BODY | {"upload_id": upload.id})
    assert (answer.status_code, answer.json()["code"], answer.json()["used"]) == (429, "quota_exceeded", 21)


def test_lists_show_both_kinds_page_by_page(ours: Caller):
    own = [weighed.queued(ours.tenant_id).id for _ in range(3)]
    for order, expected in (("desc", own[::-1]), ("asc", own)):
        ids, path = [], f"/v1/weights?limit=2&order={order}"
        while path:
            page = ours.get(path).json()
            ids += [each["id"] for each in page["data"]]
            path = page["next"]
        assert len(ids) == len(set(ids)) == 7
        assert [each for each in ids if each in own] == expected


def test_upload_is_kept_while_weights_are_read_from_it(ours: Caller):
    row = weighed.queued(ours.tenant_id)
    answer = ours.delete(f"/v1/uploads/{row.upload_id}")
    assert (answer.status_code, "Weights are being read" in answer.json()["detail"]) == (409, True)
    assert ours.delete(f"/v1/weights/{row.id}").status_code == 204
    assert ours.delete(f"/v1/uploads/{row.upload_id}").status_code == 204


def test_deleted_weights_are_gone_with_their_file(ours: Caller, theirs: Caller):
    row = weighed.ready(ours.tenant_id)
    assert theirs.get(f"/v1/weights/{row.id}").status_code == 404
    assert theirs.delete(f"/v1/weights/{row.id}").status_code == 404
    stale = ours.delete(f"/v1/weights/{row.id}", headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    tag = ours.get(f"/v1/weights/{row.id}").headers["ETag"]
    assert ours.delete(f"/v1/weights/{row.id}", headers={"If-Match": tag}).status_code == 204
    assert ours.get(f"/v1/weights/{row.id}").status_code == 404
    deadline = time.monotonic() + 10
    while storage.sizes("weights/"):
        assert time.monotonic() < deadline, "the file stays"
        time.sleep(0.05)


def test_a_job_begins_with_pushed_weights_and_holds_them(ours: Caller, photos: DatasetVersion):
    row = weighed.ready(ours.tenant_id, input=None)
    answer = submitted(ours, photos, pretrained=row.id)
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["resolved"]["model"]["pretrained"], job["resolved"]["model"]["stem"]) == (row.id, "imagenet")
    assert job["resolved"]["normalisation"]["mean"] == [0.485, 0.456, 0.406]
    assert job["resolved"]["origin"]["licence"] == "CC0-1.0"
    refused = ours.delete(f"/v1/weights/{row.id}")
    assert (refused.status_code, job["id"] in refused.json()["detail"]) == (409, True)
    ours.post(f"/v1/jobs/{job['id']}/cancel")
    assert ours.delete(f"/v1/weights/{row.id}").status_code == 204
    resumed = ours.post(f"/v1/jobs/{job['id']}/resume")
    assert (resumed.status_code, resumed.json()["code"]) == (409, "teacher_gone")


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/validate"])
def test_weights_that_do_not_fit_are_refused(ours: Caller, theirs: Caller, photos: DatasetVersion, path: str):
    row, foreign = weighed.ready(ours.tenant_id), weighed.ready(theirs.tenant_id)

    def asked(**model):
        return ours.post(path, {"dataset": photos.id, "exports": [], "model": {"architecture": "resnet18"} | model})

    assert refusal(asked(pretrained=foreign.id))["code"] == "unknown_weights"
    assert refusal(asked(pretrained=row.id, architecture="resnet34"))["code"] == "weights_unfit"
    assert refusal(asked(pretrained=row.id, stem="small"))["code"] == "weights_unfit"
    assert refusal(asked(pretrained="imagenet"))["code"] == "no_built_in_weights"
    assert refusal(asked(pretrained="nonsense"))["code"] == "string_pattern_mismatch"
    queued = weighed.queued(ours.tenant_id)
    waiting = asked(pretrained=queued.id)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "weights_not_ready")


def test_auto_takes_built_in_weights_and_says_so(ours: Caller, photos: DatasetVersion, version: DatasetVersion):
    resolved = submitted(ours, photos, architecture="efficientnet_lite0").json()["resolved"]
    assert (resolved["model"]["pretrained"], resolved["origin"]["id"]) == (LITE0, LITE0)
    assert submitted(ours, photos).json()["resolved"]["model"]["pretrained"] is None
    small = submitted(ours, version, architecture="efficientnet_lite0").json()["resolved"]
    assert (small["model"]["pretrained"], "normalisation" in small) == (None, False)


def test_a_classifier_begins_with_an_earlier_one_of_other_classes(ours: Caller, photos: DatasetVersion):
    job, model, _ = made.published_job(photos, model={"architecture": "resnet18"})
    birds = seed.MANIFEST.model_copy(update=COLOUR | {"classes": ["cat", "bird"], "mean": [0.1] * 3})
    answer = submitted(ours, seed.version(ours.tenant_id, birds), pretrained=model.id)
    assert answer.status_code == 202, answer.text
    assert answer.json()["resolved"]["normalisation"]["mean"] == [0.5] * 3  # of the images that it was trained on
    assert answer.json()["resolved"]["origin"]["source"] == f"trained by job {job.id}"
    assert "as pretrained weights" in ours.delete(f"/v1/jobs/{job.id}").json()["detail"]


def test_a_sweep_holds_and_checks_its_weights(ours: Caller, photos: DatasetVersion):
    row = weighed.ready(ours.tenant_id)
    space = {"optimizer.learning_rate": {"type": "float", "low": 0.01, "high": 0.1, "log": True}}
    spec = {"model": {"architecture": "resnet18", "pretrained": row.id}}
    body = {"dataset": photos.id, "space": space, "trials": 2, "spec": spec}
    sweep = ours.post("/v1/sweeps", body)
    assert sweep.status_code == 202, sweep.text
    assert "Sweep" in ours.delete(f"/v1/weights/{row.id}").json()["detail"]
    ours.post(f"/v1/sweeps/{sweep.json()['id']}/cancel")
    assert ours.delete(f"/v1/weights/{row.id}").status_code == 204
    gone = ours.post("/v1/sweeps", body)
    assert (gone.status_code, gone.json()["errors"][0]["pointer"]) == (422, "/spec/model/pretrained")

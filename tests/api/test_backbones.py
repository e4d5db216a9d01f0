"""`model.pretrained` of masks and boxes: a classifier of one's own, of the architecture the network is built on."""

from __future__ import annotations

import pytest

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import seed

MOBILE = {"architecture": "mobilenet_v3_large"}


@pytest.fixture
def masks(version: DatasetVersion) -> DatasetVersion:
    """The tenant's other dataset, of masks."""
    images = {"train": 8, "val": 2, "test": 2}
    told = {"task": "segmentation", "images": images, "encoding": "encoded", "classes": ["background", "cat"]}
    counts = {split: {"background": 100, "cat": 50} for split in images}
    return seed.version(version.tenant_id, seed.MANIFEST.model_copy(update=told | {"counts": counts, "samples": 12}))


def body(masks: DatasetVersion, model_id: str, **model: str) -> dict:
    return {"dataset": masks.id, "exports": [], "model": {"pretrained": model_id} | model}


def refusal(answer) -> dict:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/model/pretrained"
    return error


def test_a_classifier_begins_a_segmentation_network(ours: Caller, version: DatasetVersion, masks: DatasetVersion):
    job, model, _ = made.published_job(version, model=MOBILE)
    answer = ours.post("/v1/jobs", body(masks, model.id))
    assert answer.status_code == 202, answer.text
    resolved = answer.json()["resolved"]
    assert (resolved["task"], resolved["model"]["architecture"]) == ("segmentation", "lraspp_mobilenet_v3_large")
    assert resolved["model"]["pretrained"] == model.id
    refused = ours.delete(f"/v1/jobs/{job.id}")
    assert refused.status_code == 409
    assert "as pretrained weights" in refused.json()["detail"]


def test_what_does_not_fit_is_refused(ours: Caller, theirs: Caller, version: DatasetVersion, masks: DatasetVersion):
    _, small, _ = made.published_job(version, model={"architecture": "resnet18"})
    _, other_stem, _ = made.published_job(version, model=MOBILE | {"stem": "imagenet"})
    assert refusal(ours.post("/v1/jobs", body(masks, "model_x")))["code"] == "unknown_weights"
    assert "is built on efficientnet_lite0" in refusal(ours.post("/v1/jobs", body(masks, small.id)))["message"]
    assert '"stem": "imagenet"' in refusal(ours.post("/v1/jobs", body(masks, other_stem.id, stem="small")))["message"]
    assert ours.post("/v1/jobs", body(masks, other_stem.id)).json()["resolved"]["model"]["stem"] == "imagenet"

"""Models, evaluations, exports, downloads, checkpoints, metrics."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import json

import httpx
import onnxruntime
import pytest
from sqlalchemy import update

from core.database.database import transaction
from core.jobs import curves as metrics
from core.settings import settings
from core.tables import DatasetVersion, Export, Model
from tests.api import made
from tests.api.serving import Caller

SHA256 = hashlib.sha256(made.BUNDLE).hexdigest()
SIZE = len(made.BUNDLE)


def test_published_job_leads_to_its_model(ours: Caller, version: DatasetVersion):
    job, model, export = made.published_job(version)
    body = ours.get(f"/v1/jobs/{job.id}").json()
    assert (body["status"], body["model_id"], body["progress"]["fraction"]) == ("succeeded", model.id, 1.0)
    page = ours.get(body["links"]["model"]).json()
    assert (page["id"], page["job_id"], page["top1_accuracy"]) == (model.id, job.id, 0.75)
    assert [item["id"] for item in ours.get("/v1/models").json()["data"]] == [model.id]
    card = ours.get(page["links"]["card"])
    assert (card.text, card.headers["Content-Type"]) == ("# A model\n", "text/markdown; charset=utf-8")
    (found,) = ours.get(page["links"]["exports"]).json()["data"]
    assert (found["id"], found["status"], found["measured"]["top1_accuracy"]) == (export.id, "succeeded", 0.75)


def test_report_is_a_page_in_which_nothing_runs(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    page = ours.get(f"/v1/models/{model.id}").json()
    assert page["report"] == {"bytes": len(made.REPORT), "sha256": hashlib.sha256(made.REPORT).hexdigest()}
    answer = ours.get(page["links"]["report"])
    assert (answer.status_code, answer.content) == (200, made.REPORT)
    headers = answer.headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    assert "sandbox" in policy
    assert not {"script-src", "connect-src"} & set(policy)
    assert headers["Content-Disposition"].startswith("inline")
    kept = ours.get(page["links"]["report"], headers={"If-None-Match": headers["ETag"]})
    assert (kept.status_code, kept.content) == (304, b"")


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_report_comes_from_here_also_where_a_bucket_has_it(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    answer = ours.get(f"/v1/models/{model.id}/report")
    assert (answer.status_code, answer.content) == (200, made.REPORT)
    assert "Content-Security-Policy" in answer.headers


def test_model_older_than_reports_has_none(ours: Caller, theirs: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version, report=False)
    page = ours.get(f"/v1/models/{model.id}").json()
    assert page["report"] is None
    assert "report" not in page["links"]
    answer = ours.get(f"/v1/models/{model.id}/report")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_report")
    assert theirs.get(f"/v1/models/{model.id}/report").json()["code"] == "not_found"


def test_evaluation_stored_before_the_newer_figures_is_still_told(ours: Caller, version: DatasetVersion):
    job, model, _ = made.published_job(version)
    newer = ("brier", "aurc", "reliability", "superclass_errors", "ece_equal_mass")
    with transaction() as session:
        row = session.get_one(Model, model.id)
        old = json.loads(json.dumps(row.evaluation))
        for arm in old.values():
            for name in ("layer_gradients", "gradient_l1", "against_control", "peak_memory_bytes"):
                del arm[name]
            for name in newer:
                del arm["splits"]["test"][name]
        row.evaluation = old
    body = ours.get(f"/v1/jobs/{job.id}/evaluation").json()
    assert body["difference"]["top1_accuracy"] == 0.25
    assert body["main"]["against_control"] is None
    assert set(newer) <= set(body["main"]["splits"]["test"])


def test_evaluation_has_both_arms_and_their_difference(ours: Caller, version: DatasetVersion):
    job, _, _ = made.published_job(version)
    body = ours.get(f"/v1/jobs/{job.id}/evaluation").json()
    assert body["main"]["splits"]["test"]["confusion"] == [[4, 1], [1, 4]]
    assert body["difference"] == {
        "split": "test",
        "metric": "top1_accuracy",
        "headline": 0.25,
        "top1_accuracy": 0.25,
        "nll": 0.0,
        "ece": 0.0,
    }


def test_job_without_control_has_no_difference(ours: Caller, version: DatasetVersion):
    job, _, _ = made.published_job(version, control=False)
    body = ours.get(f"/v1/jobs/{job.id}/evaluation").json()
    assert (body["control"], body["difference"]) == (None, None)


def test_job_that_did_not_succeed_has_no_evaluation(ours: Caller, version: DatasetVersion):
    job, _ = made.running_job(version)
    answer = ours.get(f"/v1/jobs/{job.id}/evaluation")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_evaluated")


def test_export_can_be_asked_for(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    answer = ours.post(
        f"/v1/models/{model.id}/exports",
        {"format": "onnx", "precision": "int8", "constraints": {"max_drop_points": 1.0}},
    )
    assert answer.status_code == 202
    body = answer.json()
    assert (body["status"], body["bytes"], body["constraints"]["max_drop_points"]) == ("queued", None, 1.0)
    assert ours.get(answer.headers["Location"]).json() == body
    assert ours.get(f"{answer.headers['Location']}/download").json()["code"] == "export_not_ready"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"format": "elf"}, "/format"),
        ({"precision": "int1"}, "/precision"),
        ({"format": "executorch", "precision": "fp16"}, "/precision"),
        ({"constraints": {"max_drop_points": -1}}, "/constraints/max_drop_points"),
        ({"opset": 17}, "/opset"),
        ({"opset": 22}, "/opset"),
        ({"format": "openvino", "opset": 18}, "/opset"),
        ({"constraints": {"odd": 1}}, "/constraints/odd"),
        ({"ladder": {"rungs": []}}, "/ladder/rungs"),
        ({"ladder": {"rungs": ["int8", "int8"]}}, "/ladder/rungs"),
        ({"ladder": {"rungs": ["int4"]}}, "/ladder/rungs/0"),
        ({"ladder": {"qat_epochs": 0}}, "/ladder/qat_epochs"),
        ({"status": "succeeded"}, "/status"),
    ],
)
def test_fault_in_an_export_is_422_with_its_place(ours: Caller, version: DatasetVersion, body: dict, pointer: str):
    _, model, _ = made.published_job(version)
    answer = ours.post(f"/v1/models/{model.id}/exports", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_rung_that_trains_is_for_exports_of_the_job(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    path, limits = f"/v1/models/{model.id}/exports", {"precision": "int8", "constraints": {"max_drop_points": 1.0}}
    answer = ours.post(path, limits | {"ladder": {"rungs": ["int8", "qat"]}})
    assert answer.status_code == 422
    assert "only a job can train" in answer.json()["detail"]
    answer = ours.post(path, limits | {"ladder": {"rungs": ["fp16", "int8"]}})
    assert answer.status_code == 202
    assert (answer.json()["rung"], answer.json()["candidates"]) == (None, [])


def test_candidates_of_a_ladder_are_shown_whole(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    export = made.export(model, "gate_failed")
    with transaction() as session:
        tried = {"rung": "mixed", "fp32_layers": ["conv1.weight"], "drop_points": 1.5, "reasons": ["too much is lost"]}
        session.execute(update(Export).values(rung="mixed", candidates=[tried]).where(Export.id == export.id))
    body = ours.get(f"/v1/exports/{export.id}").json()
    assert body["rung"] == "mixed"
    assert body["candidates"] == [
        tried
        | dict.fromkeys(("qat_epochs", "split", "samples", "model_bytes", "latency_ms_p50"))
        | dict.fromkeys(("top1_accuracy", "mean_iou", "ap", "drop_interval_points", "least_drop_shown_points"))
        | {"meets": False, "like": [], "held_out": []}
    ]


def test_file_that_failed_its_gate_is_not_handed_out(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    export = made.export(model, "gate_failed")
    answer = ours.get(f"/v1/exports/{export.id}/download")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_gate_failed")
    assert answer.json()["violations"]


def test_download_says_what_it_is(ours: Caller, version: DatasetVersion):
    _, _, export = made.published_job(version)
    answer = ours.get(f"/v1/exports/{export.id}/download")
    assert (answer.status_code, answer.content) == (200, made.BUNDLE)
    headers = answer.headers
    assert headers["ETag"] == f'"{SHA256}"'
    assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(SHA256)).decode()}:"
    assert headers["Content-Disposition"] == f'attachment; filename="{export.id}-onnx-fp32.zip"'
    assert (headers["Content-Length"], headers["Accept-Ranges"]) == (str(SIZE), "bytes")
    kept = ours.get(f"/v1/exports/{export.id}/download", headers={"If-None-Match": headers["ETag"]})
    assert (kept.status_code, kept.content) == (304, b"")


RANGES = [
    ("bytes=0-9", 0, 10),
    ("bytes=100-", 100, SIZE),
    ("bytes=-7", SIZE - 7, SIZE),
    (f"bytes=-{SIZE * 2}", 0, SIZE),
    (f"bytes={SIZE - 1}-{SIZE * 9}", SIZE - 1, SIZE),
]


@pytest.mark.parametrize(("asked", "start", "end"), RANGES)
def test_one_range_is_206(ours: Caller, version: DatasetVersion, asked: str, start: int, end: int):
    _, _, export = made.published_job(version)
    answer = ours.get(f"/v1/exports/{export.id}/download", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, made.BUNDLE[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"


BAD = [f"bytes={SIZE}-", "bytes=-0", "bytes=5-4", "bytes=0-1,3-4", "bytes=-", "bytes=x-", "bytes=" + "0-0," * 15000]


@pytest.mark.parametrize("asked", BAD, ids=lambda value: value[:20])
def test_range_that_cannot_be_served_is_416(ours: Caller, version: DatasetVersion, asked: str):
    _, _, export = made.published_job(version)
    answer = ours.get(f"/v1/exports/{export.id}/download", headers={"Range": asked})
    assert answer.status_code in ((400, 416, 431) if len(asked) > 1000 else (416,))
    if answer.status_code == 416:
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


def test_download_goes_on_only_with_the_same_file(ours: Caller, version: DatasetVersion):
    _, _, export = made.published_job(version)
    path = f"/v1/exports/{export.id}/download"
    same = ours.get(path, headers={"Range": "bytes=5-", "If-Range": f'"{SHA256}"'})
    other = ours.get(path, headers={"Range": "bytes=5-", "If-Range": '"x"'})
    foreign = ours.get(path, headers={"Range": "lines=5-"})
    assert [same.status_code, other.status_code, foreign.status_code] == [206, 200, 200]


@pytest.mark.parametrize("objects_url", ["swift"], indirect=True)
def test_bucket_hands_the_file_out_itself(ours: Caller, version: DatasetVersion):
    _, _, export = made.published_job(version)
    answer = ours.get(f"/v1/exports/{export.id}/download")
    assert answer.status_code == 302
    fetched = httpx.get(answer.headers["Location"], headers={"Range": "bytes=10-19"}, trust_env=False)
    assert fetched.content == made.BUNDLE[10:20]


def test_checkpoints_are_listed_and_downloaded(ours: Caller, version: DatasetVersion):
    job, claim = made.running_job(version)
    checkpoint_id = made.checkpoint(claim, b"the state")
    (found,) = ours.get(f"/v1/jobs/{job.id}/checkpoints").json()["data"]
    assert (found["id"], found["step"], found["best"], found["bytes"]) == (checkpoint_id, 10, True, 9)
    assert ours.get(found["links"]["download"]).content == b"the state"


@pytest.fixture
def curves(version: DatasetVersion) -> str:
    job, _ = made.running_job(version)
    with transaction() as session:
        for key, count in (("train.loss", 12_001), ("val.top1_accuracy", 3)):
            rows = [{"job_id": job.id, "key": key, "step": s, "epoch": 1, "value": s / 7} for s in range(count)]
            metrics.record_all(session, rows)
        metrics.record(session, job.id, step=5, epoch=1, values={"train.nan": float("nan")})
    return f"/v1/jobs/{job.id}/metrics"


def test_curves_are_thinned_out_and_keep_their_last_point(ours: Caller, curves: str):
    body = ours.get(f"{curves}?max_points=100").json()
    points = {series["key"]: series["points"] for series in body["data"]}
    assert set(points) == {"train.loss", "train.nan", "val.top1_accuracy"}
    assert 50 < len(points["train.loss"]) <= 100
    assert points["train.loss"][-1]["step"] == 12_000
    assert len(points["val.top1_accuracy"]) == 3
    assert points["train.nan"] == [{"step": 5, "epoch": 1, "value": None}]
    one = ours.get(f"{curves}?keys=val.top1_accuracy,none").json()
    assert [series["key"] for series in one["data"]] == ["val.top1_accuracy"]


def test_curves_can_be_had_whole(ours: Caller, curves: str):
    table = list(csv.DictReader(io.StringIO(ours.get(f"{curves}?format=csv").text)))
    lines = [json.loads(line) for line in ours.get(f"{curves}?format=ndjson").text.splitlines()]
    assert len(table) == len(lines) == 12_001 + 3 + 1
    steps = [int(row["step"]) for row in table if row["key"] == "train.loss"]
    assert steps == list(range(12_001))
    assert float(table[7]["value"]) == lines[7]["value"] == 1.0
    thin = ours.get(f"{curves}?format=csv&max_points=10&keys=train.loss").text.splitlines()
    assert len(thin) <= 11


def test_formats_of_workers_elsewhere_are_those_that_the_api_was_told(ours: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings(), "export_formats", "onnx, coreml")
    found = {told["name"]: told["status"] for told in ours.get("/v1/export_formats").json()["data"]}
    assert [name for name, status in found.items() if status == "available"] == ["onnx", "coreml"]


def test_formats_and_recipes_are_told(ours: Caller):
    onnx, *others = ours.get("/v1/export_formats").json()["data"]
    assert (onnx["name"], onnx["status"], onnx["precisions"]) == ("onnx", "available", ["fp32", "fp16", "int8"])
    assert onnx["versions"]["onnxruntime"] == onnxruntime.__version__
    for told in others:
        here = all(importlib.util.find_spec(package.replace("-", "_")) for package in told["versions"])
        assert told["status"] == ("available" if here else "missing_dependency")
        assert told["install"] == f"pip install 'patchswap[{told['name']}]'"
    run_here = {recipe["name"]: recipe["run_here"] for recipe in ours.get("/v1/recipes").json()["data"]}
    assert run_here["resnet20_short"]
    assert not run_here["cifar100_resnet18_patch_swap"]
    schema = ours.get("/v1/recipes/resnet20_short/schema").json()
    assert schema["default"]["model"]["architecture"] == "resnet20"
    assert schema["properties"]["training"]["default"]["epochs"] == 30
    assert schema["$defs"]["TrainingSpec"]["properties"]["epochs"]["default"] == 30
    assert schema["$defs"]["PatchSwapSpec"]["properties"]["kd_weight"]["default"] == 0.25
    assert schema["$defs"]["KdSpec"]["properties"]["kd_weight"]["default"] != 0.25  # not the recipe's method
    assert ours.get("/v1/recipes/none").status_code == 404


def test_a_recipes_schema_says_what_suits_which_task(ours: Caller):
    definitions = ours.get("/v1/recipes/resnet20_short/schema").json()["$defs"]
    networks = definitions["ModelSpec"]["properties"]["architecture"]["x-tasks"]
    assert "resnet18" in networks["classification"]
    assert "resnet18" not in networks["detection"]
    assert definitions["ExportSpec"]["properties"]["format"]["x-tasks"]["detection"] == ["onnx"]
    assert definitions["CopyPasteSpec"]["x-tasks"] == ["segmentation", "detection"]
    assert definitions["KdSpec"]["x-tasks"] == ["classification"]


def test_suspected_labels_lead_to_their_pictures(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    path = f"/v1/models/{model.id}/suspected-labels"
    none = ours.get(path)
    assert (none.status_code, "no classifier" in none.json()["detail"]) == (404, True)
    suspect = {
        "index": 3,
        "split": "test",
        "path": "cat/3.png",
        "label": "cat",
        "suggested": "dog",
        "label_probability": 0.01,
        "suggested_probability": 0.98,
    }
    found = {
        "images": {"train": 40, "val": 10, "test": 10},
        "found": {"held_out": 1, "train": 0},
        "held_out": [suspect],
        "train": [],
    }
    with transaction() as session:
        row = session.get_one(Model, model.id)
        row.evaluation = row.evaluation | {"main": row.evaluation["main"] | {"suspected_labels": found}}
    body = ours.get(path).json()
    url = f"/v1/datasets/{version.dataset_id}/versions/{version.id}/samples/3/thumbnail"
    assert body == {"model_id": model.id, "dataset_version_id": version.id} | found | {
        "held_out": [suspect | {"thumbnail_url": url}]
    }

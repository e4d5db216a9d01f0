"""`POST /v1/comparisons`: a job for each method and seed, or nothing at all."""

from __future__ import annotations

import base64
import json
from typing import Any

import redis

from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller

BASE = {"training": {"epochs": 4, "pairs_per_batch": 4}}


def body(version: DatasetVersion, **more: Any) -> dict[str, Any]:
    return {"dataset": version.id, "spec": BASE, "methods": ["patch_swap"], "seeds": 2} | more


def count_jobs(ours: Caller) -> int:
    return len(ours.get("/v1/jobs?limit=200").json()["data"])


def test_every_method_gets_a_job_for_every_seed(ours: Caller, version: DatasetVersion, redis_url: str):
    methods = ["patch_swap", {"name": "patch_swap_only", "swap_probability": 0.25}]
    asked = body(version, methods=methods, seeds=[3, 9], name="first", labels={"project": "demo"})
    answer = ours.post("/v1/comparisons", asked)
    assert answer.status_code == 202, answer.text
    created = answer.json()
    assert answer.headers["Location"] == f"/v1/comparisons/{created['id']}"
    assert ours.get(answer.headers["Location"]).json() == created
    assert (created["status"], created["counts"], created["seeds"]) == ("queued", {"queued": 6}, [3, 9])
    assert [one["label"] for one in created["methods"]] == ["cross_entropy", "patch_swap", "patch_swap_only"]
    assert [(job["seed"], job["method"]) for job in created["jobs"]] == [
        (seed, label) for seed in (3, 9) for label in ("cross_entropy", "patch_swap", "patch_swap_only")
    ]
    for told in created["jobs"]:
        job = ours.get(f"/v1/jobs/{told['id']}").json()
        assert job["spec"]["seed"] == job["resolved"]["seed"] == told["seed"]
        assert job["spec"]["method"]["name"] == told["method"]
        assert (job["spec"]["exports"], job["labels"]) == ([], {"project": "demo"})
        assert (job["comparison_id"], job["links"]["comparison"]) == (created["id"], created["links"]["self"])
        assert job["name"] == f"first: {told['method']}, seed {told['seed']}"
    with redis.Redis.from_url(redis_url) as broker:
        rung = [base64.b64decode(json.loads(message)["body"]) for message in broker.lrange("patchswap:train", 0, -1)]
    assert all(sum(job["id"].encode() in message for message in rung) == 1 for job in created["jobs"])


def test_jobs_differ_in_method_and_seed_alone(ours: Caller, version: DatasetVersion):
    created = ours.post("/v1/comparisons", body(version)).json()
    specs = [ours.get(f"/v1/jobs/{job['id']}").json()["resolved"] for job in created["jobs"]]
    for spec in specs:
        for own in ("method", "seed", "name"):
            del spec[own]
    assert all(spec == specs[0] for spec in specs)


def test_budget_of_epochs_halves_plain_methods(ours: Caller, version: DatasetVersion):
    created = ours.post("/v1/comparisons", body(version, budget="epochs")).json()
    assert [(one["label"], one["epochs"]) for one in created["methods"]] == [("cross_entropy", 2), ("patch_swap", 4)]
    epochs = {job["method"]: ours.get(f"/v1/jobs/{job['id']}").json()["progress"]["epochs"] for job in created["jobs"]}
    assert epochs == {"cross_entropy": 2, "patch_swap": 4}


# What each part of the body can do wrong is in tests/core/comparisons/test_contenders.py.
FAULTS = [
    ({"methods": [{"name": "patch_swap", "patch_size": 3}]}, ["/methods/0/patch_size"]),
    ({"methods": ["patch_swap_only", {"name": "patch_swap", "temperature": -1}]}, ["/methods/1/temperature"]),
    ({"spec": {"training": {"epochs": 0}}, "methods": ["none"]}, ["/spec/training/epochs", "/methods/0"]),
    ({"spec": {"optimizer": {"nesterov": True, "momentum": 0}}}, ["/spec/optimizer/nesterov"]),
    ({"methods": [{"name": "kd", "teacher": "model_" + "0" * 32}]}, ["/methods/0/teacher"]),
    ({"dataset": "dsv_" + "0" * 32}, ["/dataset"]),
    ({"dataset": "dsv_" + "0" * 32, "spec": {"training": {"epochs": 0}}}, ["/spec/training/epochs", "/dataset"]),
    ({"seeds": 101}, ["/seeds"]),
    ({"seeds": "many"}, ["/seeds"]),
    ({"methods": []}, ["/methods"]),
    ({"labels": {"a b": "c"}}, ["/labels/a b"]),
]


def test_fault_anywhere_creates_nothing(ours: Caller, version: DatasetVersion):
    for fault, pointers in FAULTS:
        answer = ours.post("/v1/comparisons", body(version) | fault)
        assert answer.status_code == 422
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert count_jobs(ours) == 0
    assert ours.get("/v1/comparisons").json()["data"] == []


def test_a_method_without_its_teacher_is_told_what_is_missing(ours: Caller, version: DatasetVersion):
    answer = ours.post("/v1/comparisons", body(version, methods=["kd"]))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, "'teacher' is missing. Give it.")


def test_the_largest_comparison_is_one_transaction(ours: Caller, version: DatasetVersion):
    created = ours.post("/v1/comparisons", body(version, seeds=100)).json()
    assert len({job["id"] for job in created["jobs"]}) == 200 == count_jobs(ours)


def test_same_key_is_the_same_comparison(ours: Caller, version: DatasetVersion):
    headers = {"Idempotency-Key": "k"}
    first = ours.post("/v1/comparisons", body(version), headers=headers)
    again = ours.post("/v1/comparisons", body(version), headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.json()) == (202, first.json())
    assert count_jobs(ours) == 4
    other = ours.post("/v1/comparisons", body(version, seeds=3), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reuse")


def test_another_tenants_dataset_is_as_unknown_as_none(theirs: Caller, version: DatasetVersion):
    for dataset in (version.id, version.dataset_id):
        answer = theirs.post("/v1/comparisons", body(version, dataset=dataset))
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/dataset"]


def test_broker_that_is_away_costs_no_comparison(ours: Caller, version: DatasetVersion, redis_server):
    redis_server.kill()
    try:
        answer = ours.post("/v1/comparisons", body(version, seeds=20))
    finally:
        redis_server.start()
    assert answer.status_code == 202
    assert count_jobs(ours) == 40


def test_a_clone_of_a_trial_is_no_trial(ours: Caller, version: DatasetVersion):
    created = ours.post("/v1/comparisons", body(version)).json()
    cloned = ours.post(f"/v1/jobs/{created['jobs'][0]['id']}/clone").json()
    assert (cloned["comparison_id"], cloned["links"]["comparison"]) == (None, None)
    made.succeed(cloned["id"], 0.5)
    assert len(ours.get(created["links"]["self"]).json()["jobs"]) == 4

"""POST /v1/sweeps: what is stored, what is refused and where the fault is said to be."""

from __future__ import annotations

from core.tables import DatasetVersion
from tests.api.serving import Caller, Server, caller
from tests.worker import seed, sweeping
from worker.sweeps import driving


def pointers(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}


def test_sweep_is_accepted_with_every_default_named(ours: Caller, version: DatasetVersion):
    body = sweeping.body(version, dataset=version.dataset_id, name="rates", labels={"a": "b"})
    answer = ours.post("/v1/sweeps", body)
    assert answer.status_code == 202
    found = answer.json()
    assert answer.headers["Location"] == f"/v1/sweeps/{found['id']}" == found["links"]["self"]
    assert (found["status"], found["trials"], found["best"], found["final_job_id"]) == ("running", [], None, None)
    assert (found["name"], found["labels"], found["dataset_id"]) == ("rates", {"a": "b"}, version.dataset_id)
    assert found["spec"]["dataset"] == found["dataset_version_id"] == version.id
    assert (found["spec"]["algorithm"], found["spec"]["metric"], found["spec"]["seed"]) == (
        "random",
        "val.top1_accuracy",
        0,
    )
    assert found["counts"] == dict.fromkeys(("running", "complete", "pruned", "failed", "cancelled"), 0)


def test_repetition_with_a_key_is_one_sweep(ours: Caller, version: DatasetVersion):
    headers = {"Idempotency-Key": "once"}
    first, again = (ours.post("/v1/sweeps", sweeping.body(version), headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(ours.get("/v1/sweeps").json()["data"]) == 1


def test_a_preset_brings_ranges_and_what_is_asked_beside_it_wins(ours: Caller, version: DatasetVersion):
    body = {key: value for key, value in sweeping.body(version).items() if key != "space"}
    found = ours.post("/v1/sweeps", {**body, "preset": "patch_swap"}).json()["spec"]
    assert found["space"]["method.kd_weight"]["values"] == [0.0, 0.1, 0.25, 1.0]
    assert found["spec"]["method"]["name"] == "patch_swap"
    own = {"method.kd_weight": {"type": "categorical", "values": [0.5]}, "optimizer.learning_rate": sweeping.RATE}
    found = ours.post("/v1/sweeps", {**body, "preset": "patch_swap", "space": own}).json()["spec"]["space"]
    assert (found["method.kd_weight"]["values"], len(found)) == ([0.5], 4)
    assert pointers(ours.post("/v1/sweeps", {**body, "preset": "other"}))["/preset"] == "literal_error"
    assert pointers(ours.post("/v1/sweeps", body)) == {"/space": "too_short"}


def test_faults_are_told_at_their_place_and_nothing_is_stored(ours: Caller, version: DatasetVersion):
    beyond = {"optimizer.learning_rate": sweeping.RATE | {"high": 11}}
    odd = {"optimizer.a/b~c": sweeping.RATE}
    for changes, expected in (
        ({"space": beyond}, {"/space/optimizer.learning_rate/high": "less_than_equal"}),
        ({"space": odd}, {"/space/optimizer.a~1b~0c": "unknown_field"}),
        ({"space": {}}, {"/space": "too_short"}),
        ({"metric": "test.top1_accuracy"}, {"/metric": "literal_error"}),
        ({"trials": 501}, {"/trials": "less_than_equal"}),
        ({"nonsense": 1}, {"/nonsense": "extra_forbidden"}),
        ({"spec": {"seed": -1}}, {"/spec/seed": "greater_than_equal"}),
        (
            {"spec": {"method": {"name": "kd", "teacher": "model_" + "0" * 32}}},
            {"/spec/method/teacher": "unknown_teacher"},
        ),
        ({"dataset": "ds_" + "0" * 32}, {"/dataset": "invalid"}),
    ):
        assert pointers(ours.post("/v1/sweeps", sweeping.body(version, **changes))) == expected
    assert pointers(ours.post("/v1/sweeps", {}))["/trials"] == "missing"
    assert ours.get("/v1/sweeps").json()["data"] == []


def test_dataset_without_validation_is_refused_with_the_remedy(ours: Caller):
    counts = {name: classes for name, classes in seed.MANIFEST.counts.items() if name != "val"}
    version = seed.version(ours.tenant_id, seed.MANIFEST.model_copy(update={"counts": counts}))
    answer = ours.post("/v1/sweeps", sweeping.body(version))
    assert pointers(answer) == {"/dataset": "needs_splits"}
    assert 'Push it again with "splits"' in answer.json()["detail"]


def test_model_of_a_trial_is_exported_by_nobody(ours: Caller, version: DatasetVersion):
    sweep_id = sweeping.sweep(version)
    driving.tick()
    sweeping.finish(sweeping.trials(sweep_id)[0].job_id, 0.5)
    (model,) = ours.get("/v1/models").json()["data"]
    assert (model["evaluation_split"], model["top1_accuracy"]) == ("val", 0.5)
    answer = ours.post(f"/v1/models/{model['id']}/exports", {"format": "onnx"})
    assert answer.status_code == 422
    assert "did not use it" in answer.json()["detail"]


def test_scopes_stand_for_themselves(ours: Caller, version: DatasetVersion, server: Server):
    reader = caller(server.url, "ours", ("read",))
    writer = caller(server.url, "ours", ("write",))
    assert reader.post("/v1/sweeps", sweeping.body(version)).status_code == 403
    sweep = writer.post("/v1/sweeps", sweeping.body(version)).json()
    assert writer.get(f"/v1/sweeps/{sweep['id']}").status_code == 403
    assert reader.get(f"/v1/sweeps/{sweep['id']}").status_code == 200
    assert reader.post(f"/v1/sweeps/{sweep['id']}/cancel").status_code == 403

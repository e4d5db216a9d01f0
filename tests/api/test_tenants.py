"""Two tenants: over every route of the document, the one's ids do not exist for the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from contract.weights import BUILT_IN
from core.accounts.keys import SCOPES
from core.database.database import transaction
from core.exports import profiles
from core.predictions import ledger as predictions
from core.tables import DatasetVersion, Export
from tests.api import made, weighed
from tests.api.serving import Caller, Server, caller
from tests.worker import seed, sweeping
from worker.sweeps import driving


@pytest.fixture
def ids(ours: Caller, version: DatasetVersion) -> dict[str, str]:
    """One of everything that is ours, by the name it has in paths."""
    job, model, export = made.published_job(version)
    _, claim = made.running_job(version)
    return {
        "upload_id": version.upload_id,
        "dataset_id": version.dataset_id,
        "version_id": version.id,
        "job_id": job.id,
        "checkpoint_id": made.checkpoint(claim),
        "model_id": model.id,
        "export_id": export.id,
        "profile_id": _profile(export),
        "prediction_id": _prediction(export, version),
        "comparison_id": _comparison(ours, version),
        "sweep_id": sweeping.sweep(version),
        "weights_id": weighed.ready(ours.tenant_id).id,
        **_webhook(ours),
        "key_id": ours.get("/v1/api_keys").json()["data"][0]["id"],
    }


def _webhook(ours: Caller) -> dict[str, str]:
    webhook = ours.post("/v1/webhooks", {"url": "https://example.com/hook"}).json()["id"]
    return {"webhook_id": webhook, "delivery_id": ours.post(f"/v1/webhooks/{webhook}/ping").json()["id"]}


def _profile(export: Export) -> str:
    with transaction() as session:
        return profiles.submit(session, export.tenant_id, export.model_id, export_id=export.id, device=None).id


def _prediction(export: Export, version: DatasetVersion) -> str:
    with transaction() as session:
        return predictions.submit(session, export.tenant_id, export.model_id, version.id).id


def _comparison(ours: Caller, version: DatasetVersion) -> str:
    asked = {"dataset": version.id, "methods": ["patch_swap"], "seeds": 1}
    return ours.post("/v1/comparisons", asked).json()["id"]


LISTS = {
    "jobs": "job_id",
    "datasets": "dataset_id",
    "models": "model_id",
    "api_keys": "key_id",
    "comparisons": "comparison_id",
    "sweeps": "sweep_id",
    "profiles": "profile_id",
    "predictions": "prediction_id",
    "weights": "weights_id",
    "webhooks": "webhook_id",
}
SMALL = {"number": 1, "index": 0, "name": "manifest.json"}  # parts of a path that are no ids
BODIES = {
    "rename_dataset": {"name": "theirs"},
    "create_dataset_version": {"upload_id": "upl_" + "0" * 32},
    "create_export": {"format": "onnx", "precision": "fp32"},
    "create_batch_prediction": {"dataset_version": "dsv_" + "0" * 32},
    "create_profile": {"export_id": "exp_" + "0" * 32},
    "change_webhook": {"enabled": False},
    "rotate_webhook_secret": {},
    "renew_profile_claim": {"fence": 1},
    "report_profile": {"fence": 1, "error": {"code": "runtime_failed", "message": "no"}},
    "release_profile_claim": {"fence": 1},
}


def cells(document: dict) -> Iterator[tuple[str, str, str]]:
    """Every operation that names an id, with what its query must have."""
    for path, operations in document["paths"].items():
        if "_id}" in path:
            for method, operation in operations.items():
                asked = [p["name"] for p in operation["parameters"] if p["in"] == "query" and p["required"]]
                query = "?" + "&".join(f"{name}=1" for name in asked) if asked else ""
                yield operation["operationId"], method.upper(), path + query


def test_foreign_id_is_404_on_every_route(ours: Caller, theirs: Caller, ids: dict[str, str]):
    seen = 0
    for operation, method, path in cells(ours.get("/openapi.json").json()):
        url = path.format(**SMALL, **ids)
        foreign = theirs.http.request(method, url, json=BODIES.get(operation))
        assert foreign.status_code == 404, (operation, foreign.status_code, foreign.text)
        assert not any(value in foreign.text and value not in url for value in ids.values()), operation
        seen += 1
    assert seen >= 30
    for path, name in LISTS.items():
        assert ours.get(f"/v1/{path}/{ids[name]}").status_code == 200  # nothing was changed by the attempts


def test_lists_and_filters_show_nothing_foreign(theirs: Caller, ids: dict[str, str]):
    own = {key["id"] for key in theirs.get("/v1/api_keys").json()["data"]} | set(BUILT_IN)
    for path, prefix in LISTS.items():
        for query in ("", f"?after={ids[prefix]}", f"?after={ids[prefix]}&order=asc"):
            data = theirs.get(f"/v1/{path}{query}").json()["data"]
            assert {item["id"] for item in data} <= own
    assert theirs.get(f"/v1/jobs?dataset={ids['dataset_id']}").json()["data"] == []
    assert theirs.get(f"/v1/jobs?dataset={ids['version_id']}").json()["data"] == []
    assert theirs.get(f"/v1/jobs?comparison={ids['comparison_id']}").json()["data"] == []
    driving.tick()
    assert theirs.get(f"/v1/jobs?sweep={ids['sweep_id']}").json()["data"] == []


def test_foreign_ids_in_bodies_are_unknown(theirs: Caller, ids: dict[str, str]):
    dataset = theirs.post("/v1/datasets", {"name": "d", "upload_id": ids["upload_id"]})
    assert dataset.status_code == 422
    own = seed.version(theirs.tenant_id)
    version = theirs.post(f"/v1/datasets/{own.dataset_id}/versions", {"upload_id": ids["upload_id"]})
    assert version.status_code == 422
    weights = {"upload_id": ids["upload_id"], "architecture": "resnet18", "licence": "MIT", "source": "theirs"}
    assert theirs.post("/v1/weights", weights).status_code == 422
    for dataset_id in (ids["dataset_id"], ids["version_id"]):
        assert theirs.post("/v1/jobs", {"dataset": dataset_id}).status_code == 422
        search = {"trials": 1, "space": {"optimizer.momentum": {"type": "float", "low": 0, "high": 0.9}}}
        assert theirs.post("/v1/sweeps", search | {"dataset": dataset_id}).status_code == 422


def test_ids_of_one_resource_do_not_open_another_of_ours(ours: Caller, ids: dict[str, str]):
    other = seed.version(ours.tenant_id)
    assert ours.get(f"/v1/datasets/{other.dataset_id}/versions/{ids['version_id']}").status_code == 404
    assert ours.get(f"/v1/jobs/{ids['job_id']}/checkpoints/{ids['checkpoint_id']}/download").status_code == 404


def test_foreign_id_is_refused_as_one_that_never_was(ours: Caller, theirs: Caller, ids: dict[str, str]):
    """No oracle: whether an id exists for somebody else cannot be told from the answer."""
    document = ours.get("/openapi.json").json()
    for operation, method, path in cells(document):
        examples = {p["name"]: p["schema"].get("examples", p.get("examples", [1]))[0] for p in placed(document, path)}
        never = path.format(**SMALL | examples)
        urls = (path.format(**SMALL, **ids), never)
        told = [_without_ids(theirs.http.request(method, url, json=BODIES.get(operation)), url) for url in urls]
        assert told[0] == told[1], operation


def _without_ids(answer: httpx.Response, url: str) -> dict[str, Any]:
    """What is said, but for what was sent."""
    text = answer.text
    for sent in url.partition("?")[0].split("/")[3:]:
        text = text.replace(f"id {sent}.", "id that was sent.")
    return {name: value for name, value in json.loads(text).items() if name not in ("instance", "request_id")}


def placed(document: dict, path: str) -> list[dict]:
    """The parameters that stand in a path."""
    operation = next(iter(document["paths"][path.partition("?")[0]].values()))
    return [parameter for parameter in operation["parameters"] if parameter["in"] == "path"]


def test_own_id_without_the_scope_is_403_on_every_route(server: Server, ours: Caller, ids: dict[str, str]):
    """A key with all scopes but the one that the route needs."""
    holders = {scope: caller(server.url, "ours", tuple(s for s in SCOPES if s != scope)) for scope in SCOPES}
    for operation, method, path in cells(ours.get("/openapi.json").json()):
        url = path.format(**SMALL, **ids)
        answer = holders[needed(path, method)].http.request(method, url, json=BODIES.get(operation))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), operation
    for path, name in (("jobs", "job_id"), ("datasets", "dataset_id"), ("models", "model_id")):
        assert ours.get(f"/v1/{path}/{ids[name]}").status_code == 200


def needed(path: str, method: str) -> str:
    if path.startswith("/v1/api_keys"):
        return "admin"
    if path.startswith("/v1/device/"):
        return "device"
    return "read" if method == "GET" or path.endswith("/predict") else "write"


def test_no_revoked_expired_or_made_up_key_opens_no_route(server: Server, ours: Caller, ids: dict[str, str], database):
    document = ours.get("/openapi.json").json()
    keys = {kind: ours.post("/v1/api_keys", {"name": kind, "scopes": SCOPES}).json() for kind in ("revoked", "expired")}
    assert ours.delete(f"/v1/api_keys/{keys['revoked']['id']}").status_code == 204
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", [keys["expired"]["id"]])
    bearers = [key["api_key"] for key in keys.values()] + [ours.key[:-1] + ("A" if ours.key[-1] != "A" else "B"), ""]
    seen = 0
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as stranger:
        for path, operations in document["paths"].items():
            if path in ("/healthz", "/readyz", "/version", "/v1/sessions"):  # a session is begun by a link, too
                continue
            for method in operations:
                url = path.format(number=1, index=0, name="none", **({"alias": "none"} | ids))
                for bearer in bearers:
                    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
                    answer = stranger.request(method, url, headers=headers, params={"api_key": ours.key})
                    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), (method, path)
                    seen += 1
    assert seen >= 160


def test_every_list_and_every_filter_shows_nothing_foreign(ours: Caller, theirs: Caller, ids: dict[str, str]):
    """Each query parameter of each list is given each of our ids."""
    document = ours.get("/openapi.json").json()
    seen = 0
    for path, operations in document["paths"].items():
        if not path.startswith("/v1/") or "get" not in operations or "{" in path:
            continue
        names = [p["name"] for p in operations["get"].get("parameters", []) if p["in"] == "query"]
        if not names:
            continue  # no list
        for name, value in [("limit", "200"), *((name, value) for name in names for value in ids.values())]:
            answer = theirs.get(path, params={name: value})
            assert answer.status_code in (200, 422), (path, name, answer.text)
            shown = json.dumps(answer.json().get("data", []))
            assert not any(foreign in shown for foreign in ids.values()), (path, name, value)
            seen += 1
    assert seen >= 100

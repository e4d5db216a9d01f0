"""The OpenAPI document: committed, complete, and true."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest

from api import openapi
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import sweeping
from worker.sweeps import driving


def document() -> dict:
    return json.loads(openapi.PATH.read_bytes())


def operations() -> list[tuple[str, str, dict]]:
    return [(path, method, op) for path, methods in document()["paths"].items() for method, op in methods.items()]


def test_committed_document_is_what_the_api_serves(ours: Caller):
    assert openapi.PATH.read_bytes() == openapi.rendered(), "run `python -m api.openapi`"
    assert ours.get("/openapi.json").json() == document()
    assert document()["openapi"].startswith("3.1")


def test_operation_ids_are_unique_words():
    ids = [op["operationId"] for _, _, op in operations()]
    assert len(set(ids)) == len(ids)
    assert all(name.isidentifier() and name.islower() for name in ids)


def test_no_default_is_an_object_and_no_inline_object_has_the_name_of_a_schema():
    """Generators of clients drop operations whose body has such a default, and one of two classes of one name."""
    schemas = document()["components"]["schemas"]
    titles = [schema.get("title", name) for name, schema in schemas.items()]
    assert len(set(titles)) == len(titles)
    todo: list = [document()]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            default = part.get("default")
            assert not isinstance(default, dict)
            assert not (isinstance(default, list) and any(isinstance(each, dict) for each in default))
        todo += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for name, schema in schemas.items():
        for field, about in schema.get("properties", {}).items():
            if about.get("type") == "object":
                words = about.get("title", field).replace("_", " ").split()
                assert name + "".join(map(str.capitalize, words)) not in schemas


def test_a_body_that_may_be_left_out_is_not_said_to_be_null():
    """Of a union with null, openapi-python-client writes a client that cannot leave the body out."""
    bodies = [op["requestBody"] for _, _, op in operations() if "requestBody" in op]
    optional = [body for body in bodies if not body.get("required")]
    schemas = [content["schema"] for body in optional for content in body["content"].values()]
    assert schemas
    assert [schema for schema in schemas if {"type": "null"} in schema.get("anyOf", [])] == []


def test_what_may_be_left_out_of_a_request_has_no_default():
    """For openapi-typescript a default makes a field one that must be written."""
    found = [
        f"{name}.{field}"
        for name in _schemas_of("requestBody")
        for field, about in document()["components"]["schemas"][name].get("properties", {}).items()
        if "default" in about
    ]
    assert found == []
    webhook = document()["components"]["schemas"]["NewWebhook"]
    assert (webhook["required"], webhook["properties"]["format"]["x-default"]) == (["url"], "standard")


def test_answers_share_no_field_that_a_request_may_leave_out():
    """In an answer every field is there, so one schema cannot serve both."""
    schemas = document()["components"]["schemas"]
    for name in _schemas_of("requestBody") & _schemas_of("responses"):
        assert not [field for field, about in schemas[name].get("properties", {}).items() if "x-default" in about], name


def _schemas_of(place: str) -> set[str]:
    found: set[str] = set()
    todo = [name for _, _, operation in operations() for name in _named(operation.get(place, {}))]
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo += _named(document()["components"]["schemas"][name])
    return found


def _named(part: object) -> list[str]:
    return re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part))


def test_every_operation_declares_its_problems():
    for path, method, op in operations():
        declared = set(op["responses"])
        if path in ("/healthz", "/readyz", "/version"):
            assert op["security"] == []
            continue
        assert {"401", "403", "500", "503"} <= declared, op["operationId"]
        if "_id}" in path:
            assert "404" in declared
        if method == "post":
            names = [parameter["name"] for parameter in op.get("parameters", [])]
            assert ("Idempotency-Key" in names) != path.startswith("/v1/sessions")  # their answers are secrets
            assert {"400", "409", "413", "415", "422"} <= declared
        for status, response in op["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere():
    text = openapi.PATH.read_text()
    schemas = document()["components"]["schemas"]
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas


def test_fields_of_answers_are_all_required():
    schemas = document()["components"]["schemas"]
    for name in (
        "Job",
        "Progress",
        "Dataset",
        "DatasetVersion",
        "Upload",
        "Part",
        "Export",
        "Model",
        "Device",
        "Pareto",
        "Profile",
        "Prediction",
        "SigningKey",
        "ParetoPoint",
        "Evaluation",
        "SplitEvaluation",
        "AgainstControl",
        "Event",
        "ApiKey",
        "Comparison",
        "ComparisonSummary",
        "ComparisonTable",
        "MethodRow",
        "Sweep",
        "SweepWithTrials",
        "Trial",
        "Webhook",
        "Delivery",
    ):
        assert set(schemas[name]["required"]) == set(schemas[name]["properties"]), name


@pytest.mark.parametrize(
    "operation",
    [
        "create_job",
        "validate_job",
        "create_comparison",
        "create_sweep",
        "create_upload",
        "create_dataset",
        "create_api_key",
        "create_webhook",
    ],
)
def test_examples_of_bodies_are_accepted(ours: Caller, version: DatasetVersion, operation: str):
    path, op = next((path, op) for path, _, op in operations() if op["operationId"] == operation)
    content = op["requestBody"]["content"]["application/json"]
    schema = content["schema"]
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    examples = [example["value"] for example in content.get("examples", {}).values()] or schema["examples"]
    for example in examples:
        real = {"dataset": version.dataset_id, "upload_id": version.upload_id}
        body = example | {name: value for name, value in real.items() if name in example}
        if "method" in body:
            body["method"]["patch_size"] = 2  # the images of the test have 8 px
        answer = ours.post(path, body)
        assert answer.status_code < 300, answer.text


def test_answers_fit_their_schemas(ours: Caller, version: DatasetVersion):
    job, model, export = made.published_job(version)
    running, claim = made.running_job(version)
    made.progress(claim, epoch=1, epochs=2, step=1, steps=20, best={"metric": "m", "value": 0.5, "epoch": 1})
    made.checkpoint(claim)
    asked = {"dataset": version.id, "methods": ["patch_swap"], "seeds": 2}
    comparison = ours.post("/v1/comparisons", asked).json()
    made.succeed(comparison["jobs"][0]["id"], 0.5)
    sweep_id = sweeping.sweep(version)
    driving.tick()
    webhook = ours.post("/v1/webhooks", {"url": "https://example.com/hook"}).json()["links"]
    ours.post(f"{webhook['self']}/ping")
    paths = {
        "/v1/comparisons": ["/v1/comparisons"],
        "/v1/comparisons/{comparison_id}": [comparison["links"]["self"]],
        "/v1/comparisons/{comparison_id}/table": [comparison["links"]["table"]],
        "/v1/jobs/{job_id}": [f"/v1/jobs/{job.id}", f"/v1/jobs/{running.id}"],
        "/v1/jobs": ["/v1/jobs"],
        "/v1/jobs/{job_id}/events": [f"/v1/jobs/{running.id}/events"],
        "/v1/jobs/{job_id}/metrics": [f"/v1/jobs/{running.id}/metrics"],
        "/v1/jobs/{job_id}/checkpoints": [f"/v1/jobs/{running.id}/checkpoints"],
        "/v1/jobs/{job_id}/evaluation": [f"/v1/jobs/{job.id}/evaluation"],
        "/v1/datasets": ["/v1/datasets"],
        "/v1/datasets/{dataset_id}": [f"/v1/datasets/{version.dataset_id}"],
        "/v1/datasets/{dataset_id}/versions": [f"/v1/datasets/{version.dataset_id}/versions"],
        "/v1/uploads/{upload_id}": [f"/v1/uploads/{version.upload_id}"],
        "/v1/models": ["/v1/models"],
        "/v1/models/{model_id}": [f"/v1/models/{model.id}"],
        "/v1/models/{model_id}/exports": [f"/v1/models/{model.id}/exports"],
        "/v1/models/{model_id}/pareto": [f"/v1/models/{model.id}/pareto"],
        "/v1/exports/{export_id}": [f"/v1/exports/{export.id}"],
        "/v1/sweeps": ["/v1/sweeps"],
        "/v1/sweeps/{sweep_id}": [f"/v1/sweeps/{sweep_id}"],
        "/v1/recipes": ["/v1/recipes"],
        "/v1/export_formats": ["/v1/export_formats"],
        "/v1/api_keys": ["/v1/api_keys"],
        "/v1/webhooks": ["/v1/webhooks"],
        "/v1/webhooks/{webhook_id}": [webhook["self"]],
        "/v1/webhooks/{webhook_id}/deliveries": [webhook["deliveries"]],
        "/readyz": ["/readyz"],
        "/version": ["/version"],
        "/healthz": ["/healthz"],
    }
    described = document()
    for template, urls in paths.items():
        content = described["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
        for url in urls:
            schema = content["schema"] | {"components": described["components"]}
            jsonschema.validate(ours.get(url).json(), schema)


def test_service_tells_its_figures_to_operators_only(ours: Caller, operator: Caller, version: DatasetVersion):
    made.running_job(version)
    assert ours.get("/metrics").status_code == 403
    text = operator.get("/metrics").text
    assert 'patchswap_rows{kind="job",status="running"} 1.0' in text
    assert 'patchswap_rows{kind="ingest",status="queued"} 0.0' in text
    assert 'patchswap_oldest_queued_seconds{kind="export"} 0.0' in text
    assert 'patchswap_queue_messages{queue="train"} 0.0' in text
    assert "patchswap_http_requests_total{" in text

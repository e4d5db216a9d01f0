"""Every answer of 400 and above is a problem, whoever raised it; nothing inside leaks out."""

from __future__ import annotations

import json
import logging
import time

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.schemas.problem import ProblemDetails
from api.wire import telemetry
from core import settings as core_settings
from core.datasets import references
from core.tables import DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.servers.postgres import PostgresServer

JSON = {"Content-Type": "application/json"}


def problem(answer: httpx.Response) -> dict:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    ProblemDetails.model_validate(body)
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


def test_frameworks_own_refusals_are_problems_too(ours: Caller):
    assert problem(ours.get("/v1/none"))["code"] == "not_found"
    refused = ours.put("/v1/jobs")
    assert problem(refused)["code"] == "method_not_allowed"
    assert refused.headers["Allow"] == "GET, POST"
    assert ours.http.request("PATCH", "/v1/jobs/validate").headers["Allow"] == "POST"  # not those of /v1/jobs/{job_id}
    assert problem(ours.get("/v1/jobs?limit=x"))["code"] == "invalid"
    assert problem(ours.get("/v1/jobs/"))["code"] == "not_found"


@pytest.mark.parametrize(
    "body", [b"{", b"", b"nul", b"[" * 100_000, b'{"a": ' * 50_000, b"\xff\xfe", b'{"seed": ' + b"9" * 5000 + b"}"]
)
def test_body_that_is_no_json_is_400_or_422(ours: Caller, body: bytes):
    answer = ours.post("/v1/jobs", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    problem(answer)


@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_body_that_is_no_object_is_422(ours: Caller, body):
    assert problem(ours.post("/v1/jobs", content=json.dumps(body), headers=JSON))["status"] == 422


@pytest.mark.parametrize(
    ("reading", "pointer", "message"),
    [
        ({"clases_at": 2}, "/reading/clases_at", "There is no such field. Correct its name or leave it out."),
        ({"classes_at": 0}, "/reading/classes_at", "Must be at least 1; you sent 0."),
        ({"labelmap": [{"name": "a"}]}, "/reading/labelmap/0", "Give a value or a colour."),
    ],
)
def test_a_fault_is_named_by_a_pointer_into_what_was_sent(ours: Caller, reading: dict, pointer: str, message: str):
    body = json.dumps({"name": "a", "upload_id": "upl_" + "0" * 32, "reading": reading})
    errors = problem(ours.post("/v1/datasets", content=body, headers=JSON))["errors"]
    assert {each["pointer"] for each in errors} == {pointer}
    assert errors[0]["message"] == message


def test_text_that_cannot_be_stored_is_named_by_its_pointer(ours: Caller):
    refused = ours.post("/v1/datasets", content=json.dumps({"name": "a\0"}), headers=JSON)
    assert [each["pointer"] for each in problem(refused)["errors"]] == ["/name"]


def test_a_body_that_is_left_out_is_said_to_be_missing(ours: Caller):
    assert "The body is missing" in problem(ours.post("/v1/datasets"))["detail"]


def test_body_of_another_type_is_415(ours: Caller, version: DatasetVersion):
    body = json.dumps({"dataset": version.id})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "x"):
        answer = ours.post("/v1/jobs", content=body, headers={"Content-Type": content_type})
        assert problem(answer)["status"] == 415


@pytest.mark.parametrize("chunked", [True, False])
def test_large_body_is_413(ours: Caller, chunked: bool):
    body = b" " * (2**20 + 1)
    answer = ours.post("/v1/jobs", content=iter([body]) if chunked else body, headers=JSON)
    assert problem(answer)["status"] == 413


def test_unexpected_error_is_500_without_a_trace(ours: Caller, version: DatasetVersion, monkeypatch, caplog):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(references, "find", broken)
    answer = ours.get(f"/v1/datasets/{version.dataset_id}")
    body = problem(answer)
    assert (answer.status_code, body["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "secret of the house" in caplog.text


def test_requests_own_id_is_kept_where_it_is_sane(ours: Caller):
    assert ours.get("/healthz", headers={"X-Request-Id": "client-4711"}).headers["X-Request-Id"] == "client-4711"
    assert ours.get("/healthz", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"] != "a b"


def test_logs_hold_neither_keys_nor_queries(ours: Caller, caplog):
    caplog.set_level("INFO")
    ours.get("/v1/jobs?label=secret:value")
    lines = [record for record in caplog.records if record.name.startswith("api")]
    text = " ".join(f"{record.getMessage()} {getattr(record, 'fields', '')}" for record in lines)
    assert "/v1/jobs" in text
    assert ours.key not in text
    assert "secret:value" not in text


def test_every_line_of_a_request_names_it(ours: Caller, version: DatasetVersion, monkeypatch, caplog):
    def broken(*_: object, **__: object) -> None:
        logging.getLogger("anybody").warning("deep inside")
        raise RuntimeError("broken")

    handler = _Lines()
    monkeypatch.setattr(references, "find", broken)  # called in a thread
    logging.getLogger().addHandler(handler)
    try:
        ours.get(f"/v1/datasets/{version.dataset_id}", headers={"X-Request-Id": "client-4711"})
    finally:
        logging.getLogger().removeHandler(handler)
    told = {line["message"]: line["request_id"] for line in handler.lines if "request_id" in line}
    assert told["deep inside"] == told["unexpected error"] == "client-4711"


class _Lines(logging.Handler):
    """What would be written, as it would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(telemetry.JsonLines().format(record)))


def test_lost_database_is_503_and_comes_back(ours: Caller, version: DatasetVersion, postgres_server: PostgresServer):
    assert ours.get("/v1/jobs").status_code == 200
    postgres_server.kill()
    try:
        for answer in (ours.get("/v1/jobs"), ours.post("/v1/jobs", {"dataset": version.id}), ours.get("/v1/datasets")):
            assert problem(answer)["retryable"] is True
            assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (503, True)
        checks = ours.get("/readyz")
        assert checks.status_code == 503
        assert {name: check["status"] for name, check in checks.json()["checks"].items()} == {
            "database": "down",
            "broker": "up",
            "objects": "up",
        }
        assert ours.get("/healthz").status_code == 200
    finally:
        postgres_server.start()
    deadline = time.monotonic() + 10
    while ours.get("/v1/jobs").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours.get("/v1/jobs").status_code == 200
    assert ours.get("/readyz").json()["status"] == "ready"
    assert ours.post("/v1/jobs", {"dataset": version.id}).status_code == 202


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["dataset", "name", "recipe", "model", "method", "optimizer", "training", "exports", "labels", "seed"]
FIELDS += ["upload_id", "splits", "task", "bytes", "sha256", "media_type", "scopes", "expires_at", "constraints"]
bodies = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json_values, max_size=4) | json_values


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_body_is_our_fault(ours: Caller, version: DatasetVersion, data: st.DataObject):
    path = data.draw(st.sampled_from(["jobs", "jobs/validate", "datasets", "uploads", "api_keys"]))
    body = data.draw(bodies)
    if isinstance(body, dict) and path.startswith("jobs") and data.draw(st.booleans()):
        body = {"dataset": version.id} | body
    answer = ours.post(f"/v1/{path}", content=json.dumps(body), headers=JSON)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem(answer)


def test_foreign_host_name_is_refused_where_names_are_set(ours: Caller, monkeypatch: pytest.MonkeyPatch):
    assert ours.get("/version", headers={"Host": "evil.example"}).status_code == 200
    monkeypatch.setenv("PATCHSWAP_ALLOWED_HOSTS", "127.0.0.1,localhost")
    core_settings.settings.cache_clear()
    refused = ours.get("/version", headers={"Host": "evil.example"})
    assert (refused.status_code, problem(refused)["code"]) == (400, "unknown_host")
    for host in ("localhost", "localhost:8000", "127.0.0.1:1"):
        assert ours.get("/version", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probe_is_answered_by_whatever_name_it_comes(ours: Caller, monkeypatch: pytest.MonkeyPatch, path: str):
    """An orchestrator asks by an address that nobody configured."""
    monkeypatch.setenv("PATCHSWAP_ALLOWED_HOSTS", "patchswap.example")
    core_settings.settings.cache_clear()
    assert ours.get(path, headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_pages_of_other_origins_are_given_no_leave(ours: Caller):
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = ours.http.options("/v1/jobs", headers=preflight)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=999", "Must be at most 200."),
        ("limit=x", "Must be a whole number."),
        ("order=up", "Must be 'asc' or 'desc'."),
    ],
)
def test_query_is_refused_in_our_words(ours: Caller, query: str, message: str):
    (found,) = ours.get(f"/v1/jobs?{query}").json()["errors"]
    assert (found["pointer"], found["message"]) == (f"#query/{query.partition('=')[0]}", message)


def test_days_of_a_query_are_refused_in_our_words(ours: Caller):
    found = ours.get("/v1/usage?from=nonsense&to=2026").json()["errors"]
    assert {each["message"] for each in found} == {"Must be a day, such as 2026-12-01."}


def test_body_of_a_put_is_read_as_that_of_a_post(ours: Caller):
    path, json_type = "/v1/aliases/line-3", {"Content-Type": "application/json"}
    nul = ours.put(path, content=b'{"export_id": "\\u0000"}', headers=json_type)
    assert (nul.status_code, nul.json()["errors"][0]["pointer"]) == (422, "/export_id")
    deep = ours.put(path, content=b"[" * 2000, headers=json_type)
    assert (deep.status_code, deep.json()["code"]) == (400, "malformed_body")
    assert ours.put(path, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_number_of_more_than_64_bits_is_refused_wherever_it_stands(ours: Caller, version: DatasetVersion):
    _, model, _ = made.published_job(version)
    body = {"constraints": {"max_bytes": 2**63}}
    answer = ours.post(f"/v1/models/{model.id}/exports", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/constraints/max_bytes")
    body["constraints"]["max_bytes"] -= 1
    assert ours.post(f"/v1/models/{model.id}/exports", body).status_code == 202
    assert ours.get(f"/v1/models/{model.id}/exports").status_code == 200


@pytest.mark.parametrize(
    "path", ["jobs?comparison", "jobs?sweep", "predictions?model", "profiles?model", "audit?after"]
)
def test_nul_in_a_query_is_refused(ours: Caller, path: str):
    answer = ours.get(f"/v1/{path}=%00")
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, "Must not contain NUL.")


def test_unknown_path_and_method_are_refused_in_sentences(ours: Caller):
    assert ours.get("/v1/nothing").json()["detail"].startswith("There is no such path.")
    assert ours.put("/v1/jobs").json()["detail"].startswith("This path does not take this method.")

"""API keys: told once, scoped, revoked at once; and what every route asks of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.api.serving import Caller, Server, caller


def test_key_is_told_once_and_kept_as_a_digest(ours: Caller, database: str):
    answer = ours.post("/v1/api_keys", {"name": "ci", "scopes": ["write", "read"]})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    key = answer.json()
    assert key["api_key"].startswith(key["prefix"])
    assert "api_key" not in ours.get(f"/v1/api_keys/{key['id']}").json()
    assert key["id"] in [item["id"] for item in ours.get("/v1/api_keys").json()["data"]]
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT k::text FROM api_keys k").fetchall()
    assert not any(key["api_key"][12:] in row for (row,) in rows)


def test_revoked_key_ends_at_once_and_again_is_no_error(ours: Caller):
    key = ours.post("/v1/api_keys", {"name": "ci"}).json()
    bearer = {"Authorization": f"Bearer {key['api_key']}"}
    assert ours.get("/v1/jobs", headers=bearer).status_code == 200
    assert ours.delete(f"/v1/api_keys/{key['id']}").status_code == 204
    assert ours.get("/v1/jobs", headers=bearer).status_code == 401
    assert ours.delete(f"/v1/api_keys/{key['id']}").status_code == 204


def test_expired_key_is_no_key(ours: Caller, database: str):
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = ours.post("/v1/api_keys", {"name": "ci", "expires_at": soon}).json()
    bearer = {"Authorization": f"Bearer {key['api_key']}"}
    assert ours.get("/v1/jobs", headers=bearer).status_code == 200
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE id = %s", [key["id"]])
    assert ours.get("/v1/jobs", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x", "scopes": ["root"]}, "/scopes/0"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, ""),
        ({"name": "x", "expires_at": "2100-01-01T00:00:00"}, "/expires_at"),
        ({"name": "x", "tenant_id": "tnt_x"}, "/tenant_id"),
    ],
)
def test_fault_in_a_key_is_422_with_its_place(ours: Caller, body: dict, pointer: str):
    answer = ours.post("/v1/api_keys", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer  psk_x", "Bearer psk_x", "Basic eDp5", "psk_x", "Bearer " + "x" * 5000]
)
def test_without_a_valid_key_nothing_is_told(server: Server, ours: Caller, header: str | None):
    headers = {"Authorization": header} if header is not None else {}
    ours.http.headers.pop("Authorization")
    for path in ("/v1/jobs", "/metrics", "/no/such/path"):
        answer = ours.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert ours.get(f"/v1/jobs?api_key={ours.key}&access_token={ours.key}").status_code == 401


PREFIXES = {
    "upload": "upl",
    "dataset": "ds",
    "version": "dsv",
    "checkpoint": "ckpt",
    "export": "exp",
    "profile": "prf",
}


# What each scope alone opens, over all routes of the document; `{}` stands for an id that does not exist.
@pytest.mark.parametrize("scope", ["read", "write", "admin", "device"])
def test_scope_opens_its_routes_and_no_other(server: Server, scope: str):
    holder = caller(server.url, "ours", (scope,))
    everyone = caller(server.url, "ours")
    document = everyone.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = _needed(path, method)
            if needed is None:
                continue
            url = path.replace("{number}", "1").replace("{index}", "0")
            for name in ("upload", "dataset", "version", "job", "checkpoint", "model", "export", "key", "profile"):
                prefix = {
                    "upload": "upl",
                    "dataset": "ds",
                    "version": "dsv",
                    "checkpoint": "ckpt",
                    "export": "exp",
                    "profile": "prf",
                }
                url = url.replace(f"{{{name}_id}}", f"{prefix.get(name, name)}_{'0' * 32}")
            url = url.replace("{name}", "none").replace("{alias}", "none")
            with holder.http.stream(method.upper(), url) as answer:  # one of them never ends
                status = answer.status_code
            assert (status == 403) == (scope not in needed), (operation["operationId"], status)


def _needed(path: str, method: str) -> set[str] | None:
    if path in ("/healthz", "/readyz", "/version", "/v1/me") or path.startswith("/v1/sessions"):
        return None
    if path.startswith("/v1/api_keys") or path == "/v1/audit":
        return {"admin"}
    if path == "/metrics":
        return {"operator"}
    if path.startswith("/v1/device/"):
        return {"device"}
    if path == "/v1/aliases/{alias}/download":
        return {"read", "device"}
    return {"read"} if method == "get" or path.endswith("/predict") else {"write"}

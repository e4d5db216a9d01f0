"""Sessions of a browser: what a cookie may, what it may not without our page, and what ends it."""

from __future__ import annotations

import httpx
import psycopg
import pytest

from core.accounts.keys import SCOPES
from tests.api.serving import Caller, Server, caller

OWN = {"Sec-Fetch-Site": "same-origin"}


def browser(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=30, trust_env=False)


def logged_in(ours: Caller, server: Server) -> tuple[httpx.Client, dict[str, str]]:
    """A browser with the cookie, and the headers that our page sends."""
    client = browser(server.url)
    answer = client.post("/v1/sessions", json={}, headers={"Authorization": f"Bearer {ours.key}"})
    assert answer.status_code == 201
    return client, OWN | {"X-Patchswap-Token": answer.json()["page_token"]}


def test_a_session_has_its_keys_scopes_and_no_script_reads_the_cookie(ours: Caller, server: Server, database: str):
    client = browser(server.url)
    answer = client.post("/v1/sessions", json={}, headers={"Authorization": f"Bearer {ours.key}"})
    cookie = answer.headers["Set-Cookie"]
    port = server.url.rpartition(":")[2]
    assert cookie.startswith(f"patchswap-{port}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=604800"} <= set(cookie.split("; "))
    assert answer.headers["Cache-Control"] == "no-store"
    me = client.get("/v1/me").json()
    assert (me["tenant_id"], me["scopes"]) == (ours.tenant_id, sorted(SCOPES))
    assert me["session"]["page_token"] == answer.json()["page_token"]
    assert me["quotas"]["queued_jobs"]["used"] == 0
    token = cookie.partition("=")[2].partition(";")[0]
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT s::text FROM browser_sessions s").fetchall()
    assert rows
    assert not any(token in row for (row,) in rows)


def test_a_key_is_nobodys_session(ours: Caller):
    assert ours.get("/v1/me").json()["session"] is None


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Sec-Fetch-Site": "same-site"},  # another port of this host
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_only_our_page_changes_anything_with_a_cookie(ours: Caller, server: Server, sent: dict[str, str]):
    client, own = logged_in(ours, server)
    token = {"X-Patchswap-Token": own["X-Patchswap-Token"]}
    body = {"name": "made by a page"}
    assert client.post("/v1/api_keys", json=body, headers=sent | token).status_code == 403
    assert client.post("/v1/api_keys", json=body, headers=OWN).status_code == 403  # without the page's token
    assert client.post("/v1/api_keys", json=body, headers=own).status_code == 201
    assert client.post("/v1/api_keys", json=body, headers=token | {"Origin": server.url}).status_code == 201


def test_revoking_the_key_ends_its_sessions_at_once(ours: Caller, server: Server):
    client, own = logged_in(ours, server)
    key_id = client.get("/v1/me").json()["key_id"]
    assert client.delete(f"/v1/api_keys/{key_id}", headers=own).status_code == 204
    assert client.get("/v1/me").status_code == 401


def test_logging_out_ends_the_session_and_forgets_the_cookie(ours: Caller, server: Server):
    client, own = logged_in(ours, server)
    kept = dict(client.cookies)
    assert client.delete("/v1/sessions/current", headers=own).status_code == 204
    assert not client.cookies
    other = browser(server.url)
    other.cookies.update(kept)
    assert other.get("/v1/me").status_code == 401


@pytest.mark.parametrize("change", ["used_at = now() - interval '9 hours'", "ends_at = now()"])
def test_a_session_ends_by_idleness_and_by_age(ours: Caller, server: Server, database: str, change: str):
    client, _ = logged_in(ours, server)
    assert client.get("/v1/me").status_code == 200
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute(f"UPDATE browser_sessions SET {change}")
    assert client.get("/v1/me").status_code == 401


def test_use_keeps_a_session(ours: Caller, server: Server, database: str):
    client, _ = logged_in(ours, server)
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("UPDATE browser_sessions SET used_at = now() - interval '7 hours'")
        assert client.get("/v1/me").status_code == 200
        (fresh,) = connection.execute(
            "SELECT bool_or(used_at > now() - interval '1 minute') FROM browser_sessions"
        ).fetchone()
    assert fresh


def test_a_login_link_works_once_and_for_a_minute(ours: Caller, server: Server, database: str):
    link = {"link": ours.post("/v1/sessions/links").json()["secret"]}
    client = browser(server.url)
    assert client.post("/v1/sessions", json=link).status_code == 201
    assert client.get("/v1/me").json()["tenant_id"] == ours.tenant_id
    again = browser(server.url).post("/v1/sessions", json=link)
    assert (again.status_code, "patchswap login-link" in again.json()["detail"]) == (401, True)
    late = {"link": ours.post("/v1/sessions/links").json()["secret"]}
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("UPDATE login_links SET ends_at = now()")
    assert browser(server.url).post("/v1/sessions", json=late).status_code == 401


def test_a_session_is_not_begun_with_nothing(server: Server):
    client = browser(server.url)
    assert client.post("/v1/sessions", json={}).status_code == 401
    assert client.post("/v1/sessions", json={"link": "guessed"}).status_code == 401
    assert client.post("/v1/sessions", json={}, headers={"Authorization": "Bearer guessed"}).status_code == 401


def test_a_link_of_a_reader_opens_a_readers_session(server: Server):
    reader = caller(server.url, "readers", scopes=("read",))
    client = browser(server.url)
    client.post("/v1/sessions", json={"link": reader.post("/v1/sessions/links").json()["secret"]})
    me = client.get("/v1/me").json()
    own = OWN | {"X-Patchswap-Token": me["session"]["page_token"]}
    assert me["scopes"] == ["read"]
    assert client.post("/v1/api_keys", json={"name": "x"}, headers=own).status_code == 403


def test_the_audit_names_the_key_of_a_session(ours: Caller, server: Server):
    client, own = logged_in(ours, server)
    me = client.get("/v1/me").json()
    made = client.post("/v1/api_keys", json={"name": "audited"}, headers=own)
    found = [
        entry for entry in ours.get("/v1/audit").json()["data"] if entry["request_id"] == made.headers["X-Request-Id"]
    ]
    assert [entry["key_id"] for entry in found] == [me["key_id"]]

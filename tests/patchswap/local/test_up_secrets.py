"""A real `patchswap up`, told secrets and given wrong ones: none of them is to be found in anything it leaves."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg import sql

from patchswap import Client
from patchswap.demo import digits
from patchswap.local.embedded import postgres
from tests.servers.up import Up, command_line, eventually, running_of

KEY_FILES = ("client.json", "signing_key.pem", "webhook_keys")


@pytest.fixture
def store_secret(monkeypatch: pytest.MonkeyPatch) -> str:
    secret = f"canary-{secrets.token_hex(16)}"
    monkeypatch.setenv("PATCHSWAP_S3_SECRET_ACCESS_KEY", secret)
    return secret


@pytest.fixture
def service(data_dir: Path, store_secret: str) -> Iterator[Up]:
    up = Up(data_dir)
    up.wait_until_ready()
    yield up
    up.process.kill()
    up.process.communicate()
    eventually(lambda: not running_of(up.data_dir), seconds=10)


def provoke(up: Up, key: str, wrong: str) -> list[str]:
    """Good and bad requests that carry secrets where people put them; gives all that was answered."""
    bearer = {"Authorization": f"Bearer {key}"}
    said = []
    with httpx.Client(base_url=up.url, trust_env=False, timeout=30) as http:
        for answer in (
            http.get("/v1/jobs", headers={"Authorization": f"Bearer {wrong}"}),
            http.get(f"/v1/jobs?api_key={wrong}"),
            http.get(f"/v1/jobs?label={wrong}:x", headers=bearer),
            http.get("/v1/jobs", headers=bearer | {"Cookie": f"session={wrong}"}),
            http.post("/v1/jobs", headers=bearer, json={"dataset": "dsv_x", "labels": {"a b": wrong}}),
            http.post("/v1/jobs", headers=bearer, content=f'{{"{wrong}'.encode()),
            http.get("/v1/none", headers=bearer),
            http.get("/metrics", headers=bearer),
            http.get("/readyz"),
            http.get("/openapi.json", headers=bearer),
        ):
            said += [answer.text, str(answer.headers)]
    return said


def ledger_of(up: Up) -> str:
    conninfo = postgres.conninfo(up.data_dir / "run" / "postgres", "patchswap")
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(t))) for (t,) in tables]
        return "\n".join(text for cursor in rows for (text,) in cursor.fetchall())


def test_no_secret_is_in_logs_answers_processes_broker_or_ledger(service: Up, store_secret: str, tmp_path: Path):
    own, wrong = service.client["api_key"], f"psk_canary{secrets.token_hex(16)}"
    with Client(service.url, own) as client:
        made = client.keys.create("ci", scopes=("read",)).api_key
        webhook = str(client.webhooks.create("https://example.com/hook").secret)
        archive = tmp_path / "digits.zip"
        digits.write(archive)
        client.datasets.push(archive, name="digits").wait(timeout_seconds=120)
    said = provoke(service, own, wrong)
    processes = running_of(service.data_dir)
    assert len(processes) >= 5
    places = {
        "processes": "\n".join(" ".join(command_line(process)) for process in processes),
        "ledger": ledger_of(service),
        **{str(index): text for index, text in enumerate(said)},
    }
    assert made[:12] in places["ledger"]  # the prefix that people know a key by: the right table was read
    assert service.stop() == 0
    for path in service.data_dir.rglob("*"):
        if path.is_file() and path.name not in KEY_FILES:
            places[str(path)] = path.read_bytes().decode("latin-1")
    assert any(path.endswith("logs/api.log") for path in places)
    signing_key = service.data_dir / "signing_key.pem"
    webhook_keys = service.data_dir / "webhook_keys"
    assert {path.stat().st_mode & 0o777 for path in (signing_key, webhook_keys)} == {0o600}
    for secret in (own, made, webhook, wrong, store_secret, signing_key.read_text().splitlines()[1]):
        assert [place for place, text in places.items() if secret in text] == []
    for secret in webhook_keys.read_text().split():
        assert [place for place, text in places.items() if secret in text] == []


def test_a_page_that_points_its_own_name_at_this_machine_is_refused(service: Up):
    """DNS rebinding: the browser sends the page's name as Host."""
    for name, status in (("evil.example", 400), (f"evil.example:{service.port}", 400), ("localhost", 200)):
        assert httpx.get(f"{service.url}/version", headers={"Host": name}, trust_env=False).status_code == status

"""`/v1/webhooks`: made with a secret that is told once, changed, tried; what they are owed and what was told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core import queue
from core.tables import DatasetVersion
from core.webhooks import secrets
from tests.api import made
from tests.api.serving import Caller
from tests.conftest import forget_settings
from tests.servers.receiver import Manner, Receiver
from tests.worker import webhooks
from worker.tasks.delivery import run_delivery

URL = "https://example.com/hook"


@pytest.fixture
def receiver(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """On this machine, which settings allow here."""
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_ALLOW_PRIVATE", "true")
    forget_settings()
    server = Receiver()
    yield server
    server.down()


@pytest.fixture
def webhook(ours: Caller, receiver: Receiver) -> dict:
    created = ours.post("/v1/webhooks", {"url": receiver.url}).json()
    receiver.secrets.append(created["secret"])
    return created


def told(ours: Caller, webhook: dict, **query: str) -> list[dict]:
    """Oldest first."""
    return ours.get(webhook["links"]["deliveries"], params={"order": "asc"} | query).json()["data"]


def test_secret_is_told_once_and_never_again(ours: Caller):
    key = {"headers": {"Idempotency-Key": "once"}}
    answer = ours.post("/v1/webhooks", {"url": URL, "description": " ci "}, **key)
    created = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (created["events"], created["enabled"], created["description"]) == (["*"], True, "ci")
    assert created["secret"].startswith("whsec_")
    again = ours.post("/v1/webhooks", {"url": URL, "description": " ci "}, **key)
    assert (again.json()["id"], again.json()["secret"]) == (created["id"], None)
    assert again.headers["Idempotency-Replayed"] == "true"
    page = ours.get(answer.headers["Location"])
    assert page.json() == {name: value for name, value in created.items() if name != "secret"}
    assert ours.get("/v1/webhooks").json()["data"] == [page.json()]


@pytest.mark.parametrize(
    ("body", "pointer", "part"),
    [
        ({"url": "http://example.com/"}, "/url", "by https, not by http"),
        ({"url": "https://127.0.0.1/"}, "/url", "127.0.0.1 is not a public address"),
        ({"url": "https://2852039166/latest/meta-data"}, "/url", "169.254.169.254 is not a public address"),
        ({"url": "https://me:word@example.com/"}, "/url", "holds a user name"),
        ({"url": "https://exa mple.com/"}, "/url", "regular expression"),
        ({"url": URL, "events": []}, "/events", "at least 1"),
        ({"url": URL, "events": ["job.born"]}, "/events/0", "job.succeeded"),
        ({"url": URL, "thresholds": [{"metric": "val.nll"}]}, "/thresholds/0", "either above or below"),
        ({"url": URL, "format": "teams"}, "/format", "slack"),
        ({"url": "mailto:ada@example.org"}, "/format", "set `format` to `email`"),
        ({"url": "mailto:ada@example.org", "format": "email"}, "/format", "PATCHSWAP_SMTP_HOST"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret", "no such field"),
        ({}, "/url", "missing"),
    ],
)
def test_fault_in_a_webhook_is_422_with_its_place(ours: Caller, body: dict, pointer: str, part: str):
    answer = ours.post("/v1/webhooks", body)
    assert answer.status_code == 422
    found = answer.json()["errors"][0]
    assert found["pointer"].startswith(pointer)
    assert part in found["message"]


def test_change_names_what_changes_and_holds_to_its_etag(ours: Caller):
    path = ours.post("/v1/webhooks", {"url": URL, "events": ["job.failed"]}).headers["Location"]
    tag = ours.get(path).headers["ETag"]
    change = {"events": ["sweep.failed", "job.failed", "job.failed"]}
    changed = ours.http.patch(path, json=change, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["events"]) == (200, ["job.failed", "sweep.failed"])
    assert changed.json()["url"] == URL
    assert changed.headers["ETag"] == ours.get(path).headers["ETag"] != tag
    assert ours.http.patch(path, json={"enabled": False}, headers={"If-Match": tag}).status_code == 412
    assert ours.get(path, headers={"If-None-Match": changed.headers["ETag"]}).status_code == 304
    for wrong in ({}, {"enabled": None}, {"url": "https://10.0.0.1/"}, {"status": "x"}):
        assert ours.http.patch(path, json=wrong).status_code == 422
    assert ours.delete(path, headers={"If-Match": tag}).status_code == 412
    assert ours.delete(path).status_code == 204
    assert ours.get(path).status_code == 404


def test_rotated_secret_is_told_once_and_the_old_one_signs_for_a_while(ours: Caller, webhook: dict, receiver: Receiver):
    path = webhook["links"]["self"]
    key = {"headers": {"Idempotency-Key": "once"}}
    answer = ours.post(f"{path}/rotate_secret", {}, **key)
    told = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert told["secret"].startswith("whsec_")
    assert told["secret"] != webhook["secret"]
    assert told["former_secrets_until"] > told["created_at"]
    again = ours.post(f"{path}/rotate_secret", {}, **key)
    assert (again.json()["secret"], again.headers["Idempotency-Replayed"]) == (None, "true")
    assert "secret" not in ours.get(path).json()
    for known in (webhook["secret"], told["secret"]):
        receiver.secrets[:] = [known]
        run_delivery(ours.post(f"{path}/ping").json()["id"])
    assert [message.genuine for message in receiver.messages] == [True, True]
    assert ours.post(f"{path}/rotate_secret").json()["former_secrets_until"] > told["former_secrets_until"]
    leaked = ours.post(f"{path}/rotate_secret", {"overlap_seconds": 0}).json()
    assert leaked["former_secrets_until"] is None
    run_delivery(ours.post(f"{path}/ping").json()["id"])
    assert not receiver.messages[-1].genuine  # of the two that were known before


@pytest.mark.parametrize(
    "body",
    [{"overlap_seconds": -1}, {"overlap_seconds": 604_801}, {"overlap_seconds": False}, {"secret": "whsec_mine"}],
)
def test_fault_in_a_rotation_is_422_and_rotates_nothing(ours: Caller, webhook: dict, receiver: Receiver, body: dict):
    assert ours.post(f"{webhook['links']['self']}/rotate_secret", body).status_code == 422
    run_delivery(ours.post(f"{webhook['links']['self']}/ping").json()["id"])
    assert receiver.messages[0].genuine


def test_message_that_cannot_be_signed_is_not_sent_and_waits(
    ours: Caller, receiver: Receiver, tmp_path: Path, monkeypatch
):
    """The worker's own settings: the api, another process here, seals with a file that the worker lacks."""
    keys = tmp_path / "keys"
    secrets.create(keys)
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_KEYS_FILE", str(keys))
    forget_settings()
    row = webhooks.webhook(receiver, tenant_id=ours.tenant_id)
    monkeypatch.delenv("PATCHSWAP_WEBHOOK_KEYS_FILE")
    forget_settings()
    asked = ours.post(f"/v1/webhooks/{row.id}/ping")
    run_delivery(asked.json()["id"])
    page = ours.get(asked.headers["Location"]).json()
    assert receiver.messages == []
    assert (page["status"], page["attempts"]) == ("queued", 1)
    assert page["answer"] == "not sent: the service cannot sign it; tell its operator"
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_KEYS_FILE", str(keys))
    forget_settings()
    ours.post(f"{asked.headers['Location']}/redeliver")
    run_delivery(page["id"])
    assert receiver.messages[0].genuine


def test_what_happens_is_owed_to_whoever_asked_for_it_and_sent(
    ours: Caller, theirs: Caller, version: DatasetVersion, webhook: dict, receiver: Receiver
):
    some = ours.post("/v1/webhooks", {"url": receiver.url, "events": ["job.failed", "export.succeeded"]}).json()
    foreign = theirs.post("/v1/webhooks", {"url": receiver.url}).json()
    job, model, export = made.published_job(version, labels={"project": "demo"})
    assert [one["type"] for one in told(ours, webhook)] == ["job.running", "job.succeeded", "export.succeeded"]
    assert [one["type"] for one in told(ours, some)] == ["export.succeeded"]
    assert told(theirs, foreign) == []
    succeeded = told(ours, webhook)[1]["data"]
    assert (succeeded["id"], succeeded["model_id"], succeeded["labels"]) == (job.id, model.id, {"project": "demo"})
    assert (succeeded["status"], succeeded["error"]) == ("succeeded", None)
    assert ours.get(succeeded["links"]["self"]).json()["latest_event_seq"] == succeeded["event_seq"]
    assert told(ours, some)[0]["data"]["sha256"] == export.sha256
    assert queue.depth("short") == 4  # each was rung for
    for one in told(ours, webhook):
        run_delivery(one["id"])
    assert {one["status"] for one in told(ours, webhook)} == {"succeeded"}
    assert [message.type for message in receiver.messages] == ["job.running", "job.succeeded", "export.succeeded"]
    assert all(message.genuine for message in receiver.messages)
    assert receiver.messages[1].data == succeeded


def test_ping_arrives_and_what_came_back_is_told(ours: Caller, webhook: dict, receiver: Receiver):
    receiver.manner = Manner(status=503, body=b"come back later")
    asked = ours.post(f"{webhook['links']['self']}/ping")
    assert (asked.status_code, asked.json()["status"], asked.json()["attempts"]) == (202, "queued", 0)
    run_delivery(asked.json()["id"])
    page = ours.get(asked.headers["Location"]).json()
    assert (page["type"], page["status"], page["attempts"]) == ("ping", "queued", 1)
    assert (page["answer_status"], page["answer"]) == (503, "come back later")
    assert page["next_attempt_at"] > page["attempted_at"]
    receiver.manner = Manner()
    run_delivery(page["id"])
    assert len(receiver.messages) == 1  # it is not due yet
    assert ours.post(f"{asked.headers['Location']}/redeliver").status_code == 202
    run_delivery(page["id"])
    done = ours.get(asked.headers["Location"]).json()
    assert (done["status"], done["answer_status"], done["next_attempt_at"]) == ("succeeded", 200, None)
    assert [message.id for message in receiver.messages] == [page["id"]] * 2


def test_delivery_that_ended_is_sent_again_under_its_id(ours: Caller, webhook: dict, receiver: Receiver):
    delivery = ours.post(f"{webhook['links']['self']}/ping").json()
    run_delivery(delivery["id"])
    path = f"{webhook['links']['deliveries']}/{delivery['id']}"
    assert ours.get(path).json()["status"] == "succeeded"
    again = ours.post(f"{path}/redeliver").json()
    assert (again["status"], again["attempts"], again["finished_at"]) == ("queued", 0, None)
    run_delivery(delivery["id"])
    assert [message.id for message in receiver.messages] == [delivery["id"]] * 2


def test_deliveries_are_filtered_by_status_and_paged(ours: Caller, webhook: dict, receiver: Receiver):
    ids = [ours.post(f"{webhook['links']['self']}/ping").json()["id"] for _ in range(3)]
    run_delivery(ids[1])
    assert [one["id"] for one in told(ours, webhook, status="succeeded")] == [ids[1]]
    assert [one["id"] for one in told(ours, webhook, status="queued")] == [ids[0], ids[2]]
    first = ours.get(webhook["links"]["deliveries"], params={"limit": 2}).json()
    assert ([one["id"] for one in first["data"]], first["has_more"]) == ([ids[2], ids[1]], True)
    assert [one["id"] for one in ours.get(first["next"]).json()["data"]] == [ids[0]]


def test_delivery_is_found_under_its_own_webhook_only(ours: Caller, webhook: dict):
    other = ours.post("/v1/webhooks", {"url": URL}).json()
    delivery = ours.post(f"{webhook['links']['self']}/ping").json()
    assert ours.get(f"{other['links']['deliveries']}/{delivery['id']}").status_code == 404
    assert ours.post(f"{other['links']['deliveries']}/{delivery['id']}/redeliver").status_code == 404


def test_disabled_webhook_is_owed_nothing_and_enabled_again_gets_what_waited(
    ours: Caller, version: DatasetVersion, webhook: dict, receiver: Receiver
):
    path = webhook["links"]["self"]
    waiting = ours.post(f"{path}/ping").json()
    ours.http.patch(path, json={"enabled": False})
    made.ended_job(version)
    run_delivery(waiting["id"])
    assert receiver.messages == []
    assert [one["id"] for one in told(ours, webhook)] == [waiting["id"]]
    for refused in (f"{path}/ping", f"{path}/deliveries/{waiting['id']}/redeliver"):
        problem = ours.post(refused).json()
        assert (problem["status"], problem["code"]) == (409, "webhook_disabled")
    ours.http.patch(path, json={"enabled": True})
    run_delivery(waiting["id"])
    assert [message.type for message in receiver.messages] == ["ping"]


def test_receiver_that_is_gone_for_good_is_no_longer_told(ours: Caller, webhook: dict, receiver: Receiver):
    receiver.manner = Manner(status=410)
    delivery = ours.post(f"{webhook['links']['self']}/ping").json()
    run_delivery(delivery["id"])
    page = ours.get(webhook["links"]["self"]).json()
    assert (page["enabled"], page["disabled_reason"]) == (False, "its receiver answered 410 Gone")
    assert told(ours, webhook)[0]["status"] == "failed"
    enabled = ours.http.patch(webhook["links"]["self"], json={"enabled": True}).json()
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)


def test_webhooks_of_a_tenant_are_counted(ours: Caller, theirs: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_QUOTA_WEBHOOKS", "2")
    forget_settings()
    paths = [ours.post("/v1/webhooks", {"url": URL}).headers["Location"] for _ in range(2)]
    refused = ours.post("/v1/webhooks", {"url": URL})
    assert (refused.status_code, refused.json()["quota"], refused.json()["used"]) == (429, "webhooks", 2)
    assert theirs.post("/v1/webhooks", {"url": URL}).status_code == 201
    ours.delete(paths[0])
    assert ours.post("/v1/webhooks", {"url": URL}).status_code == 201


def test_deleted_webhook_takes_along_what_it_was_owed(ours: Caller, webhook: dict, receiver: Receiver, database: str):
    delivery = ours.post(f"{webhook['links']['self']}/ping").json()
    assert ours.delete(webhook["links"]["self"]).status_code == 204
    run_delivery(delivery["id"])
    assert receiver.messages == []
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (0,)


@pytest.mark.parametrize("url", ["mailto:a@b@example.org", "mailto:a@example.org?cc=b@c.d", "mailto:a@elsewhere.org"])
def test_mail_goes_to_one_address_of_an_allowed_domain(ours: Caller, monkeypatch: pytest.MonkeyPatch, url: str):
    for name, value in {"HOST": "localhost", "FROM": "ops@example.com", "RECIPIENTS": "example.org"}.items():
        monkeypatch.setenv(f"PATCHSWAP_SMTP_{name}", value)
    forget_settings()
    refused = ours.post("/v1/webhooks", {"url": url, "format": "email"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/url")
    assert ours.post("/v1/webhooks", {"url": "mailto:ada@Example.org", "format": "email"}).status_code == 201


def test_thresholds_alone_are_enough_and_can_be_changed(ours: Caller):
    above = {"metric": "val.top1_accuracy", "above": 0.9}
    created = ours.post("/v1/webhooks", {"url": URL, "events": [], "thresholds": [above, above]}).json()
    assert [each["above"] for each in created["thresholds"]] == [0.9]
    path = created["links"]["self"]
    nothing = ours.http.patch(path, json={"thresholds": []})
    assert (nothing.status_code, nothing.json()["errors"][0]["pointer"]) == (422, "/events")
    changed = ours.http.patch(path, json={"thresholds": [{"metric": "train.loss", "below": 1}]}).json()
    assert changed["thresholds"] == [{"metric": "train.loss", "above": None, "below": 1.0}]


def test_metrics_tell_what_waits(ours: Caller, operator: Caller, webhook: dict):
    ours.post(f"{webhook['links']['self']}/ping")
    text = operator.get("/metrics").text
    assert 'patchswap_rows{kind="delivery",status="queued"} 1.0' in text
    assert 'patchswap_oldest_queued_seconds{kind="delivery"}' in text

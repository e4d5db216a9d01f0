"""Webhooks by the client and the command line, and what a receiver does with a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Signer

from patchswap import NotGenuine, verify_webhook
from patchswap.client import Client
from patchswap.errors import ApiError
from tests.patchswap.cli.conftest import Run, complaint, one_json, patchswap, run  # noqa: F401 - fixtures
from tests.servers.proxy import BreakingProxy, Fault

URL = "https://example.com/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"job.succeeded","timestamp":"2026-11-24T00:00:00Z","data":{"id":"job_1"}}'


def signed(body: bytes, secret: str = SECRET, *, age: timedelta = timedelta(0)) -> dict[str, str]:
    at = datetime.now(UTC) - age
    signature = Signer(secret).sign("whd_1", at, body.decode())
    return {"Webhook-Id": "whd_1", "Webhook-Timestamp": str(int(at.timestamp())), "Webhook-Signature": signature}


def test_webhook_is_made_changed_pinged_and_deleted(client: Client):
    made = client.webhooks.create(URL, events=["job.failed"], description="ci")
    assert str(made.secret).startswith("whsec_")
    assert client.webhooks.get(made.id).secret is None
    assert client.webhooks.change(made.id, events=["job.failed", "job.succeeded"]).events == (
        "job.failed",
        "job.succeeded",
    )
    sent = client.webhooks.ping(made.id)
    assert client.webhooks.redeliver(made.id, sent.id).status == "queued"
    assert [one.id for one in client.webhooks.deliveries(made.id, status="queued")] == [sent.id]
    assert [one.id for one in client.webhooks.list()] == [made.id]
    client.webhooks.delete(made.id)
    with pytest.raises(ApiError, match="nothing by the id"):
        client.webhooks.get(made.id)


def test_secret_whose_answer_was_lost_belongs_to_nobody(client: Client, proxy: BreakingProxy, quick_retries):
    proxy.faults.append(Fault("POST", "/v1/webhooks", "drop_answer"))
    made = client.webhooks.create(URL)
    assert made.secret is not None
    assert [one.id for one in client.webhooks.list()] == [made.id]


def test_rotation_whose_answer_was_lost_is_made_again(client: Client, proxy: BreakingProxy, quick_retries):
    made = client.webhooks.create(URL)
    proxy.faults.append(Fault("POST", f"/v1/webhooks/{made.id}/rotate_secret", "drop_answer"))
    rotated = client.webhooks.rotate_secret(made.id)
    assert rotated.secret not in (None, made.secret)
    assert rotated.former_secrets_until is not None


def test_genuine_message_is_read():
    assert verify_webhook(BODY, signed(BODY), SECRET)["data"] == {"id": "job_1"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY.replace(b"job_1", b"job_2"), signed(BODY)),
        (BODY, signed(BODY, "whsec_" + "A" * 32)),
        (BODY, signed(BODY, age=timedelta(minutes=6))),
        (BODY, signed(BODY) | {"Webhook-Id": "whd_2"}),
        (BODY, signed(BODY) | {"Webhook-Signature": "v1"}),
        (BODY, signed(BODY) | {"Webhook-Signature": "v1,no base64"}),
        (BODY, {}),
        (b"\xff", signed(BODY)),
    ],
    ids=["altered", "another secret", "old", "another id", "half a signature", "nonsense", "no headers", "no text"],
)
def test_message_that_is_not_genuine_is_refused(body: bytes, headers: dict[str, str]):
    with pytest.raises(NotGenuine, match="was not signed with the webhook's secret just now"):
        verify_webhook(body, headers, SECRET)


def test_commands(patchswap: Run):  # noqa: F811
    made = patchswap("webhooks", "create", URL, "--event", "job.failed", "--description", "ci")
    assert made.stdout.startswith("whsec_")
    (webhook,) = one_json(patchswap("webhooks", "list", "--json"))
    assert made.stderr.startswith(webhook["id"])
    assert made.stdout.strip() not in json.dumps(webhook)
    rotated = patchswap("webhooks", "rotate-secret", webhook["id"])
    assert rotated.stdout.startswith("whsec_")
    assert "also signed with the old secret until" in rotated.stderr
    assert "is no longer valid" in patchswap("webhooks", "rotate-secret", webhook["id"], "--overlap-hours", "0").stderr
    delivery = patchswap("webhooks", "ping", webhook["id"]).stdout.strip()
    assert delivery in patchswap("webhooks", "deliveries", webhook["id"]).stdout
    assert one_json(patchswap("webhooks", "redeliver", webhook["id"], delivery, "--json"))["status"] == "queued"
    assert patchswap("webhooks", "disable", webhook["id"]).stdout == f"{webhook['id']} disabled\n"
    refused = patchswap("webhooks", "ping", webhook["id"])
    assert (refused.returncode, "Enable it first" in complaint(refused)) == (1, True)
    assert patchswap("webhooks", "enable", webhook["id"]).stdout == f"{webhook['id']} enabled\n"
    assert patchswap("webhooks", "rm", webhook["id"]).returncode == 0
    wrong = patchswap("webhooks", "create", "http://example.com/")
    assert "Give an https url whose host has a public address" in complaint(wrong)

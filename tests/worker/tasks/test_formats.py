"""Messages that people read, as a real HTTP server and a real SMTP server get them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.database.database import transaction
from core.jobs import ledger
from core.tables import Webhook, WebhookDelivery
from core.webhooks import requests
from core.webhooks.thresholds import Threshold
from tests.api import made
from tests.conftest import forget_settings
from tests.servers import mail
from tests.servers.mail import MailServer
from tests.servers.processes import spare_port
from tests.servers.receiver import Receiver
from tests.worker import seed, webhooks
from tests.worker.tasks.test_sending import certificate_of
from worker.tasks.delivery import run_delivery

NAME = "night <1> & co"
THRESHOLDS = [Threshold(metric="val.top1_accuracy", above=0.9)]


@pytest.fixture
def settled(database: str, monkeypatch: pytest.MonkeyPatch):
    def settle(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"PATCHSWAP_{name.upper()}", str(value))
        forget_settings()

    settle(webhook_allow_private="true", webhook_timeout_seconds=10, public_url="https://ml.example.com")
    return settle


@pytest.fixture
def relay(settled) -> Iterator[MailServer]:
    server = MailServer()
    settled(smtp_host="127.0.0.1", smtp_port=server.port, smtp_security="none", smtp_from="Ops <ops@example.com>")
    yield server
    server.close()


def addressed(url: str = "mailto:ada@example.org", **more: Any) -> Webhook:
    with transaction() as session:
        more = {"events": ["job.failed"]} | more
        return requests.create(session, seed.tenant(), url=url, format="email", **more)[0]


def crossed_and_failed(tenant_id: str) -> str:
    """A job that crosses the threshold and then fails."""
    job, claim = made.running_job(seed.version(tenant_id), name=NAME)
    point = {"job_id": job.id, "key": "val.top1_accuracy", "step": 9, "epoch": 3, "value": 0.9125}
    with transaction() as session:
        ledger.record(session, claim, points=[point])
        ledger.end(session, claim, "failed", reason="r", error=ledger.lost_attempts.POISON)
    return job.id


def deliver(webhook: Webhook) -> list[WebhookDelivery]:
    for delivery in webhooks.owed(webhook):
        run_delivery(delivery.id)
    return webhooks.owed(webhook)


def test_slack_gets_one_text_with_its_three_characters_escaped(settled):
    server = Receiver()
    try:
        webhook = webhooks.webhook(server, events=["job.failed"], format="slack", thresholds=THRESHOLDS)
        job_id = crossed_and_failed(webhook.tenant_id)
        assert [each.status for each in deliver(webhook)] == ["succeeded", "succeeded"]
    finally:
        server.down()
    link, name = f"<https://ml.example.com/ui/#/jobs/{job_id}>", "night &lt;1&gt; &amp; co"
    crossed, failed = (message.data for message in server.messages)
    said = f"Job {name}: val.top1_accuracy is 0.9125, above 0.9, at epoch 3."
    assert crossed == {"text": f"{said}\n{link}"}
    assert list(failed) == ["text"]
    assert failed["text"].startswith(f"Job {name} failed.\nThe job ended its worker several times")
    assert failed["text"].endswith(link)


def test_mail_arrives_with_what_happened_and_how_to_stop_it(relay: MailServer):
    webhook = addressed(thresholds=THRESHOLDS)
    job_id = crossed_and_failed(webhook.tenant_id)
    sent = deliver(webhook)
    assert [(each.status, each.answer_status) for each in sent] == [("succeeded", 250)] * 2
    crossed, failed = relay.box.messages
    assert relay.box.recipients == ["ada@example.org"] * 2
    assert (crossed["From"], crossed["To"]) == ("Ops <ops@example.com>", "ada@example.org")
    assert crossed["Subject"] == f"Job {NAME}: val.top1_accuracy is 0.9125, above 0.9, at epoch 3."
    assert crossed["Message-ID"] == f"<{sent[0].id}@example.com>"
    text = failed.get_content()
    assert f"https://ml.example.com/ui/#/jobs/{job_id}" in text
    assert f"patchswap webhooks rm {webhook.id}" in text


def test_name_with_a_line_break_is_no_header(relay: MailServer):
    webhook = addressed()
    with transaction() as session:
        row = session.get_one(Webhook, webhook.id)
        delivery = _owe(session, row, name="a\r\nBcc: eve@example.org")
    run_delivery(delivery)
    (message,) = relay.box.messages
    assert (message["Subject"], message["Bcc"]) == ("Job a Bcc: eve@example.org failed.", None)


def test_refused_mail_is_tried_again(relay: MailServer, settled):
    settled(webhook_retry_seconds="0.01")
    webhook = addressed()
    relay.box.refuses.append("451 Greylisted, try again")
    crossed_and_failed(webhook.tenant_id)
    (waiting,) = deliver(webhook)
    assert (waiting.status, waiting.answer_status, waiting.answer) == ("queued", 451, "Greylisted, try again")
    sent = _when_due(webhook)
    assert (sent.status, sent.attempts, len(relay.box.messages)) == ("succeeded", 2, 1)


def _when_due(webhook: Webhook) -> WebhookDelivery:
    """The delivery after its second attempt, which is not made before it is due."""
    deadline = time.monotonic() + 20
    while True:
        (sent,) = deliver(webhook)
        if sent.attempts > 1 or time.monotonic() > deadline:
            return sent
        time.sleep(0.01)


def test_relay_that_is_away_holds_the_message(relay: MailServer, settled):
    settled(smtp_port=spare_port())
    webhook = addressed()
    crossed_and_failed(webhook.tenant_id)
    (waiting,) = deliver(webhook)
    assert (waiting.status, waiting.answer_status) == ("queued", None)
    assert "refused" in (waiting.answer or "")


def test_mail_goes_by_starttls_and_a_login(settled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    certificate, key = certificate_of("localhost", tmp_path)
    server = MailServer((certificate, key))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    account = {"smtp_user": mail.USER, "smtp_password": mail.PASSWORD, "smtp_from": "ops@example.com"}
    settled(smtp_host="localhost", smtp_port=server.port, **account)
    try:
        webhook = addressed()
        crossed_and_failed(webhook.tenant_id)
        assert [each.status for each in deliver(webhook)] == ["succeeded"]
        settled(smtp_password="another", webhook_timeout_seconds=2)
        crossed_and_failed(webhook.tenant_id)
        assert [each.status for each in deliver(webhook)] == ["succeeded", "queued"]
    finally:
        server.close()
    assert server.box.logins == [True]


def _owe(session: Any, webhook: Webhook, *, name: str) -> str:
    from core.webhooks import outbox  # noqa: PLC0415 - what a job of any name would owe

    data = {"id": "job_1", "name": name, "error": None, "links": {"self": "/v1/jobs/job_1"}}
    return outbox.owe(session, webhook.tenant_id, [webhook.id], "job.failed", data)[0]

"""A message is sent until it is accepted or its day is over; whoever does not answer holds up nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core import queue
from core.database.database import transaction
from core.errors import Fenced
from core.tables import Webhook, WebhookDelivery
from core.webhooks import deliveries
from tests.api import made
from tests.conftest import forget_settings
from tests.servers.receiver import Manner, Receiver
from tests.worker import webhooks
from tests.worker.processes import wait_for
from worker.housekeeping import sweeper
from worker.tasks.delivery import run_delivery


@pytest.fixture
def impatient(fake_trainer, monkeypatch) -> None:
    """Pauses of parts of a second, and sweeps that find every row due."""
    for name, value in {"ALLOW_PRIVATE": "true", "RETRY_SECONDS": "0.2", "TIMEOUT_SECONDS": "1"}.items():
        monkeypatch.setenv(f"PATCHSWAP_WEBHOOK_{name}", value)
    monkeypatch.setenv("PATCHSWAP_SWEEP_SECONDS", "0.1")
    forget_settings()


@pytest.fixture
def receiver(impatient) -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.down()


@pytest.fixture
def webhook(receiver: Receiver) -> Webhook:
    return webhooks.webhook(receiver, events=["job.failed"])


def message(webhook: Webhook) -> WebhookDelivery:
    with transaction() as session:
        return deliveries.ping(session, webhook.tenant_id, webhook.id)


def read(delivery: WebhookDelivery) -> WebhookDelivery:
    with transaction() as session:
        return session.get_one(WebhookDelivery, delivery.id)


def later(delivery: WebhookDelivery, seconds: float, *, of: str = "due_at") -> None:
    """So much time has passed for it."""
    column = getattr(WebhookDelivery, of)
    with transaction() as session:
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.id == delivery.id)
            .values({of: column - timedelta(seconds=seconds)})
        )


def test_pauses_grow_from_seconds_to_hours_until_the_day_is_over(webhook, receiver, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_RETRY_SECONDS", "5")
    forget_settings()
    receiver.manner = Manner(status=500)
    delivery, pauses = message(webhook), []
    while read(delivery).status == "queued":
        run_delivery(delivery.id)
        row = read(delivery)
        pauses.append((row.due_at - row.attempted_at).total_seconds())
        later(delivery, pauses[-1])
        later(delivery, pauses[-1], of="queued_at")
    assert read(delivery).status == "failed"
    assert 11 <= len(receiver.messages) <= 15
    for pause, wanted in zip(pauses, [5, 15, 45, 135, 405, 1215, 3645, 10935, 14400, 14400], strict=False):
        assert 0.8 * wanted <= pause <= 1.2 * wanted
    assert sum(pauses[:-1]) <= 86_400 < sum(pauses)
    assert (
        len({round(pause / wanted, 3) for pause, wanted in zip(pauses, [5, 15, 45, 135, 405, 1215], strict=False)}) > 3
    )


@pytest.mark.parametrize("manner", [Manner(status=500), Manner(status=302), Manner(cut="silent"), Manner(cut="half")])
def test_what_was_not_accepted_is_sent_again_by_the_sweepers_bell(webhook, receiver, manner: Manner):
    receiver.manners = [manner]
    delivery = message(webhook)
    run_delivery(delivery.id)
    assert (read(delivery).status, read(delivery).attempts, read(delivery).worker) == ("queued", 1, None)
    queue.broker().flushall()
    wait_for(lambda: sweeper.ring_missing("short", sweeper.BELLS["short"]))
    run_delivery(delivery.id)
    assert (read(delivery).status, read(delivery).attempts) == ("succeeded", 2)
    assert {(one.id, one.genuine) for one in receiver.messages} == {(delivery.id, True)}
    timestamps = [one.headers["webhook-timestamp"] for one in receiver.messages]
    assert timestamps == sorted(timestamps)


def test_no_bell_is_rung_before_a_message_is_due(webhook, receiver, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_RETRY_SECONDS", "60")
    forget_settings()
    receiver.manner = Manner(status=500)
    delivery = message(webhook)
    run_delivery(delivery.id)
    queue.broker().flushall()
    assert sweeper.ring_missing("short", sweeper.BELLS["short"]) == 0
    run_delivery(delivery.id)  # a bell from before
    assert len(receiver.messages) == 1


def test_silent_receiver_is_waited_for_once_and_not_for_each_message(webhook, receiver, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_WEBHOOK_RETRY_SECONDS", "60")
    forget_settings()
    receiver.manner = Manner(after_seconds=1.5)
    waiting = [message(webhook) for _ in range(5)]
    for delivery in waiting:
        run_delivery(delivery.id)
    assert [read(delivery).attempts for delivery in waiting] == [1, 0, 0, 0, 0]
    assert read(waiting[0]).answer == "no answer within 1 s"
    receiver.manner = Manner()
    other = webhooks.webhook(receiver)
    run_delivery(message(other).id)
    assert webhooks.owed(other)[0].status == "succeeded"  # others are not held
    with transaction() as session:
        session.execute(update(Webhook).values(held_until=func.now()))
    for delivery in waiting[1:]:
        run_delivery(delivery.id)
    assert [read(delivery).status for delivery in waiting] == ["queued"] + ["succeeded"] * 4
    assert (webhooks.read(webhook).failures, webhooks.read(webhook).held_until) == (0, None)


def test_hold_grows_to_five_minutes(webhook):
    seconds = []
    for _ in range(8):
        with transaction() as session:
            session.execute(update(Webhook).values(deliveries._health(deliveries.Answer(None, "", 1))))
        with transaction() as session:
            held_until, now = session.execute(select(Webhook.held_until, func.now())).one()
        seconds.append((held_until - now).total_seconds())
    assert seconds == pytest.approx([0.2 * 3**n for n in range(7)] + [300], abs=0.1)


def test_killed_workers_message_is_taken_again_and_its_late_word_refused(webhook, receiver):
    delivery = message(webhook)
    with transaction() as session:
        held, _ = deliveries.claim(session, delivery.id, "killed")
    run_delivery(delivery.id)
    assert receiver.messages == []  # it is somebody's
    with transaction() as session:
        session.execute(update(WebhookDelivery).values(lease_expires_at=func.now() - timedelta(seconds=1)))
    sweeper.sweep()
    assert (read(delivery).status, read(delivery).worker) == ("queued", None)
    wait_for(lambda: run_delivery(delivery.id) or read(delivery).status == "succeeded")
    assert read(delivery).fence == held.fence + 1
    with pytest.raises(Fenced), transaction() as session:
        deliveries.record(session, held, deliveries.Answer(500, "late", 1))
    assert (read(delivery).answer, webhooks.read(webhook).failures) == ("ok", 0)


def test_claimed_once_however_often_it_is_rung(webhook, receiver):
    delivery = message(webhook)
    for _ in range(5):
        run_delivery(delivery.id)
    assert len(receiver.messages) == 1


def test_sweeper_gives_up_what_nobody_could_send_and_forgets_what_ended_a_month_ago(webhook, receiver):
    late, recent, old = message(webhook), message(webhook), message(webhook)
    later(late, 86_401, of="queued_at")
    run_delivery(old.id)
    later(old, 30 * 86_400 + 1, of="finished_at")
    sweeper.sweep()
    assert (read(late).status, read(late).attempts, read(recent).status) == ("failed", 0, "queued")
    assert {row.id for row in webhooks.owed(webhook)} == {late.id, recent.id}


def test_worker_tells_what_happens_to_a_job_and_survives_a_kill(webhook, receiver, version, start_worker):
    """Whole: the end of a job, the bell, two workers of which one is killed while it waits for the receiver."""
    receiver.manner = Manner(after_seconds=0.5)
    first = start_worker("short")
    second = start_worker("short")
    jobs = [made.ended_job(version) for _ in range(6)]
    receiver.wait_for(1)
    first.kill()
    wait_for(lambda: {one.data["id"] for one in receiver.accepted} == {job.id for job in jobs}, seconds=60)
    wait_for(lambda: {row.status for row in webhooks.owed(webhook)} == {"succeeded"}, seconds=60)
    assert all(one.genuine for one in receiver.messages)
    assert second.terminate() == 0

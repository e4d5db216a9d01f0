"""What is owed is written in the commit of what happened, or not at all; and rung for after it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from core import queue
from core.accounts.keys import ensure_tenant
from core.comparisons import endings
from core.comparisons import requests as comparisons
from core.comparisons.spec import parse
from core.database import leases
from core.database.database import session_factory, transaction
from core.database.leases import POISON
from core.datasets import ledger as datasets
from core.errors import Fenced
from core.exports import ledger as exports
from core.exports import profiles
from core.jobs import ledger, requests
from core.jobs.ledger import Claim
from core.predictions import ledger as predictions
from core.sweeps import ledger as sweeps_ledger
from core.sweeps import requests as sweeps
from core.tables import DatasetVersion, Export, Prediction, Sweep, Webhook, WebhookDelivery
from core.tables.states import PRUNED
from core.webhooks import outbox
from core.webhooks import requests as webhooks
from tests.api import made, weighed
from tests.servers.redis import RedisServer
from tests.worker import seed, sweeping


@pytest.fixture
def version(database) -> DatasetVersion:
    return seed.version(seed.tenant())


def webhook(version: DatasetVersion, *events: str) -> Webhook:
    with transaction() as session:
        url = "https://example.com/"
        row, _ = webhooks.create(session, version.tenant_id, url=url, events=events or ["*"], description=None)
    return row


def owed() -> list[tuple[str, str]]:
    """Type and the resource's status, oldest first."""
    with transaction() as session:
        rows = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
        return [(row.type, row.data["status"]) for row in rows]


def test_each_ending_of_a_job_is_told_and_no_other_status(version):
    webhook(version)
    ended = [made.ended_job(version, status) for status in ("failed", "cancelled", "paused")]
    waiting = seed.job(version)
    with transaction() as session:
        requests.pause(session, version.tenant_id, waiting.id)
        requests.resume(session, version.tenant_id, waiting.id)
        requests.cancel(session, version.tenant_id, waiting.id)
    types = [type_ for type_, _ in owed()]
    assert types[: 2 * len(ended)] == [
        "job.running",
        "job.failed",
        "job.running",
        "job.cancelled",
        "job.running",
        "job.paused",
    ]
    assert types[6:] == ["job.paused", "job.cancelled"]
    assert all(type_ == f"job.{status}" for type_, status in owed())


def test_attempt_that_goes_back_to_the_queue_is_no_ending(version):
    webhook(version, "job.failed", "job.succeeded", "job.cancelled")
    _, claim = made.running_job(version)
    with transaction() as session:
        ledger.crash(session, claim, reason="gone")
    assert owed() == []


def test_datasets_exports_profiles_predictions_sweeps_and_weights_are_told(version):
    webhook(
        version,
        "dataset.failed",
        "dataset.ready",
        "export.failed",
        "export.gate_failed",
        "prediction.failed",
        "profile.failed",
        "sweep.cancelled",
        "weights.failed",
        "weights.ready",
    )
    _, model, export = made.published_job(version)
    with transaction() as session:
        row = session.get_one(DatasetVersion, version.id)
        row.status, row.fence = "running", 1
        session.flush()
        datasets.fail_version(session, version.id, 1, error=POISON.model_dump(), report=None)
    waiting = made.export(model, "queued")
    with transaction() as session:
        fence = leases.claim(session, Export, waiting.id, "w").fence
        exports.fail(session, waiting.id, fence, POISON)
    with transaction() as session:
        profile = profiles.submit(session, export.tenant_id, model.id, export_id=export.id, device=None)
        profile.status, profile.fence = "running", 1
        session.flush()
        profiles.fail(session, profile.id, 1, POISON)
    with transaction() as session:
        prediction = predictions.submit(session, version.tenant_id, model.id, seed.version(version.tenant_id).id)
        fence = leases.claim(session, Prediction, prediction.id, "w").fence
        predictions.fail(session, prediction.id, fence, POISON)
    other = seed.version(version.tenant_id)
    with transaction() as session:
        sweeps.cancel(session, version.tenant_id, sweeping.sweep(other))
    weighed.ready(version.tenant_id)
    assert owed() == [
        ("dataset.failed", "failed"),
        ("export.failed", "failed"),
        ("profile.failed", "failed"),
        ("prediction.failed", "failed"),
        ("sweep.cancelled", "cancelled"),
        ("weights.ready", "ready"),
    ]


def test_trial_that_its_sweep_gave_up_was_pruned_and_not_cancelled(version):
    webhook(version)
    sweep_id = sweeping.sweep(version)
    waiting, running = (seed.job(version) for _ in range(2))
    held = sweeping.claim(running.id)
    with transaction() as session:
        sweep = session.get_one(Sweep, sweep_id)
        for job in (waiting, running):
            assert sweeps_ledger.stop(session, sweep, job.id, reason=f"{PRUNED}behind the other trials at epoch 1")
    with transaction() as session:
        ledger.end(session, held, "cancelled", reason="cancelled by request")
    with transaction() as session:
        rows = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
        told = [(row.type, row.data["id"]) for row in rows]
        assert {row.data["reason"] for row in rows if row.type == "job.pruned"} == {
            "pruned: behind the other trials at epoch 1"
        }
    assert told == [
        ("sweep.created", sweep_id),
        ("job.running", running.id),
        ("job.pruned", waiting.id),
        ("job.pruned", running.id),
    ]


def test_comparison_is_told_when_it_begins_and_once_when_its_last_job_is_over(version):
    webhook(version, "comparison.created", "comparison.ended")
    asked = parse({"dataset": version.id, "methods": ["cross_entropy", "patch_swap"], "seeds": [0]})
    with transaction() as session:
        comparison, job_ids = comparisons.submit(session, version.tenant_id, asked)
    for number, job_id in enumerate(job_ids):
        assert comparison_types() == ["comparison.created"], number
        with transaction() as session:
            requests.cancel(session, version.tenant_id, job_id)
            endings.announce(session, limit=10)
            endings.announce(session, limit=10)
    with transaction() as session:
        last = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id.desc()).limit(1)).one()
        assert (last.data["id"], last.data["jobs"]) == (comparison.id, {"cancelled": 2})
    assert comparison_types() == ["comparison.created", "comparison.ended"]


def comparison_types() -> list[str]:
    with transaction() as session:
        return list(session.scalars(select(WebhookDelivery.type).order_by(WebhookDelivery.id)))


def test_only_enabled_webhooks_of_the_tenant_that_asked_are_owed(version):
    wanted, disabled = webhook(version, "job.failed"), webhook(version)
    webhook(version, "job.paused")
    webhook(seed.version(_other_tenant()))
    with transaction() as session:
        session.get_one(Webhook, disabled.id).enabled = False
    made.ended_job(version)
    with transaction() as session:
        assert list(session.scalars(select(WebhookDelivery.webhook_id))) == [wanted.id]


def _other_tenant() -> str:
    with transaction() as session:
        return ensure_tenant(session, "others").id


def test_what_is_rolled_back_is_neither_owed_nor_rung(version):
    webhook(version, "job.failed")
    _, claim = made.running_job(version)
    with session_factory()() as session:
        ledger.end(session, claim, "failed", reason="not yet")
        session.rollback()
        assert (owed(), queue.depth("short")) == ([], 0)
        ledger.end(session, claim, "failed", reason="now")
        assert queue.depth("short") == 0  # the bell never before the commit
        session.commit()
    assert (owed(), queue.depth("short")) == ([("job.failed", "failed")], 1)


def test_stale_worker_owes_nothing(version):
    webhook(version, "job.failed")
    job, claim = made.running_job(version)
    stale = Claim(job.id, claim.fence - 1, claim.worker)
    with pytest.raises(Fenced), transaction() as session:
        ledger.end(session, stale, "failed", reason="stale")
    assert owed() == []


def test_job_ends_while_redis_is_away_and_asks_it_only_once(version, redis_server: RedisServer, monkeypatch):
    webhook(version, "job.failed")
    webhook(version, "job.failed")
    _, claim = made.running_job(version)
    rung = []
    real = queue.ring
    monkeypatch.setattr(queue, "ring", lambda *arguments: rung.append(arguments) or real(*arguments))
    redis_server.stop()
    try:
        with transaction() as session:
            ledger.end(session, claim, "failed", reason="made so")
    finally:
        redis_server.start()
    assert (len(owed()), len(rung)) == (2, 1)


def test_webhook_that_goes_at_the_same_moment_does_not_fail_the_job(version):
    """The end waits for the deletion, and then finds nobody to tell."""
    row = webhook(version, "job.failed")
    _, claim = made.running_job(version)
    with session_factory()() as deleting:
        webhooks.delete(deleting, deleting.get_one(Webhook, row.id))
        ending = threading.Thread(target=_end, args=(claim,))
        ending.start()
        ending.join(0.5)
        assert ending.is_alive()
        deleting.commit()
    ending.join(20)
    assert seed.read(claim.job_id).status == "failed"
    assert owed() == []


def _end(claim: Claim) -> None:
    with transaction() as session:
        ledger.end(session, claim, "failed", reason="made so")


def test_every_type_has_data_of_its_own_kind():
    kinds = {type_.partition(".")[0] for type_ in outbox.EVENT_TYPES}
    assert kinds == {"alias", "job", "dataset", "export", "prediction", "profile", "comparison", "sweep", "weights"}

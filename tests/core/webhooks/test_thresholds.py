"""A threshold is told once a job, in the commit of the point that crossed it, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from core.database.database import session_factory, transaction
from core.jobs import ledger
from core.jobs.ledger import Claim
from core.tables import DatasetVersion, WebhookDelivery
from core.webhooks import requests as webhooks
from core.webhooks.thresholds import Threshold
from tests.api import made
from tests.worker import seed

ABOVE = Threshold(metric="val.top1_accuracy", above=0.9)
BELOW = Threshold(metric="train.loss", below=0.1)


@pytest.fixture
def version(database: str) -> DatasetVersion:
    return seed.version(seed.tenant())


def watching(version: DatasetVersion, *thresholds: Threshold, tenant_id: str | None = None) -> str:
    with transaction() as session:
        owner = tenant_id or version.tenant_id
        row, _ = webhooks.create(session, owner, url="https://example.com/", events=[], thresholds=thresholds)
        return row.id


def points(claim: Claim, key: str, *values: float, first_step: int = 1) -> list[dict[str, Any]]:
    steps = enumerate(values, first_step)
    return [{"job_id": claim.job_id, "key": key, "step": n, "epoch": n, "value": value} for n, value in steps]


def write(claim: Claim, *rows: dict[str, Any]) -> None:
    with transaction() as session:
        ledger.record(session, claim, points=rows)


def told() -> list[tuple[str, dict[str, Any], float]]:
    with transaction() as session:
        rows = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
        assert {row.type for row in rows} <= {"job.threshold"}
        return [(row.data["id"], row.data["threshold"], row.data["value"]) for row in rows]


def test_first_value_beyond_is_told_once_a_job(version: DatasetVersion):
    watching(version, ABOVE, BELOW)
    watching(version, ABOVE, tenant_id=seed.tenant("others"))
    (_, first), (_, second) = made.running_job(version), made.running_job(version)
    write(first, *points(first, "val.top1_accuracy", 0.5, 0.9), *points(first, "train.loss", 0.5))
    assert told() == []
    write(first, *points(first, "val.top1_accuracy", 0.93, 0.91, first_step=3))
    write(first, *points(first, "val.top1_accuracy", 0.95, first_step=5))
    write(second, *points(second, "train.loss", 0.05), *points(second, "control.val.top1_accuracy", 0.99))
    assert told() == [
        (first.job_id, {"metric": "val.top1_accuracy", "above": 0.9}, 0.93),
        (second.job_id, {"metric": "train.loss", "below": 0.1}, 0.05),
    ]


def test_point_that_is_rolled_back_is_told_by_the_one_that_stays(version: DatasetVersion):
    watching(version, ABOVE)
    _, claim = made.running_job(version)
    with session_factory()() as session:
        ledger.record(session, claim, points=points(claim, "val.top1_accuracy", 0.99))
        session.rollback()
    assert told() == []
    write(claim, *points(claim, "val.top1_accuracy", 0.99))
    assert len(told()) == 1


def test_number_that_is_none_crosses_nothing(version: DatasetVersion):
    watching(version, ABOVE, BELOW)
    _, claim = made.running_job(version)
    write(claim, *points(claim, "val.top1_accuracy", float("nan")), *points(claim, "train.loss", float("inf")))
    assert told() == []


@pytest.mark.parametrize(
    "body",
    [
        {"metric": "val.nll"},
        {"metric": "val.nll", "above": 1, "below": 0},
        {"metric": "val nll", "above": 1},
        {"metric": "val.nll", "above": float("nan")},
        {"metric": "val.nll", "above": "0.9"},
    ],
)
def test_threshold_has_one_curve_and_one_side(body: dict):
    with pytest.raises(ValidationError):
        Threshold.model_validate(body)

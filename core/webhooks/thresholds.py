"""Thresholds of metrics: a webhook is told once a job, in the very commit that writes the point that crossed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator
from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from contract.strict import Strict
from core.tables import Job, Webhook, WebhookCrossing
from core.webhooks import outbox
from core.webhooks.catalogue import THRESHOLD, data_of

Metric = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=100)]


class Threshold(Strict):
    """A curve of a job, and one side of a value."""

    metric: Metric = Field(
        description="Name of a curve, as `GET /v1/jobs/{id}/metrics` has it.", examples=["val.top1_accuracy"]
    )
    above: FiniteFloat | None = Field(None, description="Told at the first value above this one.")
    below: FiniteFloat | None = Field(None, description="Told at the first value below this one.")

    @model_validator(mode="after")
    def _has_one_side(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        return self

    @property
    def name(self) -> str:
        side, value = ("above", self.above) if self.above is not None else ("below", self.below)
        return f"{self.metric} {side} {value!r}"

    def is_crossed(self, value: float) -> bool:
        return value > self.above if self.above is not None else self.below is not None and value < self.below


class _Crossing(NamedTuple):
    webhook_id: str
    threshold: Threshold
    point: dict[str, Any]


def announce(session: Session, job: Job, points: Sequence[dict[str, Any]]) -> None:
    """Owe a message for each threshold that these points are the first of the job to cross. The caller holds its row.

    `points`: rows of `job_metrics`.
    """
    crossings = list(_crossings(session, job, points)) if points else []
    if not crossings:
        return
    # Held against deletion until the commit, as in the outbox.
    there = select(Webhook.id).where(Webhook.id.in_({each.webhook_id for each in crossings}), Webhook.enabled)
    held = set(session.scalars(there.order_by(Webhook.id).with_for_update(read=True, key_share=True)))
    session.flush()
    for webhook_id, threshold, point in (each for each in crossings if each.webhook_id in held):
        row = {"webhook_id": webhook_id, "job_id": job.id, "threshold": threshold.name}
        first = insert(WebhookCrossing).values(row).on_conflict_do_nothing().returning(WebhookCrossing.job_id)
        if session.scalars(first).one_or_none() is not None:
            outbox.owe(session, job.tenant_id, [webhook_id], THRESHOLD, _data(job, threshold, point))


def _crossings(session: Session, job: Job, points: Sequence[dict[str, Any]]) -> Iterator[_Crossing]:
    """The first point of each threshold that some point crosses."""
    watching = select(Webhook.id, Webhook.thresholds).where(
        Webhook.tenant_id == job.tenant_id, Webhook.enabled, Webhook.thresholds != cast([], JSONB)
    )
    in_order = sorted(points, key=lambda point: point["step"])
    for webhook_id, stored in session.execute(watching).all():
        for threshold in map(Threshold.model_validate, stored):
            crossed = (p for p in in_order if p["key"] == threshold.metric and threshold.is_crossed(p["value"]))
            if (point := next(crossed, None)) is not None:
                yield _Crossing(webhook_id, threshold, point)


def _data(job: Job, threshold: Threshold, point: dict[str, Any]) -> dict[str, Any]:
    said = {name: point[name] for name in ("value", "step", "epoch")}
    return data_of(job) | {"threshold": threshold.model_dump(exclude_none=True), **said}

"""Sweeps and their trials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from contract.child.messages import JobError
from core import tables
from core.sweeps.views import SweepPage

SweepStatus = Literal["running", "succeeded", "failed", "cancelled"]
TrialStatus = Literal["running", "complete", "pruned", "failed", "cancelled"]
SWEEP_EXAMPLES: dict[str, Any] = {
    "successive halving": {
        "value": {
            "dataset": "ds_0199f3a2b4c57d01a2b3c4d5e6f70819",
            "name": "rates",
            "spec": {"recipe": "resnet20_short", "exports": [{"format": "onnx", "precision": "int8"}]},
            "space": {
                "optimizer.learning_rate": {"type": "float", "low": 1e-3, "high": 0.5, "log": True},
                "training.pairs_per_batch": {"type": "int", "low": 8, "high": 64, "step": 8},
                "method.kd_weight": {"type": "categorical", "values": [0.1, 0.25, 1]},
            },
            "algorithm": "asha",
            "asha": {"min_epochs": 3, "reduction_factor": 3},
            "trials": 20,
        }
    }
}


class Trial(BaseModel):
    number: int
    job_id: str | None = Field(description="Null if its values contradict each other, or its job was deleted.")
    status: TrialStatus
    params: dict[str, Any] = Field(description="Path into the spec to the value tried.")
    value: float | None = Field(description="Of the metric: the newest while it runs, the trained net's at the end.")
    epochs: int = Field(description="Trained and judged so far.")
    reason: str | None = Field(description="Why it ended otherwise than complete.")
    finished_at: datetime | None


class Sweep(BaseModel):
    id: str
    name: str | None
    status: SweepStatus
    dataset_id: str
    dataset_version_id: str
    spec: dict[str, Any] = Field(title="Stored spec", description="As asked for, every default filled in.")
    labels: dict[str, str]
    counts: dict[TrialStatus, int] = Field(description="Trials by status, every status named.")
    best: Trial | None = Field(description="The best complete trial so far.")
    final_job_id: str | None = Field(
        description="The best trial's values as a whole job; the test split is read there."
    )
    error: JobError | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    links: dict[str, str | None]


class SweepWithTrials(Sweep):
    trials: list[Trial]


def page(found: SweepPage) -> Sweep:
    return Sweep(**_fields(found))


def page_with_trials(found: SweepPage, trials: Sequence[tables.SweepTrial]) -> SweepWithTrials:
    return SweepWithTrials(**_fields(found), trials=[_trial(trial) for trial in trials])


def _fields(found: SweepPage) -> dict[str, Any]:
    row = found.sweep
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "dataset_id": found.dataset_id,
        "dataset_version_id": row.dataset_version_id,
        "spec": row.spec,
        "labels": row.labels,
        "counts": {status: found.counts.get(status, 0) for status in get_args(TrialStatus)},
        "best": _trial(found.best) if found.best else None,
        "final_job_id": row.final_job_id,
        "error": row.error,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "finished_at": row.finished_at,
        "links": {
            "self": f"/v1/sweeps/{row.id}",
            "jobs": f"/v1/jobs?sweep={row.id}",
            "final_job": f"/v1/jobs/{row.final_job_id}" if row.final_job_id else None,
            "dataset": f"/v1/datasets/{found.dataset_id}",
        },
    }


def _trial(row: tables.SweepTrial) -> Trial:
    return Trial(
        number=row.number,
        job_id=row.job_id,
        status=row.status,
        params=row.params,
        value=row.value,
        epochs=row.epochs,
        reason=row.reason,
        finished_at=row.finished_at,
    )

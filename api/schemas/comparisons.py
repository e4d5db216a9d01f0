"""Comparisons: what is sent, and how far they are. Their table is `core.comparisons.table.ComparisonTable`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from core import tables
from core.comparisons import table, trials
from core.comparisons.spec import Budget
from core.comparisons.table import ComparisonTable
from core.comparisons.trials import ComparisonStatus, Counts, Trial
from core.tables.states import TERMINAL, Status

EXAMPLES: dict[str, Any] = {
    "methods by name": {
        "value": {
            "dataset": "ds_0199f3a2b4c57d01a2b3c4d5e6f70819",
            "spec": {"recipe": "resnet20_short"},
            "methods": ["patch_swap", "patch_swap_only"],
            "seeds": 5,
        }
    },
    "settings of one method": {
        "value": {
            "name": "how much distillation",
            "dataset": "ds_0199f3a2b4c57d01a2b3c4d5e6f70819",
            "spec": {"model": {"architecture": "resnet18"}, "training": {"epochs": 200}},
            "methods": [
                {"name": "patch_swap", "kd_weight": 0.25},
                {"name": "patch_swap", "kd_weight": 1.0, "temperature": 2.0},
            ],
            "seeds": [0, 1, 2, 17],
            "budget": "epochs",
            "labels": {"project": "demo"},
        }
    },
}


class ComparedMethod(BaseModel):
    label: str = Field(description="The name, with its settings where the name alone would stand for several.")
    is_control: bool
    method: dict[str, Any] = Field(description="With all settings.")
    epochs: int = Field(description="Its share of the budget.")


class ComparedJob(BaseModel):
    id: str
    method: str = Field(description="The method's label.")
    seed: int
    status: Status
    phase: str | None
    fraction: float
    error_code: str | None
    model_id: str | None
    finished_at: datetime | None


class ComparisonSummary(BaseModel):
    id: str
    name: str | None
    status: ComparisonStatus = Field(description="Status of its jobs together; ended when all of them are.")
    counts: Counts = Field(description="Jobs by status.")
    dataset_id: str
    dataset_version_id: str
    spec: dict[str, Any] = Field(title="Stored spec", description="The base spec, as asked for.")
    methods: list[ComparedMethod] = Field(description="The control first.")
    seeds: list[int]
    budget: Budget
    labels: dict[str, str]
    created_at: datetime
    links: dict[str, str]


class Comparison(ComparisonSummary):
    finished_at: datetime | None
    jobs: list[ComparedJob]
    table: ComparisonTable


def summary(row: tables.Comparison, counted: Counts) -> ComparisonSummary:
    return ComparisonSummary.model_validate(_common(row, counted))


def page(row: tables.Comparison, found: Sequence[Trial]) -> Comparison:
    counted: Counts = {}
    for trial in found:
        counted[trial.status] = counted.get(trial.status, 0) + 1
    ends = [trial.finished_at for trial in found if trial.status in TERMINAL and trial.finished_at]
    return Comparison(
        **_common(row, counted),
        finished_at=max(ends) if found and len(ends) == len(found) else None,
        jobs=[_job(row, trial) for trial in found],
        table=table.build(row, found),
    )


def _common(row: tables.Comparison, counted: Counts) -> dict[str, Any]:
    path = f"/v1/comparisons/{row.id}"
    return {
        "id": row.id,
        "name": row.name,
        "status": trials.status_of(counted),
        "counts": counted,
        "dataset_id": row.dataset_id,
        "dataset_version_id": row.dataset_version_id,
        "spec": row.spec,
        "methods": row.methods,
        "seeds": row.seeds,
        "budget": row.budget,
        "labels": row.labels,
        "created_at": row.created_at,
        "links": {
            "self": path,
            "jobs": f"/v1/jobs?comparison={row.id}",
            "table": f"{path}/table",
            "dataset": f"/v1/datasets/{row.dataset_id}",
        },
    }


def _job(row: tables.Comparison, trial: Trial) -> ComparedJob:
    return ComparedJob(
        id=trial.job_id,
        method=row.methods[trial.method]["label"],
        seed=trial.seed,
        status=trial.status,
        phase=trial.phase,
        fraction=_fraction(trial.progress),
        error_code=trial.error_code,
        model_id=trial.model_id,
        finished_at=trial.finished_at,
    )


def _fraction(told: Mapping[str, Any]) -> float:
    steps = told.get("steps", 0)
    return float(told.get("fraction", told.get("step", 0) / steps if steps else 0.0))

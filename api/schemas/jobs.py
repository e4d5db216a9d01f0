"""Jobs. `Job` documents what `page` renders; `tests/api` hold the two together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contract.child.messages import JobError
from contract.specs import SpecWarning
from contract.specs.recipes.chosen import Chosen
from core.jobs import usage
from core.jobs.usage import Split
from core.settings import settings
from core.tables.states import Status

_DATASET = "ds_0199f3a2b4c57d01a2b3c4d5e6f70819"
SPEC_EXAMPLES: dict[str, Any] = {
    "the default": {"value": {"dataset": _DATASET}},
    "within ten minutes": {"value": {"dataset": _DATASET, "budget_seconds": 600}},
    "a recipe": {"value": {"dataset": _DATASET, "recipe": "resnet20_short", "control": True}},
    "in full": {
        "value": {
            "dataset": _DATASET,
            "model": {"architecture": "resnet18"},
            "method": {"name": "patch_swap", "patch_size": 8, "swap_probability": 0.5, "temperature": 4.0},
            "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": "step", "milestones": [100, 150]},
            "training": {"epochs": 200, "pairs_per_batch": 128},
            "exports": [
                {"format": "onnx", "precision": "fp32"},
                {"format": "onnx", "precision": "int8", "constraints": {"max_drop_points": 1.0}},
            ],
            "seed": 0,
            "labels": {"project": "demo"},
        }
    },
}


_CHOSEN = "What the default recipe chose, and why; null where the submission named a recipe, or null."


class Best(BaseModel):
    metric: str
    value: float
    epoch: int


class Progress(BaseModel):
    epoch: int
    epochs: int
    step: int = Field(description="Completed steps of all arms; never falls, also not over a resume.")
    steps: int
    fraction: float = Field(
        description="Of the whole job in time: training, evaluation, attacks, exports. By the rates of this job and of "
        "earlier ones; never falls, and is 1 once the model is published."
    )
    phase_fraction: float = Field(description="Of the phase.")
    images_per_second: float | None
    seconds_per_epoch: float | None
    eta_seconds: float | None = Field(description="To the published model.")
    estimated_finish: datetime | None
    loss: float | None = Field(description="Of the newest training steps.")
    headline: Best | None = Field(
        description="The newest figure of the main arm: on validation while it trains, then on the held-out split."
    )
    best: Best | None = Field(description="On validation.")
    updated_at: datetime
    stale: bool = Field(description="Running, but its worker has given no sign of life for a lease's time, a minute.")


class Queue(BaseModel):
    position: int | None = Field(
        description="Among your own queued jobs, by priority and age: 1 is next; 1000 means a thousandth or later; "
        "null when not waiting. Tenants take turns."
    )


class Transition(BaseModel):
    status: str
    phase: str | None
    at: datetime
    reason: str | None


class Attempt(BaseModel):
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None


class Usage(BaseModel):
    """Of all attempts; of one that runs, until its last sign of life."""

    wall_seconds: float = Field(description="Of its attempts, from claim to end: useful + lost + waiting.")
    useful_seconds: float = Field(description="A trainer ran, and its work was kept or ended with the job.")
    lost_seconds: float = Field(
        description="Of attempts that the platform ended: from the newest stored checkpoint to the attempt's end."
    )
    waiting_seconds: float = Field(description="The rest: downloads, uploads, starting, publishing.")
    device: str | None = Field(description="Kind of device, cpu or cuda, where it trained last; null before.")
    device_seconds: float = Field(description="Useful seconds, times the devices that the trainer held.")
    gpu_seconds: float = Field(description="The same as `device_seconds`, under its first name.", deprecated=True)
    platform_fault_seconds: float = Field(
        description="The same as `lost_seconds`, under its first name.", deprecated=True
    )


class ListedJob(BaseModel):
    """A job without its specs."""

    id: str
    name: str | None
    status: Status
    phase: str | None
    dataset_id: str
    dataset_version_id: str
    labels: dict[str, str]
    priority: int = Field(description="The highest of your own queued jobs starts first.")
    progress: Progress
    queue: Queue
    transitions: list[Transition]
    attempts: list[Attempt]
    latest_event_seq: int
    usage: Usage
    model_id: str | None
    comparison_id: str | None = Field(description="The comparison that the job is a trial of.")
    sweep_id: str | None = Field(description="The sweep whose trial or final job it is.")
    error: JobError | None
    cancel_requested_at: datetime | None
    pause_requested_at: datetime | None
    created_at: datetime
    queued_at: datetime
    finished_at: datetime | None
    updated_at: datetime
    links: dict[str, str | None]


class Job(ListedJob):
    model_config = ConfigDict(json_schema_extra={"title": "Job"})

    spec: dict[str, Any] = Field(title="Stored spec", description="As asked for, the recipe merged in.")
    resolved: dict[str, Any] = Field(description="The spec with nothing left to choose.")
    chosen: Chosen | None = Field(description=_CHOSEN)


class CheckedSpec(BaseModel):
    resolved: dict[str, Any]
    chosen: Chosen | None = Field(description=_CHOSEN)
    warnings: list[SpecWarning]
    dataset_id: str
    dataset_version_id: str


def page(row: Mapping[str, Any]) -> dict[str, Any]:
    """One job as readers see it, from a row of `core.jobs.views`."""
    return listed(row) | {"spec": row["spec"], "resolved": row["resolved"], "chosen": row["chosen"]}


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same without its specs."""
    path = f"/v1/jobs/{row['id']}"
    return {
        "id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "phase": row["phase"],
        "dataset_id": row["dataset_id"],
        "dataset_version_id": row["dataset_version_id"],
        "labels": row["labels"],
        "priority": row["priority"],
        "progress": progress(row),
        "queue": {"position": row["position"]},
        "transitions": row["transitions"],
        "attempts": row["attempts"],
        "latest_event_seq": row["latest_event_seq"],
        "usage": used(row),
        "model_id": row["model_id"],
        "comparison_id": row["comparison_id"],
        "sweep_id": row["sweep_id"],
        "error": row["error"],
        "cancel_requested_at": row["cancel_requested_at"],
        "pause_requested_at": row["pause_requested_at"],
        "created_at": row["created_at"],
        "queued_at": row["queued_at"],
        "finished_at": row["finished_at"],
        "updated_at": row["updated_at"],
        "links": {
            "self": path,
            "events": f"{path}/events",
            "stream": f"{path}/events/stream",
            "metrics": f"{path}/metrics",
            "checkpoints": f"{path}/checkpoints",
            "evaluation": f"{path}/evaluation",
            "logs": f"{path}/logs",
            "dataset": f"/v1/datasets/{row['dataset_id']}",
            "model": f"/v1/models/{row['model_id']}" if row["model_id"] else None,
            "comparison": f"/v1/comparisons/{row['comparison_id']}" if row["comparison_id"] else None,
            "sweep": f"/v1/sweeps/{row['sweep_id']}" if row["sweep_id"] else None,
        },
    }


def used(row: Mapping[str, Any]) -> dict[str, Any]:
    ended = row["used"]
    useful, lost, waiting, on_devices = (float(ended[name]) for name in (*Split._fields, "device_seconds"))
    if (running := row["running"]) is not None:
        seen_seconds = float(running["lease_ends_after"]) - settings().lease_seconds
        now = usage.split(seen_seconds, float(running["trainer_seconds"]))
        useful, waiting = useful + now.useful_seconds, waiting + now.waiting_seconds
        on_devices += now.useful_seconds * row["devices"]
    return {
        "wall_seconds": useful + lost + waiting,
        "useful_seconds": useful,
        "lost_seconds": lost,
        "waiting_seconds": waiting,
        "device": usage.kind(row["progress"]),
        "device_seconds": on_devices,
        "gpu_seconds": on_devices,
        "platform_fault_seconds": lost,
    }


def progress(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["progress"]
    step, steps = told.get("step", 0), told.get("steps", 0)
    at = datetime.fromisoformat(told["updated_at"]) if told.get("updated_at") else row["updated_at"]
    running = row["status"] == "running"
    eta = told.get("eta_seconds") if running else 0.0 if row["status"] == "succeeded" else None
    return {
        "epoch": told.get("epoch", 0),
        "epochs": told.get("epochs", 0),
        "step": step,
        "steps": steps,
        "fraction": told.get("fraction", step / steps if steps else 0.0),
        "phase_fraction": told.get("phase_fraction", 0.0),
        "images_per_second": told.get("images_per_second"),
        "seconds_per_epoch": told.get("seconds_per_epoch"),
        "eta_seconds": eta,
        "estimated_finish": at + timedelta(seconds=eta) if running and eta is not None else row["finished_at"],
        "loss": told.get("loss"),
        "headline": told.get("headline"),
        "best": told.get("best"),
        "updated_at": at,
        "stale": row["stale"],
    }

"""What is told: an event's type, and the data of its message. Enough to act on; the whole is behind `links.self`."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from core.tables import AliasChange, Comparison, DatasetVersion, Export, Job, Prediction, Profile, Sweep, Weights

EventType = Literal[
    "job.running",
    "job.paused",
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.pruned",
    "dataset.ready",
    "dataset.failed",
    "export.succeeded",
    "export.gate_failed",
    "export.failed",
    "profile.succeeded",
    "profile.failed",
    "alias.set",
    "alias.deleted",
    "prediction.succeeded",
    "prediction.failed",
    "weights.ready",
    "weights.failed",
    "comparison.created",
    "comparison.ended",
    "sweep.created",
    "sweep.succeeded",
    "sweep.failed",
    "sweep.cancelled",
]
EVENT_TYPES = frozenset(get_args(EventType))
ALL = "*"
THRESHOLD = "job.threshold"  # to webhooks with thresholds, whatever else they are told
PING = "ping"  # on request only, and to whom it was asked for
Told = AliasChange | Comparison | Job | DatasetVersion | Export | Prediction | Profile | Sweep | Weights
_KINDS: dict[type, str] = {DatasetVersion: "dataset", AliasChange: "alias"}


def event_type(row: Told) -> str:
    """`job.succeeded`: of a row as it stands; one that is not among EVENT_TYPES is not told."""
    if isinstance(row, Comparison):  # its status is that of its jobs
        return f"comparison.{'ended' if row.ended_at else 'created'}"
    kind = _KINDS.get(type(row)) or type(row).__name__.lower()
    return f"{kind}.{row.status}"


def data_of(row: Told) -> dict[str, Any]:
    return _DATA[type(row)](row)


def _of_comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "id": comparison.id,
        "name": comparison.name,
        "labels": comparison.labels,
        "dataset_version_id": comparison.dataset_version_id,
        "links": {"self": f"/v1/comparisons/{comparison.id}"},
    }


def _of_job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": job.status,
        "name": job.name,
        "labels": job.labels,
        "dataset_version_id": job.dataset_version_id,
        "comparison_id": job.comparison_id,
        "sweep_id": job.sweep_id,
        "model_id": job.model_id,
        "error": job.error,
        "event_seq": job.latest_event_seq,  # messages may overtake each other: the higher one is the newer
        "links": {"self": f"/v1/jobs/{job.id}"},
    }


def _of_version(version: DatasetVersion) -> dict[str, Any]:
    page = f"/v1/datasets/{version.dataset_id}"
    return {
        "id": version.dataset_id,
        "version_id": version.id,
        "number": version.number,
        "changes": version.changes,
        "status": version.status,
        "error": version.error,
        "links": {"self": page, "validation": f"{page}/versions/{version.id}/validation"},
    }


def _of_export(export: Export) -> dict[str, Any]:
    return {
        "id": export.id,
        "model_id": export.model_id,
        "status": export.status,
        "format": export.format,
        "precision": export.precision,
        "bytes": export.bytes,
        "sha256": export.sha256,
        "violations": export.violations,
        "warnings": export.warnings,
        "error": export.error,
        "links": {"self": f"/v1/exports/{export.id}"},
    }


def _of_profile(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "model_id": profile.model_id,
        "export_id": profile.export_id,
        "device": profile.device,
        "status": profile.status,
        "error": profile.error,
        "links": {"self": f"/v1/profiles/{profile.id}"},
    }


def _of_prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "id": prediction.id,
        "model_id": prediction.model_id,
        "dataset_version_id": prediction.dataset_version_id,
        "status": prediction.status,
        "images": prediction.images,
        "error": prediction.error,
        "links": {"self": f"/v1/predictions/{prediction.id}"},
    }


def _of_sweep(sweep: Sweep) -> dict[str, Any]:
    return {
        "id": sweep.id,
        "status": sweep.status,
        "name": sweep.name,
        "labels": sweep.labels,
        "final_job_id": sweep.final_job_id,
        "error": sweep.error,
        "links": {"self": f"/v1/sweeps/{sweep.id}"},
    }


def _of_weights(weights: Weights) -> dict[str, Any]:
    return {
        "id": weights.id,
        "status": weights.status,
        "name": weights.name,
        "architecture": weights.architecture,
        "bytes": weights.bytes,
        "sha256": weights.sha256,
        "error": weights.error,
        "links": {"self": f"/v1/weights/{weights.id}"},
    }


def _of_alias(change: AliasChange) -> dict[str, Any]:
    path = f"/v1/aliases/{change.name}"
    return {
        "name": change.name,
        "revision": change.revision,
        "status": change.status,
        "model_id": change.model_id,
        "export_id": change.export_id,
        "key_id": change.key_id,
        "links": {"self": path, "download": f"{path}/download", "history": f"{path}/history"},
    }


_DATA: Mapping[type[Any], Callable[[Any], dict[str, Any]]] = {
    Comparison: _of_comparison,
    Job: _of_job,
    DatasetVersion: _of_version,
    Export: _of_export,
    Profile: _of_profile,
    Prediction: _of_prediction,
    Sweep: _of_sweep,
    Weights: _of_weights,
    AliasChange: _of_alias,
}

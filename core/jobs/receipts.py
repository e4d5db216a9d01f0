"""The receipt of a job: what went in, what it ran on, the hashes of what came out. Signed in the publishing commit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from contract.results.selection import published_arm
from core import signing
from core.tables import Checkpoint, DatasetVersion, Export, Job, Model

PAYLOAD_TYPE = "application/vnd.patchswap.receipt+json"


def issue(session: Session, job: Job, model: Model, exports: Sequence[Export], environment: Mapping[str, Any]) -> bytes:
    """The signed envelope of a job that is about to be published. Raises UnusableKey."""
    receipt = {
        "version": 1,
        "job_id": job.id,
        "model_id": model.id,
        "spec": job.spec,
        "resolved": job.resolved,
        "dataset": _dataset(session.get_one(DatasetVersion, job.dataset_version_id)),
        "seed": job.resolved["seed"],
        "attempts": job.total_attempts,
        "environment": dict(environment),
        "weights": {
            "arm": published_arm(model.evaluation),
            "bytes": model.weights_bytes,
            "sha256": model.weights_sha256,
        },
        "checkpoints": [_checkpoint(row) for row in _checkpoints(session, job.id)],
        "exports": [_export(row) for row in exports],
    }
    return signing.envelope(json.dumps(receipt, indent=1).encode(), PAYLOAD_TYPE)


def _checkpoints(session: Session, job_id: str) -> Sequence[Checkpoint]:
    return session.scalars(select(Checkpoint).where(Checkpoint.job_id == job_id).order_by(Checkpoint.id)).all()


def _dataset(version: DatasetVersion) -> dict[str, Any]:
    return {"id": version.dataset_id, "version_id": version.id, "digest": (version.manifest or {}).get("digest")}


def _checkpoint(row: Checkpoint) -> dict[str, Any]:
    return {"arm": row.arm, "step": row.step, "epoch": row.epoch, "bytes": row.bytes, "sha256": row.sha256}


def _export(row: Export) -> dict[str, Any]:
    return {
        "id": row.id,
        "format": row.format,
        "precision": row.precision,
        "status": row.status,
        "rung": row.rung,
        "bytes": row.bytes,
        "sha256": row.sha256,
    }

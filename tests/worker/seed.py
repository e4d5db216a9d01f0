"""Rows and objects that a worker's test begins with: a tenant, a ready dataset version with its pack, jobs on it."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy.orm import Session

from contract.pack.manifest import PackManifest, Pairability
from contract.specs import parse
from core.accounts.keys import ensure_tenant
from core.database.database import transaction
from core.ids import new_id
from core.jobs import requests
from core.store import storage
from core.tables import Dataset, DatasetVersion, Job, Upload
from worker.housekeeping import lost_leases

SAMPLES = b"not read by the fake trainer" * 100
MANIFEST = PackManifest(
    classes=["cat", "dog"],
    samples=60,
    counts={"train": {"cat": 20, "dog": 20}, "val": {"cat": 5, "dog": 5}, "test": {"cat": 5, "dog": 5}},
    encoding="raw",
    channels=1,
    image_size=(8, 8),
    median_size=(8, 8),
    mean=[0.5],
    std=[0.25],
    pairability=Pairability(share=1.0, unpairable_classes=[]),
    evaluation_split="test",
    digest="0" * 64,
    bytes=len(SAMPLES),
)
STEPS = 20  # 40 training images, 4 pairs a batch, 2 epochs


def tenant(name: str = "tests") -> str:
    with transaction() as session:
        return ensure_tenant(session, name).id


def upload(tenant_id: str, content: bytes) -> Upload:
    with transaction() as session:
        row = Upload(
            id=new_id("upl"),
            tenant_id=tenant_id,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            media_type="application/zip",
            status="complete",
            part_size=16 * 2**20,
            expires_at="2100-01-01T00:00:00Z",
        )
        session.add(row)
    storage.put_bytes(f"uploads/{row.id}/00001", content)
    return row


def version(
    tenant_id: str,
    manifest: PackManifest = MANIFEST,
    samples: bytes = SAMPLES,
    *,
    after: DatasetVersion | None = None,
    archive: bytes = b"an archive",
) -> DatasetVersion:
    """A ready version of a dataset of its own, or the one after another."""
    source = upload(tenant_id, archive)
    version_id = new_id("dsv")
    prefix = f"datasets/{version_id}/1/"
    stored = storage.put_bytes(f"{prefix}samples.arrow", samples)
    with transaction() as session:
        dataset = session.get_one(Dataset, after.dataset_id) if after else _dataset(tenant_id, f"d-{version_id[-12:]}")
        dataset.latest_version_id = version_id
        session.add(dataset)
        session.flush()
        row = DatasetVersion(
            id=version_id,
            tenant_id=tenant_id,
            dataset_id=dataset.id,
            number=(after.number or 0) + 1 if after else 1,
            upload_id=source.id,
            status="ready",
            manifest=manifest.model_dump(mode="json"),
            object_prefix=prefix,
            pack_sha256=stored.sha256,
        )
        session.add(row)
    return row


def _dataset(tenant_id: str, name: str) -> Dataset:
    return Dataset(id=new_id("ds"), tenant_id=tenant_id, name=name, task="classification", status="ready")


def job(version: DatasetVersion, *, labels: dict[str, str] | None = None, **body: Any) -> Job:
    """20 steps of the fake trainer, unless `training` says otherwise."""
    training = {"epochs": 2, "pairs_per_batch": 4} | body.pop("training", {})
    spec = parse({"dataset": version.id, "training": training, "labels": labels or {}, **body})
    with transaction() as session:
        return requests.submit(session, version.tenant_id, spec)


def read(job_id: str) -> Job:
    with transaction() as session:
        return session.get_one(Job, job_id)


def take_back_silent(session: Session) -> None:
    """What a sweeper does with rows whose lease ran out."""
    for table, row_id in lost_leases.silent(session):
        lost_leases.take_back(session, table, row_id)

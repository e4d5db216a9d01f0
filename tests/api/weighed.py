"""Weights as a worker would have left them in the ledger."""

from __future__ import annotations

from contract.results.weights_found import WeightsFound
from contract.results.weights_report import WeightsReport
from core.database import leases
from core.database.database import transaction
from core.store import storage
from core.tables import Weights
from core.weights import ledger, requests
from core.weights.requests import Description
from tests.worker import seed

FOUND = WeightsFound(
    num_classes=2,
    channels=3,
    stem="imagenet",
    report=WeightsReport(matched=["conv1.weight"], missing=[], unexpected=["extra"], reshaped=[]),
)


def queued(tenant_id: str, architecture: str = "resnet18", **more) -> Weights:
    upload = seed.upload(tenant_id, b"tensors")
    described = Description(architecture=architecture, licence="CC0-1.0", source="a colleague", **more)
    with transaction() as session:
        return requests.create(session, tenant_id, upload_id=upload.id, of=described)


def ready(tenant_id: str, architecture: str = "resnet18", found: WeightsFound = FOUND, **more) -> Weights:
    row = queued(tenant_id, architecture, **more)
    with transaction() as session:
        fence = leases.claim(session, Weights, row.id, "worker-1").fence
    stored = storage.put_bytes(f"weights/{row.id}/{fence}/model.safetensors", b"weights")
    with transaction() as session:
        ledger.publish(session, row.id, fence, found, stored)
        return session.get_one(Weights, row.id)

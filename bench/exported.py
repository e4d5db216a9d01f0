"""A finished export of any size, put where the api finds it: its job, its model, its row and its object."""

from __future__ import annotations

import os
from pathlib import Path

import obstore
import population
from serving import Api
from sqlalchemy import create_engine, update
from sqlalchemy.orm import Session

from core.ids import new_id
from core.settings import Settings
from core.store import storage
from core.tables import Export, Job, Model


def publish(api: Api, file: Path) -> str:
    """The id of an export that downloads as this file."""
    key = "exports/bench/bundle.zip"
    obstore.put(storage.open_store(Settings()), key, file)
    population.load(api.database, population.Population(1))
    model_id, export_id, job_id = new_id("model"), new_id("exp"), population.job_id(1)
    engine = create_engine(os.environ["PATCHSWAP_DATABASE_URL"])
    with Session(engine) as session, session.begin():
        session.execute(update(Job).where(Job.id == job_id).values(tenant_id=api.tenant_id))
        session.add(_model(api.tenant_id, model_id, job_id))
        session.flush()
        session.add(_export(api.tenant_id, export_id, model_id, key=key, file=file))
    engine.dispose()
    return export_id


def _model(tenant_id: str, model_id: str, job_id: str) -> Model:
    return Model(
        id=model_id,
        tenant_id=tenant_id,
        job_id=job_id,
        dataset_version_id=population.VERSION,
        name="bench",
        task="classification",
        architecture="resnet20",
        method="patch_swap",
        parameters=0,
        macs=0,
        evaluation={},
        card="",
        weights_key="",
        weights_bytes=0,
        weights_sha256="",
    )


def _export(tenant_id: str, export_id: str, model_id: str, *, key: str, file: Path) -> Export:
    return Export(
        id=export_id,
        tenant_id=tenant_id,
        model_id=model_id,
        format="onnx",
        precision="fp32",
        constraints={},
        status="succeeded",
        object_key=key,
        bytes=file.stat().st_size,
        sha256=storage.sha256_of(file),
        measured={},
    )

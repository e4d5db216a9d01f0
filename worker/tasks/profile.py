"""An exported file measured again by this worker, under its device's name: fetch bundle and pack, run `profile`."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import BUNDLE, PROFILE_RESULT, SPEC
from contract.results.exported import ProfileResult
from core import queue
from core.exports import profiles
from core.settings import settings
from core.tables import DatasetVersion, Export, Job, Model, Profile
from worker.children.child import Child
from worker.children.supervision import supervise
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import packs, run_folder
from worker.tasks import short

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One claimed profile and what it is of."""

    profile: Profile
    export: Export
    model: Model
    job: Job
    version: DatasetVersion


def _claim(session: Session, profile_id: str) -> Order | None:
    profile = profiles.claim(session, profile_id, settings().worker_name, device=settings().device_name or None)
    if profile is None:
        return None
    model = session.get_one(Model, profile.model_id)
    version = session.get_one(DatasetVersion, model.dataset_version_id)
    export = session.get_one(Export, profile.export_id)
    return Order(profile, export, model, session.get_one(Job, model.job_id), version)


def _work(order: Order, lease: Lease, folder: Path) -> None:
    profile, out, bundle = order.profile, folder / "out", folder / BUNDLE
    run_folder.lay_out_evaluations(out, order.model.evaluation)
    lease.patiently(lambda: run_folder.fetch_bundle(order.export, bundle))
    run_folder.write_spec(folder, order.job, order.version)
    with packs.fetched(order.version, lease) as pack:
        arguments: list[str | Path] = ["profile", folder / SPEC, "--pack", pack, "--out", out, "--bundle", bundle]
        supervise(lease, Child(settings().trainer_module, arguments, folder=folder, warm=True))
    result = ProfileResult.model_validate_json((out / PROFILE_RESULT).read_bytes())
    write_until_done(lambda session: profiles.publish(session, profile.id, profile.fence, result))
    logger.info("measured")


def _held(order: Order) -> short.Held:
    profile = order.profile

    def fail(error: JobError) -> None:
        write_until_done(lambda session: profiles.fail(session, profile.id, profile.fence, error))

    def ring() -> None:
        queue.ring("worker.profile", profile.id, queue=profiles.bell_queue(profile.device))

    return short.Held("the profile", profile.id, profile.fence, fail, profiles.give_back, ring)


def _about(order: Order) -> dict[str, Any]:
    return {"export": order.export.id, "request_id": order.profile.request_id}


PROFILE = short.Work(kind="profile", table=Profile, claim=_claim, held=_held, about=_about, do=_work)

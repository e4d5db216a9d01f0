"""An exported file measured again by this worker, under its device's name: fetch bundle and pack, run `profile`."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.files import BUNDLE, EVALUATION, PROFILE_RESULT, SPEC
from contract.results.exported import ProfileResult
from contract.specs import ResolvedSpec
from core import queue
from core.database import leases
from core.exports import profiles
from core.settings import settings
from core.store import storage
from core.tables import DatasetVersion, Export, Job, Model, Profile
from worker.children.child import Child
from worker.children.supervision import supervise
from worker.claims import claiming
from worker.claims.lease import Lease
from worker.claims.ledger_writes import write_until_done
from worker.disk import packs, scratch
from worker.tasks import short
from worker.telemetry import counters, logs

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One claimed profile and what it is of."""

    profile: Profile
    export: Export
    model: Model
    job: Job
    version: DatasetVersion


def run_profile(profile_id: str) -> None:
    """Answer the doorbell; a profile that is not there to be claimed, or is of another device, is normal."""
    order = claiming.answer("profile", profile_id, _claim)
    if order is None:
        return
    fence = order.profile.fence
    with (
        logs.about(profile=profile_id, export=order.export.id, fence=fence, request_id=order.profile.request_id),
        scratch.folder(f"{profile_id}-{fence}") as folder,
    ):
        lease = Lease(lambda session: leases.renew(session, Profile, profile_id, fence))
        try:
            _work(order, lease, folder)
            counters.ended("profile")
        except Exception as error:  # noqa: BLE001 - every way it can end is settled there
            counters.ended("profile", error)
            short.settle(_held(order.profile), error)


def _claim(session: Session, profile_id: str) -> Order | None:
    profile = profiles.claim(session, profile_id, settings().worker_name, device=settings().device_name or None)
    if profile is None:
        return None
    model = session.get_one(Model, profile.model_id)
    version = session.get_one(DatasetVersion, model.dataset_version_id)
    export = session.get_one(Export, profile.export_id)
    return Order(profile, export, model, session.get_one(Job, model.job_id), version)


def _work(order: Order, lease: Lease, folder: Path) -> None:
    profile, out = order.profile, folder / "out"
    bundle = folder / BUNDLE
    lease.patiently(lambda: _fetch(order, out, bundle))
    spec_file = folder / SPEC
    spec_file.write_text(ResolvedSpec.model_validate(order.job.resolved).model_dump_json())
    with packs.fetched(order.version, lease) as pack:
        arguments: list[str | Path] = ["profile", spec_file, "--pack", pack, "--out", out, "--bundle", bundle]
        supervise(lease, Child(settings().trainer_module, arguments, folder=folder))
    result = ProfileResult.model_validate_json((out / PROFILE_RESULT).read_bytes())
    write_until_done(lambda session: profiles.publish(session, profile.id, profile.fence, result))
    logger.info("measured")


def _fetch(order: Order, out: Path, bundle: Path) -> None:
    """The bundle as it was published, and what the trained network reached. Raises ChecksumMismatch or NotFound."""
    (out / "main").mkdir(parents=True, exist_ok=True)
    (out / "main" / EVALUATION).write_text(json.dumps(order.model.evaluation["main"]))
    storage.get_file(str(order.export.object_key), bundle, sha256=order.export.sha256)


def _held(profile: Profile) -> short.Held:
    def fail(error: JobError) -> None:
        write_until_done(lambda session: profiles.fail(session, profile.id, profile.fence, error))

    def ring() -> None:
        queue.ring("worker.profile", profile.id, queue=profiles.bell_queue(profile.device))

    return short.Held("the profile", profile.id, profile.fence, fail, profiles.give_back, ring)

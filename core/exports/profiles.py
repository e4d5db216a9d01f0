"""Exported files measured again: asked for, claimed, published. A device's work waits until a worker of it comes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from contract.child.messages import JobError
from contract.results.exported import ProfileResult
from core import queue
from core.database import leases, owned
from core.errors import Conflict, Invalid
from core.exports import devices
from core.exports import ledger as exports
from core.ids import new_id
from core.tables import Device, Export, Model, Profile
from core.webhooks import outbox

LIVE = ("queued", "running")


class ExportUnmeasurable(Conflict):
    """There is no file to measure. Wait until the export's status is succeeded."""


class UnknownExport(Invalid):
    """The model has no such export. List its exports to see their ids."""


def submit(session: Session, tenant_id: str, model_id: str, *, export_id: str, device: str | None) -> Profile:
    """A queued profile, or the one of this file and device that is still to be done. The caller commits, then rings.

    Raises DeviceUnknown, UnknownExport, ExportUnmeasurable or DatasetDeleted.
    """
    exports.require_pack(session, owned.find(session, Model, tenant_id, model_id).dataset_version_id)
    statement = select(Export).where(Export.id == export_id, Export.model_id == model_id).with_for_update()
    export = session.scalars(statement).one_or_none()  # locked: two who ask at once get one profile
    if export is None:
        raise UnknownExport(pointer="/export_id")
    if export.status not in ("succeeded", "gate_failed"):
        raise ExportUnmeasurable(f"The export is {export.status}. It has a file once it has succeeded.")
    if device is not None:
        devices.require(session, tenant_id, device)
    same = select(Profile).where(Profile.export_id == export_id, _is_of(device), Profile.status.in_(LIVE)).limit(1)
    found = session.scalars(same).one_or_none()
    if found is not None:
        return found
    profile = Profile(
        id=new_id("prf"),
        tenant_id=tenant_id,
        model_id=model_id,
        export_id=export_id,
        device=device,
        status="queued",
    )
    session.add(profile)
    session.flush()
    session.refresh(profile)
    return profile


def claim(session: Session, profile_id: str, worker: str, *, device: str | None) -> Profile | None:
    """Take a queued profile of this worker's device; of no device any worker. None when there is none to be taken."""
    return leases.claim(session, Profile, profile_id, worker, (_is_of(device),))


def publish(session: Session, profile_id: str, fence: int, result: ProfileResult) -> None:
    """Raises Fenced."""
    values: dict[str, Any] = {"status": "succeeded", "measured": result.measured, "finished_at": func.now()}
    outbox.announce(session, leases.release(session, Profile, profile_id, fence, **values))


def fail(session: Session, profile_id: str, fence: int, error: JobError) -> None:
    values: dict[str, Any] = {"status": "failed", "error": error.model_dump(), "finished_at": func.now()}
    outbox.announce(session, leases.release(session, Profile, profile_id, fence, **values))


def give_back(session: Session, profile_id: str, fence: int, *, counted: bool) -> str:
    """Queue it again, or fail it when that happened too often; gives the new status. Raises Fenced."""
    profile = leases.give_back(session, Profile, profile_id, fence, counted=counted)
    exports.end_attempt(session, profile)
    return profile.status


def bell_queue(device: str | None) -> str:
    return queue.QUEUES["worker.profile"] if device is None else queue.of_device(device)


def ring(session: Session, profile: Profile) -> None:
    """After the commit. A device that only speaks HTTP takes no messages: they would lie in its queue for ever."""
    if profile.device is None or session.get(Device, profile.device) is not None:
        queue.ring("worker.profile", profile.id, queue=bell_queue(profile.device))


def waiting_devices(session: Session) -> Sequence[str]:
    """Devices inside the deployment that have something to do."""
    inside = Profile.device.in_(select(Device.name))
    return [
        name
        for name in session.scalars(select(Profile.device).where(Profile.status == "queued", inside).distinct())
        if name is not None
    ]


def newest(session: Session, model_id: str, device: str) -> dict[str, dict[str, Any]]:
    """What was measured last of each of the model's exports on this device, by the export's id."""
    statement = (
        select(Profile)
        .ext(distinct_on(Profile.export_id))
        .where(Profile.model_id == model_id, Profile.device == device, Profile.status == "succeeded")
        .order_by(Profile.export_id, Profile.id.desc())
    )
    return {profile.export_id: profile.measured or {} for profile in session.scalars(statement)}


def _is_of(device: str | None) -> ColumnElement[bool]:
    return Profile.device.is_(None) if device is None else Profile.device == device

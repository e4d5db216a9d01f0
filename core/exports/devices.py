"""Devices: names under which workers measure. A worker that runs says so every few seconds; nobody registers one."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import Invalid
from core.tables import Device

FORGOTTEN_AFTER = timedelta(days=7)
ONLINE_SECONDS = 60.0  # six beats


class DeviceUnknown(Invalid):
    """No worker of this device was seen."""


def beat(session: Session, name: str, worker: str) -> None:
    """A worker of this device runs."""
    statement = insert(Device).values(name=name, worker=worker)
    session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"worker": worker, "last_seen_at": func.now()})
    )
    session.execute(delete(Device).where(Device.last_seen_at < func.now() - FORGOTTEN_AFTER))


def seen(session: Session) -> list[tuple[Device, bool]]:
    """Every device with whether it was seen just now, by name."""
    is_online = Device.last_seen_at > func.now() - timedelta(seconds=ONLINE_SECONDS)
    return [(device, online) for device, online in session.execute(select(Device, is_online).order_by(Device.name))]


def require(session: Session, name: str) -> None:
    """A device that is silent for the moment will do: what is asked of it waits. Raises DeviceUnknown."""
    if session.get(Device, name) is not None:
        return
    names = ", ".join(device.name for device, _ in seen(session)) or "none"
    raise DeviceUnknown(
        f"no worker of a device {name!r} was seen in {FORGOTTEN_AFTER.days} days, but of these: {names}; "
        f"start one there: patchswap worker --device-name {name}",
        pointer="/device",
    )

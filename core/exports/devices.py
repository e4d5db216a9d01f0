"""Devices: names under which workers measure. A worker that runs says so every few seconds; nobody registers one.

A worker inside the deployment measures for every tenant. One that speaks HTTP measures for the tenant of its key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, literal, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import Invalid
from core.tables import Device, TenantDevice

FORGOTTEN_AFTER = timedelta(days=7)
ONLINE_SECONDS = 60.0  # six beats
SERVICE = "service"  # is told for the host of the operator's devices, which serve every tenant


class DeviceUnknown(Invalid):
    """No worker of this device was seen. Start one on the device: `patchswap worker --device NAME`."""


@dataclass(frozen=True)
class Seen:
    """A device, and whether a worker of it was seen just now."""

    name: str
    worker: str
    first_seen_at: datetime
    last_seen_at: datetime
    online: bool


def beat(session: Session, name: str, worker: str) -> None:
    """A worker of this device runs inside the deployment."""
    _note(session, Device, ["name"], name=name, worker=worker)


def beat_of_tenant(session: Session, tenant_id: str, name: str, worker: str) -> None:
    """A worker of this device runs somewhere, with a key of this tenant."""
    _note(session, TenantDevice, ["tenant_id", "name"], tenant_id=tenant_id, name=name, worker=worker)


def seen(session: Session, tenant_id: str) -> list[Seen]:
    """Every device that measures for this tenant, by name. Of two with one name, the one that was seen last."""
    inside = _columns(Device, literal(SERVICE))
    own = _columns(TenantDevice, TenantDevice.worker).where(TenantDevice.tenant_id == tenant_id)
    found = session.execute(union_all(inside, own).order_by(literal_column("last_seen_at"))).all()
    newest = {row.name: Seen(*row) for row in found}
    return [newest[name] for name in sorted(newest)]


def require(session: Session, tenant_id: str, name: str) -> None:
    """A device that is silent for the moment will do: what is asked of it waits. Raises DeviceUnknown."""
    known = [device.name for device in seen(session, tenant_id)]
    if name in known:
        return
    raise DeviceUnknown(
        f"No worker of the device {name!r} was seen in {FORGOTTEN_AFTER.days} days. Seen: "
        f"{', '.join(known) or 'none'}. Start one on the device: `patchswap worker --device {name}`.",
        pointer="/device",
    )


def _note(session: Session, table: type[Device | TenantDevice], key: list[str], **values: Any) -> None:
    statement = insert(table).values(**values)
    again = {"worker": values["worker"], "last_seen_at": func.now()}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=again))
    session.execute(delete(table).where(table.last_seen_at < func.now() - FORGOTTEN_AFTER))


def _columns(table: type[Device | TenantDevice], worker: ColumnElement[str] | InstrumentedAttribute[str]) -> Any:
    is_online = table.last_seen_at > func.now() - timedelta(seconds=ONLINE_SECONDS)
    return select(
        table.name, worker.label("worker"), table.first_seen_at, table.last_seen_at, is_online.label("online")
    )

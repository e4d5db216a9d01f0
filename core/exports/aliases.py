"""Aliases: set with compare-and-set, deleted, and what they were before."""

from collections.abc import Callable, Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import Conflict, InUse, Invalid, NotFound
from core.ids import new_id
from core.tables import Alias, AliasChange, Export, Model
from core.webhooks import outbox

Expect = Callable[[Alias | None], None]  # raises where the alias is not as its caller thought


class UnknownTarget(Invalid):
    """There is no such export. Check its id."""


class ExportUnfit(Conflict):
    """An alias can point only at an export that succeeded."""


def find(session: Session, tenant_id: str, name: str, *, lock: bool = False) -> Alias:
    """Raises NotFound."""
    row = _read(session, tenant_id, name, lock=lock)
    if row is None:
        raise NotFound.by(name)
    return row


def put(
    session: Session, tenant_id: str, name: str, *, export_id: str, key_id: str | None, expect: Expect
) -> tuple[Alias, bool]:
    """Point the alias at a file; whether it is new. The same target again changes nothing.

    Raises what `expect` raises, UnknownTarget or ExportUnfit.
    """
    export = _target(session, tenant_id, export_id)
    row = _read(session, tenant_id, name, lock=True)
    expect(row)
    if row is None:
        made = _insert(session, name, export)
        if made is not None:
            _note(session, made, key_id)
            return made, True
        row = find(session, tenant_id, name, lock=True)  # another was quicker, and has committed
        expect(row)
    if row.export_id != export.id:
        row.model_id, row.export_id = export.model_id, export.id
        row.revision, row.changed_at = row.revision + 1, func.now()
        _note(session, row, key_id)
    return row, False


def delete(session: Session, row: Alias, *, key_id: str | None) -> None:
    """The row is locked. Its history stays, and goes on if the name is set again."""
    change = _change(row, key_id, revision=row.revision + 1)
    change.model_id = change.export_id = None
    session.add(change)
    session.delete(row)
    outbox.announce(session, change)


def require_unnamed(session: Session, model_ids: Sequence[str]) -> None:
    """Raises InUse with the list where an alias points at one of these models."""
    statement = select(Alias).where(Alias.model_id.in_(model_ids)).order_by(Alias.name)
    found = [{"kind": "alias", "id": row.name, "model_id": row.model_id} for row in session.scalars(statement)]
    if found:
        names = ", ".join(one["id"] for one in found)
        raise InUse(
            f"Aliases point at this model: {names}. Point them at another one or delete them first.", used_by=found
        )


def _target(session: Session, tenant_id: str, export_id: str) -> Export:
    """Held against deletion until the transaction ends: first the model, as whoever deletes it does."""
    statement = select(Export).where(Export.id == export_id, Export.tenant_id == tenant_id)
    model = select(Model.id).where(Model.id.in_(statement.with_only_columns(Export.model_id)))
    held = session.scalars(model.with_for_update(read=True, key_share=True)).one_or_none()
    export = session.scalars(statement.with_for_update(read=True, key_share=True)).one_or_none()
    if held is None or export is None:
        raise UnknownTarget(f"There is no export {export_id[:64]}. Check its id.", pointer="/export_id")
    if export.status != "succeeded":
        raise ExportUnfit(f"Export {export.id} is {export.status}. An alias can point only at one that succeeded.")
    return export


def _read(session: Session, tenant_id: str, name: str, *, lock: bool) -> Alias | None:
    statement = select(Alias).where(Alias.tenant_id == tenant_id, Alias.name == name)
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def _insert(session: Session, name: str, export: Export) -> Alias | None:
    """None where the name was taken meanwhile: the insert waits for whoever takes it."""
    last = select(func.coalesce(func.max(AliasChange.revision), 0)).where(
        AliasChange.tenant_id == export.tenant_id, AliasChange.name == name
    )
    statement = (
        insert(Alias)
        .values(
            id=new_id("als"),
            tenant_id=export.tenant_id,
            name=name,
            revision=last.scalar_subquery() + 1,
            model_id=export.model_id,
            export_id=export.id,
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "name"])
        .returning(Alias)
    )
    return session.scalars(statement).one_or_none()


def _note(session: Session, row: Alias, key_id: str | None) -> None:
    session.flush()
    session.refresh(row)
    change = _change(row, key_id, revision=row.revision)
    session.add(change)
    outbox.announce(session, change)


def _change(row: Alias, key_id: str | None, *, revision: int) -> AliasChange:
    return AliasChange(
        id=new_id("alc"),
        tenant_id=row.tenant_id,
        name=row.name,
        revision=revision,
        model_id=row.model_id,
        export_id=row.export_id,
        key_id=key_id,
    )

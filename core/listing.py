"""What lists show: a tenant's rows in the order of their ids, from a cursor on. Ids sort by time of birth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from contract.weights import BUILT_IN, BuiltIn
from core.database import owned
from core.datasets import references
from core.errors import Invalid, NotFound
from core.jobs import views
from core.tables import (
    Alias,
    AliasChange,
    ApiKey,
    AuditEntry,
    Checkpoint,
    Comparison,
    Dataset,
    DatasetVersion,
    Export,
    Job,
    Model,
    Prediction,
    Profile,
    Sweep,
    Webhook,
    WebhookDelivery,
    Weights,
)

Listed = TypeVar("Listed")
Key = ColumnElement[str] | InstrumentedAttribute[str]
LAST = "\U0010ffff"  # no name has it
MANY = 20_000  # jobs of a name


@dataclass(frozen=True)
class Window:
    """A stretch of a list: up to `limit` rows beyond the row `after`."""

    limit: int
    after: str | None = None
    descending: bool = True

    def is_beyond(self, row_id: str) -> bool:
        return self.after is None or (row_id < self.after if self.descending else row_id > self.after)


@dataclass(frozen=True)
class JobFilter:
    statuses: Sequence[str] = ()
    dataset: str | None = None  # as core.datasets.references
    comparison: str | None = None
    sweep: str | None = None
    name: str | None = None  # how it begins, in any case
    labels: Mapping[str, str] | None = None


def jobs(
    session: Session, tenant_id: str, window: Window, wanted: JobFilter, *, light: bool = False
) -> list[Mapping[str, Any]]:
    """Pages as `core.jobs.views` gives them."""
    if wanted.dataset:
        wanted = replace(wanted, dataset=_by_id(session, tenant_id, wanted.dataset))
    statement = _filtered(tenant_id, wanted)
    # Each status by itself, along its index: asked for several at once that few of a million jobs have, Postgres
    # walked past all the others (bench/ledger.py).
    narrowed = [statement.where(Job.status == status) for status in dict.fromkeys(wanted.statuses)]
    asked = [_named(session, one, wanted.name) for one in narrowed or [statement]]
    found = sorted(
        (job_id for one, key in asked for job_id in _rows(session, one, key, window)),
        reverse=window.descending,
    )
    return views.read(session, found[: window.limit + 1], light=light)


def datasets_of(session: Session, tenant_id: str, window: Window) -> list[Dataset]:
    statement = select(Dataset).where(Dataset.tenant_id == tenant_id, Dataset.deleted_at.is_(None))
    return _rows(session, statement, Dataset.id, window)


def versions(session: Session, tenant_id: str, dataset_id: str, window: Window) -> list[DatasetVersion]:
    """Raises NotFound for a dataset that is not the tenant's."""
    statement = references.living_versions(references.find(session, tenant_id, dataset_id).id)
    return _rows(session, statement, DatasetVersion.id, window)


def checkpoints(session: Session, tenant_id: str, job_id: str, window: Window) -> list[Checkpoint]:
    """Raises NotFound for a job that is not the tenant's."""
    owned.find(session, Job, tenant_id, job_id)
    return _rows(session, select(Checkpoint).where(Checkpoint.job_id == job_id), Checkpoint.id, window)


def comparisons(session: Session, tenant_id: str, window: Window) -> list[Comparison]:
    return _rows(session, select(Comparison).where(Comparison.tenant_id == tenant_id), Comparison.id, window)


def models(session: Session, tenant_id: str, window: Window) -> list[Model]:
    return _rows(session, select(Model).where(Model.tenant_id == tenant_id), Model.id, window)


def exports_of(session: Session, tenant_id: str, model_id: str, window: Window) -> list[Export]:
    """Raises NotFound for a model that is not the tenant's."""
    owned.find(session, Model, tenant_id, model_id)
    return _rows(session, select(Export).where(Export.model_id == model_id), Export.id, window)


def profiles(session: Session, tenant_id: str, window: Window, *, model_id: str | None) -> list[Profile]:
    statement = select(Profile).where(Profile.tenant_id == tenant_id)
    if model_id is not None:
        statement = statement.where(Profile.model_id == model_id)
    return _rows(session, statement, Profile.id, window)


def predictions(session: Session, tenant_id: str, window: Window, *, model_id: str | None) -> list[Prediction]:
    statement = select(Prediction).where(Prediction.tenant_id == tenant_id)
    if model_id is not None:
        statement = statement.where(Prediction.model_id == model_id)
    return _rows(session, statement, Prediction.id, window)


def sweeps(session: Session, tenant_id: str, window: Window) -> list[Sweep]:
    return _rows(session, select(Sweep).where(Sweep.tenant_id == tenant_id), Sweep.id, window)


def weights(session: Session, tenant_id: str, window: Window) -> list[BuiltIn | Weights]:
    """Pushed ones, then built-in ones, as their ids sort."""
    rows = _rows(session, select(Weights).where(Weights.tenant_id == tenant_id), Weights.id, window)
    built_in = [BUILT_IN[each] for each in sorted(BUILT_IN, reverse=window.descending) if window.is_beyond(each)]
    in_order: list[BuiltIn | Weights] = [*built_in, *rows] if window.descending else [*rows, *built_in]
    return in_order[: window.limit + 1]


def aliases(session: Session, tenant_id: str, window: Window) -> list[tuple[Alias, Export]]:
    rows = _rows(session, select(Alias).where(Alias.tenant_id == tenant_id), Alias.id, window)
    exports = select(Export).where(Export.id.in_([row.export_id for row in rows]))
    by_id = {export.id: export for export in session.scalars(exports)}
    return [(row, by_id[row.export_id]) for row in rows]


def alias_changes(session: Session, tenant_id: str, name: str, window: Window) -> list[AliasChange]:
    """Raises NotFound for a name that never was an alias of the tenant's."""
    statement = select(AliasChange).where(AliasChange.tenant_id == tenant_id, AliasChange.name == name)
    if session.scalars(statement.limit(1)).one_or_none() is None:
        raise NotFound.by(name)
    return _rows(session, statement, AliasChange.id, window)


def webhooks(session: Session, tenant_id: str, window: Window) -> list[Webhook]:
    return _rows(session, select(Webhook).where(Webhook.tenant_id == tenant_id), Webhook.id, window)


def deliveries(
    session: Session, tenant_id: str, webhook_id: str, window: Window, *, status: str | None
) -> list[WebhookDelivery]:
    """Raises NotFound for a webhook that is not the tenant's."""
    owned.find(session, Webhook, tenant_id, webhook_id)
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if status is not None:
        statement = statement.where(WebhookDelivery.status == status)
    return _rows(session, statement, WebhookDelivery.id, window)


def audit_log(session: Session, tenant_id: str, window: Window) -> list[AuditEntry]:
    return _rows(session, select(AuditEntry).where(AuditEntry.tenant_id == tenant_id), AuditEntry.id, window)


def keys(session: Session, tenant_id: str, window: Window) -> list[ApiKey]:
    return _rows(session, select(ApiKey).where(ApiKey.tenant_id == tenant_id), ApiKey.id, window)


def _by_id(session: Session, tenant_id: str, dataset: str) -> str:
    """Ids stay as they are: they find jobs of a deleted dataset, too. Raises Invalid for an unknown name."""
    asked = references.parse(dataset)
    if asked.name is None:
        return dataset
    try:
        found = references.find if asked.number is None else references.find_version
        return found(session, tenant_id, dataset).id
    except NotFound as error:
        raise Invalid(error.detail, pointer="#query/dataset") from error


def _filtered(tenant_id: str, wanted: JobFilter) -> Select[str]:
    statement = select(Job.id).where(Job.tenant_id == tenant_id)
    if wanted.labels:
        statement = statement.where(Job.labels.contains(dict(wanted.labels)))
    if wanted.sweep:
        statement = statement.where(Job.sweep_id == wanted.sweep)
    if wanted.dataset and wanted.dataset.startswith("ds_"):
        versions = select(DatasetVersion.id).where(DatasetVersion.dataset_id == wanted.dataset)
        statement = statement.where(Job.dataset_version_id.in_(versions))
    elif wanted.dataset:
        statement = statement.where(Job.dataset_version_id == wanted.dataset)
    if wanted.comparison:
        statement = statement.where(Job.comparison_id == wanted.comparison)
    return statement


def _named(session: Session, statement: Select[str], name: str | None) -> tuple[Select[str], Key]:
    """What it finds of a name, and the id to order it by.

    Few are read by their index, then sorted: in the order of ids, Postgres walked past a million jobs of other names.
    Many are soon met in that order.
    """
    if not name:
        return statement, Job.id
    begin, named = func.lower(name), func.lower(Job.name)
    indexed = statement.where(Job.name.is_not(None), named.op("~>=~")(begin), named.op("~<~")(func.lower(name + LAST)))
    some = select(func.count()).select_from(indexed.limit(MANY + 1).subquery())
    if session.scalars(some).one() > MANY:
        return statement.where(func.left(named, func.length(begin)) == begin), Job.id
    found = indexed.cte("found").prefix_with("MATERIALIZED")
    return select(found.c.id), found.c.id


def _rows(session: Session, statement: Select[Listed], key: Key, window: Window) -> list[Listed]:
    """One row more than asked for: it says that there is another page."""
    if window.after is not None:
        statement = statement.where(key < window.after if window.descending else key > window.after)
    order = key.desc() if window.descending else key
    return list(session.scalars(statement.order_by(order).limit(window.limit + 1)))

"""Short work of all kinds in turn: tenants take turns, whoever came first and whatever they asked for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update

from core.database import leases, short_turns
from core.database.database import transaction
from core.database.short_turns import Candidate
from core.exports import devices, profiles
from core.tables import DatasetVersion, Export, Model, Profile, Tenant
from tests.api import made
from tests.worker import seed

PI = "raspberry-pi-5"


@pytest.fixture
def models(database: str) -> tuple[Model, Model]:
    """One of ours, one of theirs."""
    ours, theirs = (made.published_job(seed.version(seed.tenant(name)))[1] for name in ("ours", "theirs"))
    return ours, theirs


def queue_version(model: Model) -> str:
    version = seed.version(model.tenant_id)
    with transaction() as session:
        session.execute(update(DatasetVersion).where(DatasetVersion.id == version.id).values(status="queued"))
    return version.id


def queue_profile(model: Model, device: str | None = None) -> str:
    with transaction() as session:
        export = session.scalars(select(Export).where(Export.model_id == model.id, Export.status == "succeeded")).one()
        if device:
            devices.beat(session, device, "pi")
        found = profiles.submit(session, model.tenant_id, model.id, export_id=export.id, device=device)
    return found.id


def take(device: str | None = None) -> Candidate | None:
    """What a worker claims next."""
    with transaction() as session:
        found = next(short_turns.candidates(session, device=device), None)
        if found is not None:
            assert leases.claim(session, found.table, found.row_id, "w") is not None
            short_turns.serve(session, found.tenant_id)
    return found


def end(found: Candidate) -> None:
    with transaction() as session:
        session.execute(update(found.table).where(found.table.id == found.row_id).values(status="failed"))


def served(count: int) -> Sequence[Candidate]:
    """By one worker, one after the other."""
    found = []
    for _ in range(count):
        one = take()
        assert one is not None
        end(one)
        found.append(one)
    return found


def test_ones_ingest_is_next_behind_anothers_many_exports(models):
    ours, theirs = models
    exports = [made.export(ours, "queued").id for _ in range(6)]
    assert [one.row_id for one in served(2)] == exports[:2]
    version = queue_version(theirs)
    assert [one.row_id for one in served(3)] == [version, *exports[2:4]]


def test_tenant_with_fewer_running_comes_first_whatever_runs(models):
    ours, theirs = models
    for _ in range(3):
        made.export(ours, "queued")
    queue_profile(ours)
    queue_version(ours)
    assert {take().tenant_id for _ in range(3)} == {ours.tenant_id}
    for _ in range(2):
        made.export(theirs, "queued")
    queue_version(theirs)
    assert [take().tenant_id for _ in range(3)] == [theirs.tenant_id] * 3
    assert {take().table for _ in range(2)} == {Profile, DatasetVersion}
    assert take() is None


def test_a_tenants_own_rows_come_by_age_whatever_they_are(models):
    ours, _ = models
    order = [made.export(ours, "queued").id, queue_version(ours), queue_profile(ours), made.export(ours, "queued").id]
    assert [one.row_id for one in served(4)] == order


def test_queue_of_a_device_and_that_of_all_are_apart_and_in_turn_each(models):
    ours, theirs = models
    first, second = queue_profile(ours, PI), queue_profile(ours, "phone")
    third = queue_profile(theirs, PI)
    assert take() is None
    assert {take(PI).row_id for _ in range(2)} == {first, third}
    assert take(PI) is None
    made.export(ours, "queued")  # what runs on a device counts there alone
    assert take().tenant_id == ours.tenant_id
    assert take("phone").row_id == second


def test_tenant_and_row_that_somebody_holds_are_passed_over(models):
    ours, theirs = models
    held, free = made.export(ours, "queued").id, made.export(ours, "queued").id
    other = made.export(theirs, "queued").id
    with transaction() as stopped:
        stopped.execute(select(Tenant.id).where(Tenant.id == ours.tenant_id).with_for_update(key_share=True))
        assert take().row_id == other
    with transaction() as stopped:
        stopped.execute(select(Export.id).where(Export.id == held).with_for_update())
        assert take().row_id == free

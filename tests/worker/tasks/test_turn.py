"""A message of one kind of short work is answered with whatever is next."""

from __future__ import annotations

from core.database.database import transaction
from core.datasets import ledger as datasets
from core.tables import DatasetVersion, Export, Model
from tests.worker import seed
from tests.worker.tasks.test_export import order
from tests.worker.test_whole_job import archive, read
from worker.tasks.job import run_job
from worker.tasks.turn import run_next


def test_message_of_an_export_ingests_the_archive_of_the_tenant_whose_turn_it_is(version):
    run_job(seed.job(version).id)
    crowd = [order(read(Model, _model(version))) for _ in range(3)]
    run_next("export", crowd[0].id)
    tenant_id = seed.tenant("the one")
    upload = seed.upload(tenant_id, archive())
    with transaction() as session:
        pushed = datasets.push(session, tenant_id, name="d", upload_id=upload.id, task="classification", splits=None)[1]
    run_next("export", crowd[1].id)
    assert read(DatasetVersion, pushed.id).status == "ready"
    assert [read(Export, one.id).status for one in crowd] == ["succeeded", "queued", "queued"]
    for _ in range(3):  # the last one finds nothing
        run_next("ingest", pushed.id)
    assert [read(Export, one.id).status for one in crowd] == ["succeeded"] * 3


def _model(version: DatasetVersion) -> str:
    with transaction() as session:
        return session.query(Model).filter_by(tenant_id=version.tenant_id).one().id

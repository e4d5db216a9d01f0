"""An export asked for after the training."""

from __future__ import annotations

import hashlib
import json
import zipfile
from io import BytesIO

import pytest
from sqlalchemy import update

from contract.specs import Constraints, ExportSpec
from core import signing
from core.database.database import transaction
from core.exports import ledger as exports
from core.store import storage
from core.tables import Export, Job, Model
from tests.conftest import forget_settings
from tests.worker import seed
from tests.worker.fake_trainer import REPORT
from tests.worker.test_whole_job import read
from worker.tasks.job import run_job
from worker.tasks.turn import run_next


@pytest.fixture
def model(version) -> Model:
    job = seed.job(version)
    run_job(job.id)
    return read(Model, seed.read(job.id).model_id)


def order(model: Model, **spec: object) -> Export:
    with transaction() as session:
        return exports.submit(session, model.tenant_id, model.id, ExportSpec(**spec))


def test_bundle_is_published_with_its_sha256(model):
    export = order(model, precision="int8")
    run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.worker, export.precision) == ("succeeded", None, "int8")
    assert export.object_key == f"exports/{export.id}/1/bundle.zip"
    assert hashlib.sha256(storage.get_bytes(export.object_key)).hexdigest() == export.sha256


def test_every_file_of_a_bundle_is_known_by_its_sha256(model):
    export = order(model)
    run_next("export", export.id)
    with transaction() as session:
        export = session.get_one(Export, export.id)
        members, key = export.members, export.object_key
    with zipfile.ZipFile(BytesIO(storage.get_bytes(key))) as bundle:
        found = {name: hashlib.sha256(bundle.read(name)).hexdigest() for name in bundle.namelist()}
    assert {name: member["sha256"] for name, member in members.items()} == found


def test_bundle_holds_the_report_of_the_training(model):
    export = order(model)
    run_next("export", export.id)
    bundle = storage.get_bytes(read(Export, export.id).object_key)
    assert zipfile.ZipFile(BytesIO(bundle)).read("report.html").decode() == REPORT


def test_bundles_of_jobs_and_of_later_exports_are_signed(version, tmp_path, monkeypatch):
    key = signing.create(tmp_path / "key.pem")
    monkeypatch.setenv("PATCHSWAP_SIGNING_KEY_FILE", str(tmp_path / "key.pem"))
    forget_settings()
    job = seed.job(version)
    run_job(job.id)
    model = read(Model, seed.read(job.id).model_id)
    run_next("export", order(model, precision="int8").id)
    with transaction() as session:
        exports_ = list(session.query(Export).filter_by(model_id=model.id))
    assert len(exports_) == 2
    for export in exports_:
        content = storage.get_bytes(export.object_key)
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (export.sha256, export.bytes)
        signature = json.loads(zipfile.ZipFile(BytesIO(content)).read("signature.json"))
        assert signature["key_id"] == key.key_id


def test_altered_report_is_not_bundled(model):
    storage.put_bytes(model.report_key, b"altered")
    export = order(model)
    run_next("export", export.id)
    assert (read(Export, export.id).status, read(Export, export.id).object_key) == ("queued", None)


def test_gate_that_fails_is_a_result(model):
    export = order(model, constraints=Constraints(max_drop_points=0))
    run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.violations) == ("gate_failed", ["the drop is too large"])


def test_what_the_ladder_tried_is_kept_and_no_rung_of_it_trains(model):
    export = order(model, precision="int8", constraints=Constraints(max_drop_points=0))
    assert export.ladder["rungs"] == ["int8", "mixed", "fp16"]
    run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.rung) == ("gate_failed", "int8")
    assert [(tried["rung"], tried["meets"]) for tried in export.candidates] == [
        ("int8", False),
        ("mixed", False),
        ("fp16", False),
    ]


@pytest.mark.parametrize("opset", [None, 20])
def test_opset_that_was_asked_for_reaches_the_trainer(model, opset):
    export = order(model, opset=opset)
    run_next("export", export.id)
    assert read(Export, export.id).measured["requires"] == {"opset": opset}


def test_export_that_was_queued_before_there_were_ladders_is_made(model):
    export = order(model, precision="int8")
    with transaction() as session:
        session.execute(update(Export).values(ladder=None))
    run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.rung, export.candidates) == ("succeeded", None, [])


@pytest.mark.parametrize(("mode", "status", "attempts"), [("gpu_oom", "failed", 1), ("segfault", "queued", 1)])
def test_named_error_fails_at_once_and_a_crash_is_tried_again(model, mode, status, attempts):
    with transaction() as session:
        job = session.get_one(Job, model.job_id)
        labels = {"fake/mode": mode, "fake/at": "export"}
        session.execute(update(Job).values(resolved={**job.resolved, "labels": labels}))
    export = order(model)
    run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.attempts) == (status, attempts)
    assert (export.error or {}).get("code") == ("gpu_oom" if status == "failed" else None)


def test_altered_weights_are_not_exported(model):
    storage.put_bytes(model.weights_key, b"altered")
    export = order(model)
    for _ in range(3):
        run_next("export", export.id)
    export = read(Export, export.id)
    assert (export.status, export.error["code"], export.object_key) == ("failed", "poison", None)


def test_second_message_finds_nothing_to_claim(model):
    export = order(model)
    run_next("export", export.id)
    run_next("export", export.id)
    assert read(Export, export.id).fence == 1

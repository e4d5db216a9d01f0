"""Pushed weights: read by the real trainer in a child process, stored whole, or refused with the reason."""

from __future__ import annotations

import json

import psutil
import pytest
import safetensors.torch
import torch
from sqlalchemy import func, update

from contract.results.weights_report import WeightsReport
from contract.specs import ModelSpec
from contract.weights import IMAGENET_RULE
from core import queue
from core.database.database import transaction
from core.store import storage
from core.tables import Upload, Weights
from core.weights import pushed as weights
from core.weights import requests
from core.weights.requests import Description
from tests.conftest import forget_settings
from tests.worker import seed
from tests.worker.processes import Worker, command_line, wait_for
from tests.worker.test_whole_job import read
from trainer import models
from worker.liveness import shutdown
from worker.tasks import weights as task
from worker.tasks.turn import run_next


@pytest.fixture
def real_trainer(fake_trainer: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHSWAP_TRAINER_MODULE")
    monkeypatch.setenv("PATCHSWAP_STALL_SECONDS", "300")
    forget_settings()


def network(classes: int = 3) -> dict[str, torch.Tensor]:
    spec = ModelSpec(architecture="resnet20", stem="small", pretrained=None)
    return dict(models.build(spec, num_classes=classes, channels=1).state_dict())


def pushed(content: bytes, **more) -> Weights:
    tenant_id = seed.tenant()
    upload = seed.upload(tenant_id, content)
    described = Description(architecture="resnet20", licence="CC0-1.0", source="a colleague", **more)
    with transaction() as session:
        return requests.create(session, tenant_id, upload_id=upload.id, of=described)


def read_once(content: bytes, **more) -> Weights:
    row = pushed(content, **more)
    run_next("weights", row.id)
    return read(Weights, row.id)


def of(row: Weights) -> dict[str, torch.Tensor]:
    return safetensors.torch.load(storage.get_bytes(row.object_key))


def test_file_becomes_ready_weights_with_a_report_and_the_very_numbers(real_trainer):
    tensors = network()
    row = read_once(safetensors.torch.save({f"module.{name}": tensor for name, tensor in tensors.items()}))
    assert (row.status, row.error, row.worker) == ("ready", None, None)
    assert (row.num_classes, row.channels, row.stem) == (3, 1, "small")
    report = WeightsReport.model_validate(row.report)
    assert (report.missing, report.unexpected, report.reshaped) == ([], [], [])
    assert "module.conv1.weight" in report.matched
    stored = of(row)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in stored.items())
    assert storage.sizes("weights/") == {f"weights/{row.id}/1/model.safetensors": row.bytes}
    assert weights.card_of(row).input.mean == (0.449,)  # ImageNet's, of gray images


def header(**tensors: dict) -> bytes:
    text = json.dumps(tensors).encode()
    return len(text).to_bytes(8, "little") + text


FLOAT = {"dtype": "F32", "shape": [1]}
BROKEN = network() | {"conv1.weight": torch.full((16, 1, 3, 3), torch.inf)}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"PK\x03\x04 a zip, as torch.save writes", "weights_unreadable", "not safetensors"),
        (safetensors.torch.save(network())[:5_000], "weights_unreadable", "not safetensors"),
        ((2**62).to_bytes(8, "little") + b"{}", "weights_unreadable", "not safetensors"),
        (
            header(a=FLOAT | {"data_offsets": [0, 4]}, b=FLOAT | {"data_offsets": [2, 6]}) + bytes(6),
            "weights_unreadable",
            "not safetensors",
        ),
        (safetensors.torch.save(BROKEN), "weights_unreadable", "conv1.weight"),
        (
            safetensors.torch.save({name: tensor.to(torch.int8) for name, tensor in network().items()}),
            "weights_unfit",
            "0% of the tensors",
        ),
        (safetensors.torch.save({"conv1\0.weight": torch.zeros(1)}), "weights_unreadable", "is no name"),
    ],
    ids=["zip", "torn", "huge_header", "overlap", "infinite", "integers", "nul"],
)
def test_hostile_files_are_refused_and_nothing_of_them_is_stored(real_trainer, content: bytes, code: str, said: str):
    row = read_once(content)
    assert (row.status, row.error["code"], row.attempts) == ("failed", code, 1), row.error
    assert said in row.error["message"]
    assert row.error["remediation"]
    assert (storage.sizes("weights/"), row.object_key, row.sha256) == ({}, None, None)


def test_half_is_the_least_and_the_report_says_what_is_missing(real_trainer):
    some = {name: tensor for name, tensor in network().items() if name.startswith(("conv1", "bn1", "layer1"))}
    row = read_once(safetensors.torch.save(some))
    assert (row.status, row.error["code"]) == ("failed", "weights_unfit")
    assert any(name.startswith("layer3") for name in row.report["missing"])
    assert "conv1.weight" in row.report["matched"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"classes": ["cat", "dog"]}, "classes_differ"),
        ({"input": IMAGENET_RULE}, "channels_differ"),
    ],
)
def test_what_was_said_of_the_file_must_be_true_of_it(real_trainer, more: dict, code: str):
    row = read_once(safetensors.torch.save(network()), **more)
    assert (row.status, row.error["code"]) == ("failed", code)
    assert storage.sizes("weights/") == {}


def test_upload_that_was_altered_in_the_store_is_not_read(fake_trainer):
    row = pushed(b"tensors")
    storage.put_bytes(f"uploads/{row.upload_id}/00001", bytes(read(Upload, row.upload_id).bytes))
    run_next("weights", row.id)
    assert read(Weights, row.id).error["code"] == "upload_lost"


def test_reader_that_crashes_is_tried_again_and_then_given_up(fake_trainer, monkeypatch):
    monkeypatch.setenv("PATCHSWAP_TRAINER_MODULE", "tests.worker.no_such_module")
    forget_settings()
    row = pushed(b"tensors")
    statuses = []
    for _ in range(4):
        run_next("weights", row.id)
        statuses.append(read(Weights, row.id).status)
    assert statuses == ["queued", "queued", "failed", "failed"]
    assert read(Weights, row.id).error["code"] == "poison"


def test_shutdown_gives_the_weights_back_uncounted(fake_trainer):
    row = pushed(b"tensors")
    shutdown.request()
    run_next("weights", row.id)
    shutdown.forget()
    row = read(Weights, row.id)
    assert (row.status, row.attempts, row.worker) == ("queued", 0, None)


def test_result_after_a_lost_lease_is_not_published(real_trainer, monkeypatch):
    row = pushed(safetensors.torch.save(network()))
    require = task._require_stated

    def claimed_by_another(*arguments):
        with transaction() as session:
            session.execute(update(Weights).values(fence=Weights.fence + 1, worker=func.concat("another")))
        return require(*arguments)

    monkeypatch.setattr(task, "_require_stated", claimed_by_another)
    run_next("weights", row.id)
    row = read(Weights, row.id)
    assert (row.status, row.worker, row.object_key) == ("running", "another", None)


def children(worker: Worker) -> list[psutil.Process]:
    return [each for each in worker.descendants() if "trainer weights" in " ".join(command_line(each))]


def ended(row: Weights) -> Weights:
    wait_for(lambda: read(Weights, row.id).status in ("ready", "failed"), seconds=240)
    return read(Weights, row.id)


def test_kill_9_of_the_child_is_one_attempt_and_the_next_reads_it(real_trainer, start_worker):
    worker = start_worker("short")
    row = pushed(safetensors.torch.save(network()))
    queue.ring("worker.weights", row.id)
    (child,) = wait_for(lambda: children(worker))
    child.kill()
    row = ended(row)
    assert (row.status, row.attempts) == ("ready", 2)
    assert list(storage.sizes("weights/")) == [row.object_key]


def test_kill_9_of_the_worker_leaves_nothing_half_stored(real_trainer, start_worker):
    first = start_worker("short")
    row = pushed(safetensors.torch.save(network()))
    queue.ring("worker.weights", row.id)
    (child,) = wait_for(lambda: children(first))
    first.kill()
    child.wait(10)
    assert read(Weights, row.id).status == "running"
    assert storage.sizes("weights/") == {}
    start_worker("short")
    row = ended(row)
    assert (row.status, row.fence) == ("ready", 2)
    assert list(storage.sizes("weights/")) == [row.object_key]

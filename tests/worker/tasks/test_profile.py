"""An exported file measured again, by the worker of the device that was asked for and by no other."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core import queue
from core.database.database import transaction
from core.exports import devices, profiles
from core.store import storage
from core.tables import Export, Job, Model, Profile
from tests.conftest import forget_settings
from tests.worker import seed
from tests.worker.processes import wait_for
from tests.worker.tasks.test_export import order
from tests.worker.test_whole_job import read
from worker.housekeeping import sweeper
from worker.tasks.job import run_job
from worker.tasks.turn import run_next

PI = "raspberry-pi-5"


@pytest.fixture
def export(version) -> Export:
    job = seed.job(version)
    run_job(job.id)
    model = read(Model, seed.read(job.id).model_id)
    made = order(model)
    run_next("export", made.id)
    return read(Export, made.id)


def ask(export: Export, device: str | None = None) -> Profile:
    with transaction() as session:
        if device is not None:
            devices.beat(session, device, "pi")
        return profiles.submit(session, export.tenant_id, export.model_id, export_id=export.id, device=device)


@pytest.fixture
def on_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHSWAP_DEVICE_NAME", PI)
    forget_settings()


def test_only_the_device_that_was_asked_for_measures(export, monkeypatch: pytest.MonkeyPatch):
    profile = ask(export, PI)
    for name in ("", "another"):
        monkeypatch.setenv("PATCHSWAP_DEVICE_NAME", name)
        forget_settings()
        run_next("profile", profile.id)
        assert (read(Profile, profile.id).status, read(Profile, profile.id).fence) == ("queued", 0)
    monkeypatch.setenv("PATCHSWAP_DEVICE_NAME", PI)
    forget_settings()
    run_next("profile", profile.id)
    done = read(Profile, profile.id)
    assert (done.status, done.worker, done.measured["latency_ms_p50"]) == ("succeeded", None, 7.5)
    assert done.finished_at is not None


def test_without_a_device_whoever_has_none_measures(export, on_pi, monkeypatch: pytest.MonkeyPatch):
    profile = ask(export)
    run_next("profile", profile.id)
    assert read(Profile, profile.id).status == "queued"
    monkeypatch.setenv("PATCHSWAP_DEVICE_NAME", "")
    forget_settings()
    run_next("profile", profile.id)
    assert read(Profile, profile.id).status == "succeeded"


def test_same_file_and_device_are_measured_once_at_a_time(export, on_pi):
    first = ask(export, PI)
    assert ask(export, PI).id == first.id
    assert ask(export).id != first.id
    run_next("profile", first.id)
    assert ask(export, PI).id != first.id


def test_swapped_bundle_is_not_measured(export):
    profile = ask(export)
    storage.put_bytes(export.object_key, b"altered")
    for _ in range(3):
        run_next("profile", profile.id)
    done = read(Profile, profile.id)
    assert (done.status, done.error["code"], done.measured) == ("failed", "poison", None)
    assert "This profile ended its worker" in done.error["message"]


@pytest.mark.parametrize(("mode", "status"), [("gpu_oom", "failed"), ("segfault", "queued")])
def test_named_error_fails_at_once_and_a_crash_is_tried_again(export, mode: str, status: str):
    with transaction() as session:
        job = session.get_one(Job, session.get_one(Model, export.model_id).job_id)
        labels = {"fake/mode": mode, "fake/at": "profile"}
        session.execute(update(Job).values(resolved={**job.resolved, "labels": labels}))
    profile = ask(export)
    run_next("profile", profile.id)
    assert (read(Profile, profile.id).status, read(Profile, profile.id).attempts) == (status, 1)


def test_lease_that_ran_out_is_taken_back_and_the_old_worker_fenced(export, on_pi):
    profile = ask(export, PI)
    with transaction() as session:
        profiles.claim(session, profile.id, "gone", device=PI)
        session.execute(update(Profile).values(lease_expires_at=Profile.created_at))
    with transaction() as session:
        seed.take_back_silent(session)
    assert read(Profile, profile.id).status == "queued"
    run_next("profile", profile.id)
    assert (read(Profile, profile.id).status, read(Profile, profile.id).fence) == ("succeeded", 2)


def test_sweeper_rings_each_device_on_its_own_queue(export, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_SWEEP_SECONDS", "0")
    forget_settings()
    ask(export, PI)
    ask(export, "phone")
    ask(export)
    with transaction() as session:
        devices.beat_of_tenant(session, export.tenant_id, "desk", "desk.local")
        profiles.submit(session, export.tenant_id, export.model_id, export_id=export.id, device="desk")
    sweeper.sweep()
    assert [queue.depth(name) for name in (queue.of_device(PI), queue.of_device("phone"), "short")] == [1, 1, 1]
    assert queue.depth(queue.of_device("desk")) == 0  # it speaks HTTP
    sweeper.sweep()
    assert queue.depth(queue.of_device(PI)) == 1


def test_worker_of_a_device_shows_itself_and_takes_its_work(export, start_worker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHSWAP_DEVICE_NAME", PI)
    start_worker("device")
    monkeypatch.delenv("PATCHSWAP_DEVICE_NAME")
    forget_settings()

    def seen() -> list[tuple[str, bool]]:
        with transaction() as session:
            return [(device.name, device.online) for device in devices.seen(session, export.tenant_id)]

    wait_for(lambda: seen() == [(PI, True)], seconds=20)
    with transaction() as session:
        profile = profiles.submit(session, export.tenant_id, export.model_id, export_id=export.id, device=PI)
    queue.ring("worker.profile", profile.id, queue=profiles.bell_queue(PI))
    wait_for(lambda: read(Profile, profile.id).status == "succeeded", seconds=30)

"""`patchswap up`: killed whole or in part, started twice, started on what a power cut or a full disk left behind."""

from __future__ import annotations

import hashlib
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from patchswap import Client
from patchswap.demo import digits
from tests.nemesis.run import Fault, NotFired, Run, now, uninterrupted
from tests.nemesis.world import ROOT, SHORT, wait_for
from tests.servers.small_disk import mount_small, unmount
from tests.servers.up import Up, command_line, eventually, running_of

STEPS = 150  # six an epoch: 100 training images, 16 pairs a step
SPEC = {
    "training": {"epochs": STEPS // 6, "pairs_per_batch": 16},
    "labels": {"fake/step_seconds": "0.03", "fake/checkpoint_steps": "20"},
    "exports": [{"precision": "fp32"}],
}
VICTIMS = ("all", "supervisor", "postgres", "redis", "api", "worker-train")


def kill(run: Run) -> None:
    """kill -9 of everything, or of one part in the middle of a job; and a second instance that has to refuse."""
    victim = VICTIMS[run.seed % len(VICTIMS)]
    with _folder(run) as folder, _settings():
        up = Up(folder)
        up.wait_until_ready()
        with Client(up.url, up.client["api_key"]) as client:
            job_id = _begin(run, client)
            status, said = Up(folder).end()
            run.demand(status == 1 and "in use by process" in said, f"a second instance: {status} {said}")
            time.sleep(run.rng.uniform(0, 3))
        killed_at = now()
        up = _kill(run, up, victim)
        with Client(up.url, up.client["api_key"]) as client:
            _wait_ended(client, job_id)
            run.figure("job_seconds_after", now() - killed_at)
            _check(run, client, job_id)
        run.demand(up.stop() == 0, "it did not stop in order")
        run.demand(not running_of(folder), "something runs on")
    run.fired(f"kill -9 of {victim}")


def bad_start(run: Run) -> None:
    """A folder that is read-only or full, and what a power cut leaves: one clear line, or a clean start."""
    kind = ("full", "read-only", "stale pid files", "torn files")[run.seed % 4]
    with _folder(run) as folder, _settings():
        if kind == "full":
            _full(run, folder)
        elif kind == "read-only":
            _read_only(run, folder)
        else:
            _stale(run, folder, torn=kind == "torn files")
    run.fired(kind)


def _kill(run: Run, up: Up, victim: str) -> Up:
    """Gives the service that is to finish the job: the same, or the next one on its folder."""
    if victim in ("all", "supervisor"):
        everyone = running_of(up.data_dir) if victim == "all" else []
        up.process.kill()
        for process in everyone:
            _kill_one(process)
        up.process.communicate()
        if victim == "supervisor":
            run.demand(eventually(lambda: not running_of(up.data_dir), seconds=10), "parts outlived the supervisor")
        up = Up(up.data_dir)
        up.wait_until_ready()
        return up
    child = up.child(victim)
    if child is None:
        raise NotFired(f"no {victim}")
    child.kill()
    run.demand(eventually(up.is_ready, seconds=60), f"not ready 60 s after the end of its {victim}")
    return up


def _kill_one(process: psutil.Process) -> None:
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _begin(run: Run, client: Client) -> str:
    archive = run.world.folder / f"{run.name}.zip"
    digits.write(archive)
    dataset = client.datasets.push(archive, name="digits").wait(timeout_seconds=120)
    job = client.jobs.create(SPEC, dataset=dataset.id)
    wait_for(lambda: client.jobs.get(job.id).progress.step > 0, seconds=60, what="it trains")
    return job.id


def _wait_ended(client: Client, job_id: str) -> None:
    def ended() -> bool:
        try:
            return client.jobs.get(job_id).is_over
        except Exception:  # noqa: BLE001 - a part may still be starting
            return False

    wait_for(ended, seconds=120, what="the job ends")


def _check(run: Run, client: Client, job_id: str) -> None:
    job = client.jobs.get(job_id)
    run.demand(job.status == "succeeded", f"the job is {job.status}: {job.error}")
    (export,) = client.models.exports(job.model_id)
    bundle = client.exports.download(export.id, run.world.folder / f"{run.name}-bundle.zip")
    content = zipfile.ZipFile(bundle).read("model.onnx")
    run.demand(hashlib.sha256(content).hexdigest() == uninterrupted(STEPS), "it ended with other weights")


def _full(run: Run, folder: Path) -> None:
    folder.mkdir()
    if not mount_small(folder, megabytes=64):
        raise NotFired("this machine lets nobody mount a small disk")
    try:
        status, said = Up(folder).end()
        run.demand(status == 1 and said.count("\n") == 1, f"{status}: {said}")
    finally:
        unmount(folder)


def _read_only(run: Run, folder: Path) -> None:
    folder.mkdir()
    if not mount_small(folder, megabytes=64, options="ro,size=64m"):
        raise NotFired("this machine lets nobody mount")
    try:
        status, said = Up(folder).end()
        run.demand(status == 1 and said.count("\n") == 1 and "cannot write" in said, f"{status}: {said}")
    finally:
        unmount(folder)


def _stale(run: Run, folder: Path, *, torn: bool) -> None:
    """All killed at once; pid files name processes of others; what was written last is cut short."""
    first = Up(folder)
    first.wait_until_ready()
    for process in [psutil.Process(first.process.pid), *running_of(folder)]:
        _kill_one(process)
    first.process.communicate()
    (folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n0\n5432\n\n*\n")
    if torn:
        aof = max((folder / "redis").rglob("*.aof"), key=lambda each: each.stat().st_mtime)
        aof.write_bytes(aof.read_bytes()[:-3])
        (folder / "client.json").write_text("{")
    second = Up(folder)
    second.wait_until_ready()
    answer = httpx.get(f"{second.url}/v1/jobs", headers={"Authorization": f"Bearer {second.client['api_key']}"})
    run.demand(answer.status_code == 200, f"after the start: {answer.status_code}")
    run.demand(second.stop() == 0, "it did not stop in order")


@contextmanager
def _folder(run: Run) -> Iterator[Path]:
    """Of a service of its own; nothing of it runs afterwards."""
    folder = run.world.folder / f"up-{run.name}"
    try:
        yield folder
    finally:
        supervisors = [p for p in psutil.process_iter() if str(folder) in command_line(p)]
        for process in [*supervisors, *running_of(folder)]:
            _kill_one(process)


@contextmanager
def _settings() -> Iterator[None]:
    """`up` takes over what stands in the environment, except what it decides by itself."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("PATCHSWAP_")]:
        del os.environ[name]
    os.environ |= {f"PATCHSWAP_{name}_SECONDS": value for name, value in SHORT.items()}
    os.environ |= {"PATCHSWAP_TRAINER_MODULE": "tests.worker.fake_trainer", "PYTHONPATH": str(ROOT)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


FAULTS = [
    Fault("F47", "`patchswap up`: kill -9 of all, of the supervisor, of each part", kill),
    Fault("F48", "`patchswap up` on a full or read-only folder, on stale and torn files", bad_start),
]

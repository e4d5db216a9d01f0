"""Segmentation and detection as a user has them: `patchswap up`, an archive of scenes, a verified int8 bundle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.scenes.running import untrained
from contract.specs import parse, resolve
from patchswap import Client
from patchswap.resources import Job
from tests.data import layouts, scenes
from tests.ingest.archives import zipped
from tests.nemesis.fleet import trainers
from tests.patchswap.cli.conftest import Run, one_json
from tests.servers.up import Up, eventually, running_of
from trainer.data.pack import open_pack

SIDE = 48
SHAPES = {"up": "▲", "down": "▼", "disc": "●", "cross": "✚"}
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "DejaVuSans-BoldOblique.ttf")  # have them
SECONDS = 360  # on two cores, from the upload to the bundle


@dataclass(frozen=True)
class Case:
    recipe: str
    architecture: str
    figure: str
    scenes: int
    epochs: int


CASES = {
    "segmentation": Case("lraspp", "lraspp_mobilenet_v3_large", "mean_iou", scenes=400, epochs=10),
    # SSDlite learns in half FCOS's time.
    "detection": Case("fcos", "ssdlite320_mobilenet_v3_large", "ap50", scenes=600, epochs=8),
}
# Scale and colours want longer schedules.
STILL = ("training.augmentation.scale_jitter=[1,1]", "training.augmentation.photometric=false")
SETTINGS = (
    "method.name=cross_entropy",
    "optimizer.learning_rate=2e-3",
    "optimizer.warmup_epochs=1",
    'exports=[{"precision":"int8"}]',
    *STILL,
)
OTHER_DETECTORS = {
    "fcos": ("training.epochs=6",),  # the recipe with its own method, patch swap
    "retinanet": ("training.epochs=14", "model.architecture=retinanet_resnet18_fpn", "method.name=cross_entropy"),
}


class Service:
    """`patchswap` on the command line, against a running `up`."""

    def __init__(self, up: Up, run: Run) -> None:
        self.up, self._run = up, run
        self.key = up.client["api_key"]

    def say(self, *arguments: str) -> Any:
        return one_json(self._run(*arguments, "--json", PATCHSWAP_URL=self.up.url, PATCHSWAP_API_KEY=self.key))

    def push(self, task: str, path: Path, count: int) -> str:
        path.write_bytes(archive(task, count))
        return self.say("datasets", "push", str(path), "--task", task, "--val", "0.1", "--test", "0.2")["id"]

    def train(self, dataset: str, recipe: str, *settings: str) -> str:
        assigned = [part for setting in settings for part in ("--set", setting)]
        return self.say("train", "--dataset", dataset, "--recipe", recipe, *assigned)["id"]

    def cpu_seconds(self) -> float:
        """Of all that the service has run, those that have ended included."""
        return sum(sum(process.cpu_times()[:4]) for process in running_of(self.up.data_dir))


@pytest.fixture
def service(data_dir: Path, run: Run) -> Iterator[Service]:
    up = Up(data_dir)
    up.wait_until_ready()
    yield Service(up, run)
    assert up.stop() == 0


def archive(task: str, count: int) -> bytes:
    faces = tuple(path for path in scenes.default_faces() if path.name in FACES)
    drawn = scenes.draw(count, seed=7, size=(SIDE, SIDE), letters=tuple(SHAPES.values()), most=2, faces=faces)
    return zipped((layouts.masks if task == "segmentation" else layouts.coco)(drawn, tuple(SHAPES)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("task", CASES)
def test_scenes_become_a_verified_int8_bundle_of_a_network_that_learnt(service: Service, task: str, tmp_path: Path):
    case, started, cpu = CASES[task], time.monotonic(), service.cpu_seconds()
    dataset = service.push(task, tmp_path / "scenes.zip", case.scenes)
    short = (f"training.epochs={case.epochs}", f"model.architecture={case.architecture}")
    job = service.train(dataset, case.recipe, *SETTINGS, *short)
    done, learnt = learnt_by(service, job, case.figure)
    bundle = Path(service.say("pull", job, "--precision", "int8", "--to", str(tmp_path / "bundle"))["folder"])
    verified = subprocess.run([sys.executable, "verify.py"], cwd=bundle, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout
    seconds, cpu = time.monotonic() - started, service.cpu_seconds() - cpu

    before = fresh(service.up.data_dir, done)[case.figure]
    print(f"{task}: {case.figure} {before:.3f} untrained, {learnt:.3f}; {seconds:.0f} s, {cpu:.0f} s of CPU")
    assert learnt >= before + 0.5
    assert cpu / 2 < SECONDS  # the time by the clock is the neighbours', too


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", OTHER_DETECTORS)
def test_every_kind_of_detector_learns(service: Service, name: str, tmp_path: Path):
    cpu = service.cpu_seconds()
    dataset = service.push("detection", tmp_path / "scenes.zip", 400)
    short = ("model.stem=imagenet", "exports=[]", *STILL, *OTHER_DETECTORS[name])
    done, learnt = learnt_by(service, service.train(dataset, "fcos", *short), "ap50")
    cpu, before = service.cpu_seconds() - cpu, fresh(service.up.data_dir, done)["ap50"]
    print(f"{name}: AP50 {before:.3f} untrained, {learnt:.3f}; {cpu:.0f} s of CPU")
    assert learnt >= before + 0.2


def learnt_by(service: Service, job: str, figure: str) -> tuple[Job, float]:
    """The job once it has succeeded, and its figure on the test split."""
    with Client(service.up.url, service.key) as client:
        done = client.jobs.get(job).wait(timeout_seconds=3000)
        assert done.status == "succeeded", done.error
        return done, client.jobs.evaluation(job)["main"]["splits"]["test"][figure]


def fresh(data_dir: Path, job: Job) -> dict[str, float]:
    """The figures of the job's network before its first step, on the pack that the job was trained on."""
    [samples] = (data_dir / "objects").rglob("samples.arrow")
    pack = open_pack(samples.parent)
    return untrained(resolve(parse(job.spec), pack.manifest)[0], pack)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("task", CASES)
def test_a_killed_training_of_scenes_ends_with_the_same_weights(service: Service, task: str, tmp_path: Path):
    dataset = service.push(task, tmp_path / "scenes.zip", 40)
    body = {
        "dataset": dataset,
        "recipe": CASES[task].recipe,  # with its method, patch swap
        "model": {"architecture": CASES[task].architecture},
        "training": {"epochs": 6, "pairs_per_batch": 4, "checkpoint_every_seconds": 0.5},
        "exports": [],
    }
    with Client(service.up.url, service.key) as client:
        whole = client.jobs.create(body).wait(timeout_seconds=800)
        assert whole.status == "succeeded", whole.error
        killed = client.jobs.create(body)
        assert eventually(lambda: len(killed.refresh().checkpoints()) > 0, seconds=300)
        for trainer in trainers(killed.id):
            os.kill(trainer.pid, signal.SIGKILL)
        killed = killed.wait(timeout_seconds=800)
        assert killed.status == "succeeded", killed.error
    assert len(killed.attempts) == 2
    assert weights_of(service.up.data_dir, whole) == weights_of(service.up.data_dir, killed)


def weights_of(data_dir: Path, job: Job) -> bytes:
    """What was published of the job."""
    [found] = (path for path in (data_dir / "objects").rglob("model.safetensors") if job.id in path.parts)
    return found.read_bytes()

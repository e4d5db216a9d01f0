"""What the service adds to a training: one job through `patchswap up` against `python -m trainer` by hand.

The same spec, the same pack, the same three verbs. By hand means the three commands one after the other, nothing else.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import serving
from figures import Figure, interleaved
from PIL import Image
from sklearn.datasets import load_digits

from patchswap import Client

ROUNDS, QUICK_ROUNDS = 3, 1
EPOCHS, QUICK_EPOCHS = 2, 1
SIDE_PX = 32
GOAL_SHARE, GOAL_SECONDS = 0.05, 5.0
LOOK_SECONDS = 0.05
_STOP_SECONDS = 90


@dataclass
class Bench:
    """One embedded service with a dataset, and how long the parts of its jobs took."""

    client: Client
    folder: Path
    data_dir: Path
    dataset_version_id: str
    epochs: int
    phases: list[dict[str, float]] = field(default_factory=list)
    runs: count[int] = field(default_factory=lambda: count(1))


def measure(*, quick: bool) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name, up(Path(name) / "data") as client:
        folder = Path(name)
        write_digits(folder / "digits.zip", images=300 if quick else None)
        dataset = client.datasets.wait(client.datasets.push(folder / "digits.zip", splits={"test": 0.2, "seed": 0}).id)
        epochs = QUICK_EPOCHS if quick else EPOCHS
        bench = Bench(client, folder, folder / "data", str(dataset.latest_version_id), epochs)
        rounds = QUICK_ROUNDS if quick else ROUNDS
        measures = {"service": partial(_through_the_service, bench), "hand": partial(_by_hand, bench)}
        interleaved(1, measures)  # the first of each fills the page cache; the worker fetches the pack
        bench.phases.clear()
        return [_figure(bench, interleaved(rounds, measures))]


def write_digits(path: Path, *, images: int | None = None) -> None:
    """scikit-learn's 1,797 scans as an ImageFolder zip."""
    digits = load_digits()
    with zipfile.ZipFile(path, "w") as archive:
        for number, (pixels, label) in enumerate(zip(digits.images[:images], digits.target[:images], strict=True)):
            scan = Image.fromarray(np.uint8(pixels * (255 / 16))).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
            file = BytesIO()
            scan.save(file, "PNG")
            archive.writestr(f"{label}/{number:04}.png", file.getvalue())


@contextmanager
def up(data_dir: Path, *options: str) -> Iterator[Client]:
    """The embedded service, as a user starts it."""
    port = serving.spare_port()
    program = "import sys; from patchswap.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-P", "-c", program, "up", "--data-dir", str(data_dir), "--port", str(port), *options]
    service = subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE, text=True)
    try:
        if service.stdout is None or not service.stdout.readline().startswith("ready"):
            raise RuntimeError("patchswap up did not get ready; it says why above")
        known = json.loads((data_dir / "client.json").read_text())
        with Client(known["url"], known["api_key"]) as client:
            yield client
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(_STOP_SECONDS)


def _spec(bench: Bench) -> dict[str, Any]:
    return {
        "dataset": bench.dataset_version_id,
        "recipe": "resnet20_short",
        "training": {"epochs": bench.epochs, "augmentation": {"horizontal_flip": False}},
        "exports": [{"format": "onnx", "precision": "fp32"}],
        "control": False,
    }


def _through_the_service(bench: Bench) -> float:
    """From the POST to the first answer that says succeeded."""
    started = time.perf_counter()
    job = bench.client.jobs.create(_spec(bench))
    while not job.is_over:
        time.sleep(LOOK_SECONDS)
        job = bench.client.jobs.get(job.id)
    seconds = time.perf_counter() - started
    if job.status != "succeeded":
        raise RuntimeError(f"the job {job.status}: {job.error}")
    bench.phases.append(_phases(bench, job.id))
    return seconds


def _phases(bench: Bench, job_id: str) -> dict[str, float]:
    """Seconds from each transition of the job to the next."""
    transitions = bench.client.transport.get(f"/v1/jobs/{job_id}")["transitions"]
    told = [(one["phase"] or one["status"], seconds_of(one["at"])) for one in transitions]
    return {name: later - at for (name, at), (_, later) in pairwise(told)}


def seconds_of(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _by_hand(bench: Bench) -> float:
    folder = bench.folder / f"hand-{next(bench.runs)}"
    folder.mkdir()
    resolved = bench.client.transport.post("/v1/jobs/validate", _spec(bench))["resolved"]
    (folder / "spec.json").write_text(json.dumps(resolved))
    (samples,) = (bench.data_dir / "objects" / "datasets" / bench.dataset_version_id).rglob("samples.arrow")
    common = [str(folder / "spec.json"), "--pack", str(samples.parent), "--out", str(folder / "out")]
    started = time.perf_counter()
    for verb in (["train"], ["evaluate"], ["export", "--format", "onnx", "--precision", "fp32"]):
        command = [sys.executable, "-P", "-m", "trainer", verb[0], *common, *verb[1:]]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _figure(bench: Bench, seconds: dict[str, list[float]]) -> Figure:
    service, hand = statistics.median(seconds["service"]), statistics.median(seconds["hand"])
    more = service - hand
    names = bench.phases[0]
    phases = {name: statistics.median(one.get(name, 0.0) for one in bench.phases) for name in names}
    told = ", ".join(f"{name} {value:.1f}" for name, value in phases.items())
    return Figure(
        f"a job of {bench.epochs} epochs through the service against the trainer by hand",
        f"{more:+.1f} s ({service:.1f} against {hand:.1f} s; {told})",
        f"< {GOAL_SHARE:.0%} + {GOAL_SECONDS:g} s",
        more < GOAL_SHARE * hand + GOAL_SECONDS,
        {"service_seconds": seconds["service"], "hand_seconds": seconds["hand"], "phases_seconds": phases},
    )

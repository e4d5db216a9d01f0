"""The story: digits in, patch swap against its control, ONNX out, checked. Every figure is the service's own answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchswap import credentials
from patchswap.calls.jobs import succeeded
from patchswap.cli import bars
from patchswap.client import Client
from patchswap.demo import digits, report, service
from patchswap.errors import PatchswapError
from patchswap.local import extras
from patchswap.resources import Dataset, Export, Job

DATA_DIR = Path(".demo")
SEEDS = (0, 1, 2, 3)
SPEC: dict[str, Any] = {
    "recipe": "resnet20_short",
    # A mirrored digit is another digit, or none.
    "training": {"epochs": 100, "augmentation": {"horizontal_flip": False}},
    "control": True,
    "selection": "main",  # the files are patch swap's, whoever wins
    "labels": {"project": "demo"},
}
EXPORTS = [
    {"format": "onnx", "precision": "fp32"},
    {"format": "onnx", "precision": "int8", "constraints": {"max_drop_points": 1.0}},
]


def main() -> int:
    started_at = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the service is stopped in order then, too
    try:
        extras.require("all", command="python -m patchswap.demo")
        DATA_DIR.mkdir(exist_ok=True)
        (DATA_DIR / ".gitignore").write_text("*\n")
        _say(f"starting Postgres, Redis, the api and two workers; their data goes to {DATA_DIR.resolve()}")
        with service.running(DATA_DIR):
            bundles = _run()
    except PatchswapError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped; run it again, it goes on with what is there", file=sys.stderr)
        return 130
    _say(f"done in {time.monotonic() - started_at:.0f} s; the service is stopped")
    _next_commands(bundles)
    return 0


def _run() -> list[Path]:
    found = credentials.read(DATA_DIR / "client.json")
    assert found is not None  # noqa: S101 - a ready service has written it
    with Client(found.url, found.api_key) as client:
        dataset = _push(client)
        jobs = _train(client, dataset)
        exports = client.models.exports(str(jobs[0].model_id))
        bundles = [_pull(client, export) for export in exports if export.status == "succeeded"]
        _print_table(jobs, exports)
    return bundles


def _push(client: Client) -> Dataset:
    archive = DATA_DIR / "digits.zip"
    counts = digits.write(archive)
    told = ", ".join(f"{counts[split]} to {what}" for split, what in _SPLITS.items())
    _say(f"uploading scikit-learn's digits, 8 x 8 px: {told} ({digits.TRAIN_PER_CLASS} training images a class)")
    with bars.transfer("uploading") as shown:
        dataset = client.datasets.push(archive, name="digits", upload_progress=shown)
    return dataset.wait(timeout_seconds=120)


_SPLITS = {"train": "train on", "val": "watch by", "test": "judge by"}


def _train(client: Client, dataset: Dataset) -> list[Job]:
    """One job a seed; the first also exports. All are queued before the first is watched."""
    epochs = SPEC["training"]["epochs"]
    seeds = ", ".join(map(str, SEEDS))
    _say(f"training ResNet-20 by patch swap and by plain cross-entropy, {epochs} epochs each, seeds {seeds}")
    jobs = [
        client.jobs.create(SPEC, dataset=dataset.id, seed=seed, exports=EXPORTS if seed == SEEDS[0] else [])
        for seed in SEEDS
    ]
    for seed, job in zip(SEEDS, jobs, strict=True):
        _say(f"seed {seed}: {job.id}")
        with bars.Training(client, job.id) as shown:
            for event in job.watch():
                shown.show(event)
        succeeded(job.refresh())
    return [job.refresh() for job in jobs]


def _pull(client: Client, export: Export) -> Path:
    folder = client.exports.pull(export, DATA_DIR / f"digits-{export.precision}", replace=True)
    _say(f"checking the {export.precision} bundle with its own verify.py")
    done = subprocess.run([sys.executable, "verify.py"], check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise PatchswapError(f"{folder}/verify.py says no: {told[-1] if told else 'nothing'}.")
    return folder


def _print_table(jobs: Sequence[Job], exports: Sequence[Export]) -> None:
    evaluations = {seed: job.evaluation() for seed, job in zip(SEEDS, jobs, strict=True)}
    setting = report.setting(jobs[0].resolved, evaluations[SEEDS[0]], train_per_class=digits.TRAIN_PER_CLASS)
    parts = [setting, report.methods(evaluations), report.files(exports), report.ratio(exports)]
    rule = "-" * report.WIDTH
    print("", rule, "\n\n".join(parts), rule, "", sep="\n")


def _next_commands(bundles: Sequence[Path]) -> None:
    for folder in bundles:
        print(f"  {folder}/: model, labels, preprocessing, model card, report.html, infer.py, verify.py")
        print(f"      {_program('python')} {folder}/infer.py {folder}/golden/image.png")
    patchswap = _program("patchswap")
    print(f"the service again:  {patchswap} up --data-dir {DATA_DIR}")
    print(f"your own images:    {patchswap} up, and beside it {patchswap} datasets push FOLDER --name NAME,")
    print(f"                    {patchswap} train --dataset NAME --watch")


def _program(name: str) -> str:
    """How to start it from here, also where no environment is activated."""
    path = Path(sys.executable).with_name(name)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _say(text: str) -> None:
    print(f"demo: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""The demo without data of one's own: scikit-learn's digits, patch swap against its baseline, with four seeds each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patchswap.calls.jobs import succeeded
from patchswap.cli import bars
from patchswap.client import Client
from patchswap.demo import digits, report
from patchswap.demo.steps import DATA_DIR, Result, pull, say
from patchswap.resources import Dataset, Export, Job

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


def run(client: Client) -> Result:
    say("the data: 1,797 scans of handwritten digits that come with scikit-learn, 8 x 8 px. It is a toy: it shows that")
    say("everything works, not that it works on your images. For those: make demo DATA=FOLDER")
    dataset = _push(client)
    jobs = _train(client, dataset)
    model = str(jobs[0].model_id)
    exports = client.models.exports(model)
    bundles = [pull(client, export, f"digits-{export.precision}") for export in exports if export.status == "succeeded"]
    page = client.models.report(model, DATA_DIR / "digits-report.html")
    _print_table(jobs, exports)
    return Result(bundles, page, bundles[-1] / "golden" / "image.png")


def _push(client: Client) -> Dataset:
    archive = DATA_DIR / "digits.zip"
    counts = digits.write(archive)
    told = ", ".join(f"{counts[split]} to {what}" for split, what in _SPLITS.items())
    say(f"uploading scikit-learn's digits, 8 x 8 px: {told} ({digits.TRAIN_PER_CLASS} training images a class)")
    with bars.transfer("uploading") as shown:
        dataset = client.datasets.push(archive, name="digits", upload_progress=shown)
    return dataset.wait(timeout_seconds=120)


_SPLITS = {"train": "train on", "val": "watch by", "test": "judge by"}


def _train(client: Client, dataset: Dataset) -> list[Job]:
    """One job a seed; the first also exports. All are queued before the first is watched."""
    epochs = SPEC["training"]["epochs"]
    seeds = ", ".join(map(str, SEEDS))
    say(f"training ResNet-20 by patch swap and by plain cross-entropy, {epochs} epochs each, seeds {seeds}")
    jobs = [
        client.jobs.create(SPEC, dataset=dataset.id, seed=seed, exports=EXPORTS if seed == SEEDS[0] else [])
        for seed in SEEDS
    ]
    for seed, job in zip(SEEDS, jobs, strict=True):
        say(f"seed {seed}: {job.id}")
        with bars.Training(client, job.id) as shown:
            for event in job.watch():
                shown.show(event)
        succeeded(job.refresh())
    return [job.refresh() for job in jobs]


def _print_table(jobs: Sequence[Job], exports: Sequence[Export]) -> None:
    evaluations = {seed: job.evaluation() for seed, job in zip(SEEDS, jobs, strict=True)}
    setting = report.setting(jobs[0].resolved, evaluations[SEEDS[0]], train_per_class=digits.TRAIN_PER_CLASS)
    parts = [setting, report.methods(evaluations), report.files(exports), report.ratio(exports)]
    rule = "-" * report.WIDTH
    print("", rule, "\n\n".join(parts), rule, "", sep="\n")

"""The demo on a folder of the reader's own: pretrained weights fine-tuned within a budget, and two files of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchswap.calls.jobs import succeeded
from patchswap.cli import bars, dataset_report, plans
from patchswap.cli.output import table
from patchswap.client import Client
from patchswap.demo.report import WIDTH
from patchswap.demo.steps import DATA_DIR, Result, pull, say
from patchswap.errors import ApiError, PatchswapError
from patchswap.resources import Dataset, Export, Job

NAME = "photos"
BUDGETS_SECONDS = (300, 600, 1200, 2400)  # the first that this machine and these images allow
SPEC: dict[str, Any] = {
    "exports": [{"format": "onnx", "precision": "fp32"}, {"format": "onnx", "precision": "int8"}],
    "labels": {"project": "demo"},
}


def run(client: Client, folder: Path) -> Result:
    dataset = _push(client, folder)
    job = _train(client, dataset)
    model = str(job.model_id)
    exports = [each for each in client.models.exports(model) if each.status == "succeeded"]
    if not exports:
        raise PatchswapError(f"No file could be made of {model}. Its exports say why: patchswap exports {model}")
    bundles = [pull(client, export, f"{NAME}-{export.precision}") for export in exports]
    page = client.models.report(model, DATA_DIR / f"{NAME}-report.html")
    _print_table(job, exports)
    return Result(bundles, page, _picture(client, folder) or bundles[-1] / "golden" / "image.png")


def _push(client: Client, folder: Path) -> Dataset:
    say(f"the data: your images in {folder}. They are sent to the service on this machine and nowhere else")
    with bars.transfer("uploading") as shown:
        dataset = client.datasets.push(folder, name=NAME, upload_progress=shown)
    dataset = dataset.wait()
    print(f"\n{dataset_report.text(client.datasets.validation(NAME), task=dataset.task, name=NAME)}\n", flush=True)
    return dataset


def _train(client: Client, dataset: Dataset) -> Job:
    body = _budgeted(client, SPEC | {"dataset": dataset.id})
    minutes = body["budget_seconds"] // 60
    say(f"fine-tuning within {minutes} minutes, exports included; a training without a budget takes longer")
    plans.announce(client, body)
    job = client.jobs.create(body)
    with bars.Training(client, job.id) as shown:
        for event in job.watch():
            shown.show(event)
    return succeeded(job.refresh())


def _budgeted(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    """With the least budget that is enough. Raises ApiError where none is, or something else is wrong."""
    for seconds in BUDGETS_SECONDS[:-1]:
        try:
            client.jobs.validate(body | {"budget_seconds": seconds})
        except ApiError as error:
            if any(each.code != "budget_too_short" for each in error.errors) or not error.errors:
                raise
            say(f"{seconds // 60} minutes are too short here")
        else:
            return body | {"budget_seconds": seconds}
    return body | {"budget_seconds": BUDGETS_SECONDS[-1]}


def _picture(client: Client, folder: Path) -> Path | None:
    """One that was not trained on, where the folder itself has it under the name it has in the service."""
    for split in ("test", "val"):
        for name in client.datasets.version(NAME).classes or ():
            for sample in client.datasets.some_samples(NAME, limit=1, split=split, class_name=name):
                found = [path for path in (folder / sample.path, folder.parent / sample.path) if path.is_file()]
                if found:
                    return found[0]
    return None


def _print_table(job: Job, exports: Sequence[Export]) -> None:
    main = job.evaluation()["main"]
    figures = main["splits"][main["evaluation_split"]]
    low, high = figures["confidence_intervals"]["top1_accuracy"]
    rows = [
        ("trained network", "", f"{100 * figures['top1_accuracy']:.1f}", f"{100 * low:.1f} .. {100 * high:.1f}", "")
    ]
    for export in exports:
        measured = export.measured or {}
        accuracy, latency = f"{100 * measured['top1_accuracy']:.1f}", f"{measured['latency_ms_p50']:.2f}"
        rows.append((f"ONNX {export.precision}", f"{measured['model_bytes']:,}", accuracy, "", latency))
    said = (
        f"{job.resolved['model']['architecture']} on {figures['samples']:,} of your images that it was not trained on. "
        "The interval is 95 %, over the images drawn. Latency: one image, one thread, this machine."
    )
    shown = table(("FILE", "BYTES", "TOP-1 %", "95 % INTERVAL", "MS"), rows)
    rule = "-" * WIDTH
    print("", rule, textwrap.fill(said, WIDTH), "", shown, rule, "", sep="\n")

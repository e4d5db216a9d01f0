"""The fixed cost of a job: what passes between queued and trained, beyond the training itself; and many jobs at once.

`python bench/fixed_cost.py [--jobs 5] [--train-workers 1] [--threads 1] [--cold]`: jobs of one epoch on
scikit-learn's digits through `patchswap up`, the first one left out. The training itself is `train_seconds` of the
evaluation. `--cold` starts each trainer from scratch, as releases before did.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import overhead

from patchswap import Client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--train-workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cold", action="store_true")
    asked = parser.parse_args()
    if asked.cold:
        os.environ["PATCHSWAP_WARM_TRAINER"] = "false"
    options = ["--train-workers", str(asked.train_workers), "--threads", str(asked.threads)]
    with (
        tempfile.TemporaryDirectory(prefix="patchswap-bench-") as name,
        overhead.up(Path(name) / "data", *options) as (client),
    ):
        archive = Path(name) / "digits.zip"
        overhead.write_digits(archive)
        dataset = client.datasets.wait(client.datasets.push(archive, splits={"test": 0.2, "seed": 0}).id)
        spec = _spec(str(dataset.latest_version_id))
        _run(client, spec, 1)
        alone = [_fixed_seconds(client, _run(client, spec, 1)[0]) for _ in range(asked.jobs)]
        started = time.perf_counter()
        _run(client, spec, asked.jobs)
        seconds = time.perf_counter() - started
    print(
        f"queued to trained beyond the training: median {statistics.median(alone):.2f} s "
        f"({min(alone):.2f} to {max(alone):.2f}, {asked.jobs} jobs one by one); "
        f"{asked.jobs} jobs at once by {asked.train_workers} workers of {asked.threads} threads: {seconds:.1f} s; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def _spec(version_id: str) -> dict[str, Any]:
    return {
        "dataset": version_id,
        "recipe": "resnet20_short",
        "training": {"epochs": 1, "augmentation": {"horizontal_flip": False}},
        "exports": [],
        "control": False,
    }


def _run(client: Client, spec: dict[str, Any], count: int) -> list[str]:
    """So many jobs at once, to their end."""
    waiting = [client.jobs.create(spec).id for _ in range(count)]
    for job_id in waiting:
        job = client.jobs.get(job_id)
        while not job.is_over:
            time.sleep(overhead.LOOK_SECONDS)
            job = client.jobs.get(job_id)
        if job.status != "succeeded":
            raise RuntimeError(f"the job {job.status}: {job.error}")
    return waiting


def _fixed_seconds(client: Client, job_id: str) -> float:
    """By the job's own transitions, of which a worker writes one a second or as they come."""
    job = client.transport.get(f"/v1/jobs/{job_id}")
    begun = {one["phase"] or one["status"]: overhead.seconds_of(one["at"]) for one in job["transitions"]}
    evaluation = client.transport.get(f"/v1/jobs/{job_id}/evaluation")
    return float(begun["evaluate"] - begun["queued"] - evaluation["main"]["train_seconds"])


if __name__ == "__main__":
    main()

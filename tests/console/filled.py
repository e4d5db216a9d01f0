"""A tenant with something on every page of the console."""

from __future__ import annotations

from dataclasses import dataclass

from core.database.database import transaction
from core.jobs import curves
from core.tables import Dataset, DatasetVersion
from tests.api import made
from tests.api.serving import Caller
from tests.worker import sweeping
from worker.sweeps import driving

ACCURACY = {"cross_entropy": (0.50, 0.55, 0.60), "patch_swap": (0.62, 0.66, 0.75)}


@dataclass(frozen=True)
class Filled:
    dataset: str
    job: str
    model: str
    comparison: str
    sweep: str

    @property
    def pages(self) -> dict[str, str]:
        """Path by name."""
        return {
            "home": "",
            "datasets": "datasets",
            "dataset": f"datasets/{self.dataset}",
            "upload": "datasets/new",
            "jobs": "jobs",
            "job": f"jobs/{self.job}",
            "new-job": f"jobs/new?dataset={self.dataset}",
            "comparisons": "comparisons",
            "comparison": f"comparisons/{self.comparison}",
            "sweep": f"sweeps/{self.sweep}",
            "model": f"models/{self.model}",
            "try": f"models/{self.model}/try",
            "admin": "admin",
        }


def fill(ours: Caller, version: DatasetVersion, name: str = "clothes") -> Filled:
    with transaction() as session:
        session.get_one(Dataset, version.dataset_id).name = name
    job, model, _ = made.published_job(version, name=name)
    made.export(model, "gate_failed")
    ours.post("/v1/webhooks", {"url": "https://93.184.216.34/hook"})
    return Filled(version.dataset_id, job.id, model.id, _comparison(ours, version), _sweep(version))


def _comparison(ours: Caller, version: DatasetVersion) -> str:
    spec = {"training": {"epochs": 2, "pairs_per_batch": 4}}
    body = {"name": "swap or not", "dataset": version.id, "spec": spec, "methods": ["patch_swap"], "seeds": 3}
    created = ours.post("/v1/comparisons", body).json()
    for job in created["jobs"]:
        accuracy = ACCURACY[job["method"]][job["seed"]]
        with transaction() as session:
            for epoch in range(1, 6):
                values = {"val.top1_accuracy": accuracy * (1 - 0.5**epoch)}
                curves.record(session, job["id"], step=10 * epoch, epoch=epoch, values=values)
        made.succeed(job["id"], accuracy)
    return str(created["id"])


def _sweep(version: DatasetVersion) -> str:
    sweep_id = sweeping.sweep(version, algorithm="asha", asha={"min_epochs": 2, "reduction_factor": 2}, trials=4)
    driving.tick()
    good, bad = (trial.job_id for trial in sweeping.trials(sweep_id))
    sweeping.finish(good, 0.8)
    held = sweeping.claim(bad)
    for epoch in (1, 2):
        sweeping.reach(held, epoch, 0.1)
    driving.tick()
    return sweep_id

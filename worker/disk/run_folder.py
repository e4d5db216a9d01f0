"""The folder that a run of the trainer is given: its spec, and a trained network to make or judge a file by."""

import json
from pathlib import Path
from typing import Any

from contract.files import EVALUATION, REPORT, SPEC, TRAINED_ON, WEIGHTS
from contract.pack.manifest import PackManifest
from contract.results.selection import published_arm
from contract.specs import ResolvedSpec, SpecInvalid, settle
from contract.specs.recipes.chosen import Chosen
from core.store import storage
from core.tables import DatasetVersion, Export, Job, Model


def write_spec(folder: Path, job: Job, version: DatasetVersion) -> ResolvedSpec:
    """spec.json, with nothing in it left to be decided: a job that an older release stored is settled here."""
    try:
        spec, _ = settle(job.resolved, PackManifest.model_validate(version.manifest))
    except SpecInvalid:  # the trainer says so, as an ending with a name
        spec = ResolvedSpec.model_validate(job.resolved)
    if job.chosen is not None:  # for the report
        spec = spec.model_copy(update={"chosen": Chosen.model_validate(job.chosen)})
    (folder / SPEC).write_text(spec.model_dump_json())
    return spec


def write_manifest(folder: Path, version: DatasetVersion) -> None:
    """trained_on.json: the manifest of the images that a network was trained on, where it is asked about others."""
    (folder / TRAINED_ON).write_text(PackManifest.model_validate(version.manifest).model_dump_json())


def lay_out_network(out: Path, model: Model) -> None:
    """Weights, evaluations and report as the job's own run left them. Raises ChecksumMismatch or NotFound."""
    lay_out_evaluations(out, model.evaluation)
    weights = out / published_arm(model.evaluation) / WEIGHTS
    storage.get_file(model.weights_key, weights, sha256=model.weights_sha256)
    if model.report_key is not None:
        storage.get_file(model.report_key, out / "main" / REPORT, sha256=model.report_sha256)


def lay_out_evaluations(out: Path, evaluations: dict[str, Any]) -> None:
    """What the network of each arm reached, by the name of the arm."""
    for arm, evaluation in evaluations.items():
        (out / arm).mkdir(parents=True, exist_ok=True)
        (out / arm / EVALUATION).write_text(json.dumps(evaluation))


def fetch_bundle(export: Export, path: Path) -> None:
    """The bundle as it was published. Raises ChecksumMismatch or NotFound."""
    storage.get_file(str(export.object_key), path, sha256=export.sha256)

"""What `bench/finetuning.py` runs: the default recipe, the plain script on as many images, and a net from scratch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results.protocol import key_of
from contract import weights
from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec, parse, plan, resolve
from contract.specs.pace import Pace
from contract.specs.submission import lay_out
from contract.tasks import TaskName
from ingest import ingest

VERSION = 1  # of the plain script and of how it is run: runs of another one do not count
DATASETS = ("clothing", "groceries", "hand_signs")
DEFAULT, PLAIN, SCRATCH = "default recipe", "plain script", "mobilenet_v3_small from scratch"
ARMS = (DEFAULT, PLAIN, SCRATCH)


@dataclass(frozen=True)
class Run:
    key: str
    dataset: str
    arm: str
    seed: int
    spec: ResolvedSpec  # of the plain script: the default's, for network, size and number of images
    digest: str


def packed(archive: Path, folder: Path, *, task: TaskName = "classification") -> PackManifest:
    """The pack of an archive as the service would make it. Raises RuntimeError where it refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    result = ingest(archive, folder, task=task, splits=None, progress=lambda _done, _total: None)
    if result.manifest is None:
        raise RuntimeError(f"{archive} cannot be used: {result.report.findings}")
    return result.manifest


def runs(
    dataset: str, manifest: PackManifest, *, seeds: Sequence[int], epochs: int | None, scratch_share: float
) -> list[Run]:
    """Seed by seed, the arms of a seed together. `scratch_share`: epochs from scratch that take as long as one of ours.

    The lengths of both are the default recipe's for two cores, unless `epochs` says otherwise.
    """
    found = []
    for seed in seeds:
        ours = default(manifest, seed=seed, epochs=epochs)
        scratch = from_scratch(manifest, seed=seed, epochs=max(1, round(scratch_share * ours.training.epochs)))
        specs = {DEFAULT: ours, PLAIN: ours, SCRATCH: scratch}
        found += [Run(_key(arm, specs[arm], manifest), dataset, arm, seed, specs[arm], manifest.digest) for arm in ARMS]
    return found


def default(
    manifest: PackManifest, *, seed: int, epochs: int | None = None, model: Mapping[str, Any] = {}, **training: Any
) -> ResolvedSpec:
    """What the service runs where nothing but the dataset is named, and what of `model` and `training` is given."""
    asked = training | ({} if epochs is None else {"epochs": epochs})
    body = {"dataset": "bench", "seed": seed, "exports": [], "training": {"checkpoint_every_seconds": 86_400} | asked}
    if model:
        body["model"] = dict(model)
    at_hand = weights.installed()
    submission = lay_out(body, manifest, at_hand=at_hand, pace=Pace())
    return resolve(submission.spec, manifest, at_hand)[0]


def from_scratch(manifest: PackManifest, *, seed: int, epochs: int) -> ResolvedSpec:
    training = {"epochs": epochs, "checkpoint_every_seconds": 86_400}
    body = {
        "dataset": "bench",
        "recipe": "mobilenet_v3_small",
        "model": {"pretrained": None},
        "exports": [],
        "seed": seed,
        "training": training,
    }
    return resolve(parse(body), manifest)[0]


def _key(arm: str, spec: ResolvedSpec, manifest: PackManifest) -> str:
    """Of the plain script: of all that it takes from the default's spec, which may change without changing it."""
    if arm != PLAIN:
        return key_of(spec, manifest.digest)
    steps = plan(spec, manifest)
    taken = [spec.model.model_dump(mode="json"), spec.height, spec.width, steps.steps, steps.images_per_step, spec.seed]
    return hashlib.sha256(json.dumps([VERSION, manifest.digest, *taken]).encode()).hexdigest()[:24]

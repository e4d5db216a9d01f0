"""What has to be run: for each method its trials on draw 0, then five seeds with the setting that validated best.

Every seed draws its own training images, the same for all methods, and is looked at on test once. Trials never are.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.results import search
from bench.results.datasets import Dataset
from bench.results.records import Record
from bench.results.search import Settings
from contract import weights
from contract.pack.manifest import PackManifest
from contract.specs import ResolvedSpec, parse, resolve
from contract.specs.pace import Pace
from contract.specs.submission import lay_out

VERSION = 1  # of the protocol: runs of another one do not count
CONTROL = "cross_entropy"
PATCH_SWAP = "patch_swap"
TUNING_SEED = 0
# What does not change the weights of a run.
_NOT_TRAINING = {"dataset", "name", "recipe", "evaluation", "exports", "control", "labels"}


@dataclass(frozen=True)
class Protocol:
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    trials: int = search.TRIALS
    epochs: int | None = None  # None: the data set's own

    @property
    def draws(self) -> tuple[int, ...]:
        return (TUNING_SEED, *self.seeds)


QUICK = Protocol(seeds=(1,), trials=2, epochs=2)


@dataclass(frozen=True)
class Run:
    """One training, and what to measure after it."""

    key: str
    dataset: str
    method: str
    seed: int
    settings: Settings
    spec: ResolvedSpec
    digest: str  # of the pack of the seed's draw
    teacher: str | None  # key of the run whose weights it learns from

    @property
    def is_trial(self) -> bool:
        return self.seed == TUNING_SEED

    @property
    def is_control(self) -> bool:
        return self.method == CONTROL


@dataclass(frozen=True)
class Study:
    """One data set under a protocol."""

    name: str
    dataset: Dataset
    manifests: Mapping[int, PackManifest]  # by draw
    protocol: Protocol
    _specs: dict[str, ResolvedSpec] = field(default_factory=dict)  # resolving takes a millisecond, asked often

    @property
    def epochs(self) -> int:
        return self.protocol.epochs or self.dataset.epochs

    def ready(self, methods: Sequence[str], records: Mapping[str, Record]) -> Iterator[Run]:
        """The missing runs that can be done now, most useful first; none when all is done."""
        for method in methods:
            yield from (run for run in self.wanted(method, records) if run.key not in records)

    def wanted(self, method: str, records: Mapping[str, Record]) -> list[Run]:
        """The runs of a method whose predecessors are known: trials, and once all are done, seeds."""
        if self.dataset.arms is not None:
            arm = self.dataset.arms.get(method)
            return [] if arm is None else self.evaluated(method, dict(arm.settings), records)
        if method not in search.SPACES:  # an arm of other data sets
            return []
        trials = self.trials(method, records)
        best = self.best(method, records)
        seeds = [] if best is None else self.evaluated(method, best, records)
        if method == PATCH_SWAP and best is not None:
            seeds += self.evaluated(method, without_distillation(best), records)
        return trials + seeds

    def trials(self, method: str, records: Mapping[str, Record]) -> list[Run]:
        tried = search.space(method)[: self.protocol.trials]
        runs = (self.run(method, settings, TUNING_SEED, records) for settings in tried)
        return [run for run in runs if run]

    def best(self, method: str, records: Mapping[str, Record]) -> Settings | None:
        """The setting that validated best; None while a trial is missing, or when all of them failed."""
        trials = self.trials(method, records)
        found = [records[run.key] for run in trials if run.key in records]
        if len(found) < self.protocol.trials:
            return None
        return best_of(found)

    def evaluated(self, method: str, settings: Settings, records: Mapping[str, Record]) -> list[Run]:
        runs = (self.run(method, settings, seed, records) for seed in self.protocol.seeds)
        return [run for run in runs if run]

    def run(self, method: str, settings: Settings, seed: int, records: Mapping[str, Record]) -> Run | None:
        """None where it needs a teacher that is not trained yet."""
        teacher = None
        if method in search.TEACHERS:
            teacher = self._teacher(seed, records)
            if teacher is None:
                return None
        manifest = self.manifests[seed]
        spec = self._resolved(self._body(method, settings, seed, teacher), manifest)
        key = key_of(spec, manifest.digest)
        return Run(key, self.name, method, seed, settings, spec, manifest.digest, teacher)

    def complete(self, method: str, records: Mapping[str, Record]) -> bool:
        if self.dataset.arms is not None or method not in search.SPACES:
            return all(run.key in records for run in self.wanted(method, records))
        best = self.best(method, records)
        if best is None:
            return False
        seeds = self.evaluated(method, best, records)
        return len(seeds) == len(self.protocol.seeds) and all(
            run.key in records for run in self.wanted(method, records)
        )

    def _teacher(self, seed: int, records: Mapping[str, Record]) -> str | None:
        """The cross-entropy run of this seed; of the best trial where this is a trial."""
        best = self.best(CONTROL, records)
        run = None if best is None else self.run(CONTROL, best, seed, records)
        trained = records.get(run.key) if run else None
        return trained.key if trained and trained.validation else None

    def _method(self, arm: str) -> str:
        return self.dataset.arms[arm].method if self.dataset.arms is not None else arm

    def _resolved(self, body: dict[str, Any], manifest: PackManifest) -> ResolvedSpec:
        asked = json.dumps(body)
        if asked not in self._specs:
            self._specs[asked] = (
                _fine_tuned(body, manifest) if self.dataset.fine_tuned else resolve(parse(body), manifest)[0]
            )
        return self._specs[asked]

    def _body(self, method: str, settings: Settings, seed: int, teacher: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "dataset": self.name,
            "method": {"name": self._method(method)} | ({"teacher": teacher} if teacher else {}),
            "training": {
                "epochs": self.epochs,
                "precision": self.dataset.precision,
                "augmentation": {"horizontal_flip": self.dataset.horizontal_flip},
                "checkpoint_every_seconds": 86_400,  # the only one is that of the end
            },
            "seed": seed,
        }
        if not self.dataset.fine_tuned:
            warmup = max(1, self.epochs // 10)
            body["model"] = {"architecture": "resnet20"}
            body["optimizer"] = {"name": "sgd", "schedule": "cosine", "nesterov": True, "warmup_epochs": warmup}
            body["training"]["pairs_per_batch"] = self.dataset.pairs_per_batch
        for dotted, value in settings.items():
            part, field = dotted.split(".")
            body[part][field] = value
        return body


def _from_scratch(body: Mapping[str, Any], manifest: PackManifest) -> ResolvedSpec:
    return resolve(parse(body), manifest)[0]


def _fine_tuned(body: Mapping[str, Any], manifest: PackManifest) -> ResolvedSpec:
    """The body over the default recipe for these images. Raises RuntimeError without pretrained weights at hand."""
    at_hand = weights.installed()
    spec = resolve(lay_out(body, manifest, at_hand=at_hand, pace=Pace()).spec, manifest, at_hand)[0]
    if spec.model.pretrained is None:
        raise RuntimeError("No pretrained weights are installed: run `make install`.")
    return spec


def best_of(trials: Sequence[Record]) -> Settings | None:
    """The highest validation accuracy; of equal ones the lower validation loss. Failed ones lose."""
    whole = [trial for trial in trials if trial.validation is not None]
    if not whole:
        return None
    best = max(whole, key=lambda trial: (trial.validation.top1_accuracy, -trial.validation.nll))
    return best.settings


def without_distillation(settings: Settings) -> Settings:
    """Patch swap's setting without its KL term, so that this is all that differs."""
    return settings | {"method.kd_weight": 0.0}


def key_of(spec: ResolvedSpec, digest: str) -> str:
    """Of all that decides the weights; the spec names the seed, and a teacher by its own key."""
    text = json.dumps([VERSION, digest, spec.model_dump(mode="json", exclude=_NOT_TRAINING)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]

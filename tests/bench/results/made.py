"""Studies and records made up for tests: no training."""

from bench.results.datasets import DATASETS
from bench.results.protocol import Protocol, Run, Study
from bench.results.records import Figures, Record
from contract.pack.manifest import PackManifest, Pairability

DRAWS = {draw: f"{draw:064x}" for draw in (0, 1, 2)}


def manifest(digest: str) -> PackManifest:
    classes = [str(label) for label in range(10)]
    return PackManifest(
        classes=classes,
        samples=800,
        counts={
            "train": dict.fromkeys(classes, 10),
            "val": dict.fromkeys(classes, 20),
            "test": dict.fromkeys(classes, 50),
        },
        encoding="raw",
        channels=1,
        image_size=(8, 8),
        median_size=(8, 8),
        mean=[0.3],
        std=[0.3],
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="test",
        digest=digest,
        bytes=1,
    )


def study(name: str = "digits_10", **protocol) -> Study:
    manifests = {draw: manifest(digest) for draw, digest in DRAWS.items()}
    return Study(name, DATASETS[name], manifests, Protocol(**({"seeds": (1, 2)} | protocol)))


def done(run: Run, *, validation: float = 0.9, test: float = 0.8, failure: str | None = None) -> Record:
    """What a run would have left."""
    validated = Figures(top1_accuracy=validation, nll=1 - validation)
    tested = Figures(top1_accuracy=test, nll=1 - test, ece=0.1)
    return Record(
        key=run.key,
        dataset=run.dataset,
        method=run.method,
        seed=run.seed,
        settings=run.settings,
        digest=run.digest,
        images_seen=0 if failure else 100,
        cpu_seconds=2.0,
        validation=None if failure else validated,
        test=None if failure or run.is_trial else tested,
        failure=failure,
    )

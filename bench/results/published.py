"""The raw results that are in the repository, a file of JSON for each data set: all that the document is made of."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel

from bench.results import search
from bench.results.datasets import DATASETS, arm_names
from bench.results.protocol import CONTROL, PATCH_SWAP, VERSION, Study, best_of, without_distillation
from bench.results.records import Record, as_text
from bench.results.search import Settings


class Published(BaseModel):
    version: int
    dataset: str
    machine: str
    epochs: int
    seeds: list[int]
    digests: dict[int, str]  # by draw
    sources: dict[str, list[str]]
    records: list[Record]

    @property
    def methods(self) -> list[str]:
        """Those with a tuned setting and every seed, in the spec's order."""
        present = {record.method for record in self.records}
        names = (*search.methods(), *arm_names())
        return [method for method in names if method in present and self._whole(method)]

    def tuned(self, method: str) -> Settings | None:
        """What validated best among the trials; of a data set with arms, what the arm takes."""
        if arms := DATASETS[self.dataset].arms:
            return dict(arms[method].settings) if method in arms else None
        return best_of([record for record in self.records if record.method == method and record.seed not in self.seeds])

    def by_seed(self, method: str, settings: Settings) -> dict[int, Record]:
        """The evaluated runs of a setting; failed ones included."""
        return {
            record.seed: record
            for record in self.records
            if (record.method, record.settings) == (method, settings) and record.seed in self.seeds
        }

    def tuned_by_seed(self, method: str) -> dict[int, Record]:
        settings = self.tuned(method)
        return {} if settings is None else self.by_seed(method, settings)

    def without_distillation(self) -> dict[int, Record]:
        """Patch swap at its own tuned setting, but for the KL term."""
        settings = self.tuned(PATCH_SWAP)
        return {} if settings is None else self.by_seed(PATCH_SWAP, without_distillation(settings))

    def _whole(self, method: str) -> bool:
        return sorted(self.tuned_by_seed(method)) == sorted(self.seeds)


def of(study: Study, methods: Iterable[str], records: Mapping[str, Record], machine: str) -> Published:
    """A study's records of these methods, without what an older protocol left in the store."""
    runs = {run.key: run for method in methods for run in study.wanted(method, records)}
    found = [records[key] for key in runs if key in records]
    sources = study.dataset.sources
    return Published(
        version=VERSION,
        dataset=study.name,
        machine=machine,
        epochs=study.epochs,
        seeds=list(study.protocol.seeds),
        digests={draw: manifest.digest for draw, manifest in study.manifests.items()},
        sources=sources() if sources else {},
        records=sorted(found, key=lambda one: (one.method, one.seed, json.dumps(one.settings))),
    )


def write(folder: Path, ours: Published) -> None:
    """Replace the data set's file; methods that were not asked for stay where they were run under the same terms."""
    path = folder / f"{ours.dataset}.json"
    again = {record.method for record in ours.records}
    if path.exists():
        old = Published.model_validate_json(path.read_bytes())
        if (old.version, old.epochs, old.seeds, old.digests) == (ours.version, ours.epochs, ours.seeds, ours.digests):
            kept = [record for record in old.records if record.method not in again]
            ours = ours.model_copy(update={"records": kept + ours.records})
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(as_text(ours, ours.records))


def read(folder: Path, names: Iterable[str]) -> list[Published]:
    """The published data sets, in the order of the names; only those with a control to compare with."""
    paths = [path for name in names if (path := folder / f"{name}.json").exists()]
    found = [Published.model_validate_json(path.read_bytes()) for path in paths]
    return [one for one in found if CONTROL in one.methods]

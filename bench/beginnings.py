"""Masks and boxes from pretrained weights and from random ones, boxes at 224 px and on tiles; else the default recipe.

    python bench/beginnings.py --data FOLDER [--only blood_cells] [--seeds 3] [--minutes 60]

FOLDER holds pedestrians.zip (masks) and blood_cells.zip (boxes); what is not there is left out, loudly. May be stopped
at any time and started again: a run is looked up by the fingerprint of all that decides its weights. Publishes
docs/results/beginnings.json and a table of docs/finetuning.md.
"""

# ruff: noqa: E402 - imports follow the repaired path

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).parents[1]
# A script's own folder comes first on the path, where `trainer` would be bench/trainer.py.
sys.path[0] = str(ROOT)

import torch
from pydantic import BaseModel

from bench import finetuning_runs as performed
from bench.finetuning_plan import default, packed
from bench.finetuning_tables import signed
from bench.pages import write_between
from bench.results.machine import describe
from bench.results.protocol import key_of
from bench.results.records import alone, as_text
from contract.pack.manifest import PackManifest
from contract.results.evaluation import AnySplit
from contract.specs import ResolvedSpec, plan
from contract.tasks import TaskName
from core.comparisons.statistics import paired_difference
from trainer.data.pack import open_pack
from trainer.machine import device

BEGIN, END = "<!-- beginnings: written by `python bench/beginnings.py` -->", "<!-- end of beginnings -->"
PRETRAINED, RANDOM = "default recipe", "the same network from random weights"
SMALL, TILES = "default recipe at 224 x 224 px", "default recipe on tiles of full detail"
ARMS = (PRETRAINED, RANDOM, SMALL, TILES)
TILE_PX = 256
TASKS: dict[str, TaskName] = {"pedestrians": "segmentation", "blood_cells": "detection"}
FIGURES: dict[TaskName, str] = {"segmentation": "mean_iou", "detection": "ap50"}
NAMES = {"mean_iou": "mIoU", "ap50": "AP50"}


class Record(BaseModel):
    key: str
    dataset: str
    arm: str
    seed: int
    figure: str
    size_px: str  # width x height
    epochs: int
    images_seen: int
    cpu_seconds: float  # of the training alone
    test: float
    by_class: dict[str, float] = {}  # the same figure; none of runs before it was kept


class Published(BaseModel):
    machine: str
    records: list[Record]


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    device.choose()
    with alone(asked.folder):
        return _run(asked, time.monotonic() + 60 * asked.minutes)


def _run(asked: argparse.Namespace, deadline: float) -> int:
    path = asked.docs / "results" / "beginnings.json"
    known = read(path)
    left = 0
    for name, manifest, arm, seed, spec in _planned(asked):
        key = key_of(spec, manifest.digest)
        if key in known:
            continue
        if time.monotonic() >= deadline:
            left += 1
            continue
        known[key] = _record(asked.folder / name, name, arm, seed, spec, key)
        publish(asked.docs, path, list(known.values()))
        print(f"{name}, {arm}, seed {seed}: {known[key].figure} {100 * known[key].test:.1f} %", flush=True)
    if left:
        print(f"{left} runs are missing; the same command goes on", file=sys.stderr)
    return 1 if left else 0


def _planned(asked: argparse.Namespace) -> Iterator[tuple[str, PackManifest, str, int, ResolvedSpec]]:
    manifests = {}
    for name in asked.only:
        archive = asked.data / f"{name}.zip"
        if archive.is_file():
            manifests[name] = packed(archive, asked.folder / name, task=TASKS[name])
        else:
            print(f"SKIPPED {name}: there is no {archive}", file=sys.stderr)
    for seed in range(asked.seeds):
        for name, manifest in manifests.items():
            for arm, spec in arms(manifest, seed=seed, epochs=asked.epochs).items():
                yield name, manifest, arm, seed, spec


def arms(manifest: PackManifest, *, seed: int, epochs: int | None) -> dict[str, ResolvedSpec]:
    """By name. All have the default's network and number of epochs."""
    ours = default(manifest, seed=seed, epochs=epochs)
    epochs = ours.training.epochs
    model = {"architecture": ours.model.architecture}
    found = {
        PRETRAINED: ours,
        RANDOM: default(manifest, seed=seed, epochs=epochs, model=model | {"pretrained": None}),
    }
    if manifest.task == "detection":
        found[SMALL] = default(manifest, seed=seed, epochs=epochs, model=model, image_size=224)
        tiles = {"image_size": TILE_PX, "tiles": {"shrink": 1}}
        found[TILES] = default(manifest, seed=seed, epochs=epochs, model=model, **tiles)
    return found


def _record(folder: Path, dataset: str, arm: str, seed: int, spec: ResolvedSpec, key: str) -> Record:
    pack = open_pack(folder)
    figure = FIGURES[TASKS[dataset]]
    started = time.process_time()
    model = performed.trained(spec, pack)
    seconds = time.process_time() - started
    steps = plan(spec, pack.manifest)
    found = performed.test_figures(model, spec, pack)
    return Record(
        key=key,
        dataset=dataset,
        arm=arm,
        seed=seed,
        figure=figure,
        size_px=f"{spec.width} x {spec.height}",
        epochs=spec.training.epochs,
        images_seen=steps.steps * steps.images_per_step,
        cpu_seconds=seconds,
        test=getattr(found, figure),
        by_class=_by_class(found),
    )


def _by_class(found: AnySplit) -> dict[str, float]:
    if found.task == "segmentation":
        return {one.name: one.iou for one in found.per_class if one.iou is not None}
    if found.task == "detection":
        return {one.name: one.ap50 for one in found.per_class if one.ap50 is not None}
    raise ValueError(f"classes of {found.task} have no figure of their own here")


def read(path: Path) -> dict[str, Record]:
    if not path.exists():
        return {}
    return {one.key: one for one in Published.model_validate_json(path.read_bytes()).records}


def publish(docs: Path, path: Path, records: Sequence[Record]) -> None:
    records = sorted(records, key=lambda one: (one.dataset, ARMS.index(one.arm), one.seed))
    found = Published(machine=describe(), records=records)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_text(found, found.records))
    write_between(docs / "finetuning.md", BEGIN, END, table(found))


def table(found: Published) -> str:
    names = "dataset | arm | seeds | px | epochs | images seen | CPU seconds | figure | on test, % | to the default"
    lines = ["", f"| {names} | by class, % |", f"|{'---|' * 11}"]
    for dataset, arm in dict.fromkeys((one.dataset, one.arm) for one in found.records):
        lines.append(_row([one for one in found.records if (one.dataset, one.arm) == (dataset, arm)], found.records))
    return "\n".join([*lines, "", f"Measured on {found.machine}.", ""])


def _row(mine: Sequence[Record], records: Sequence[Record]) -> str:
    one = mine[0]
    theirs = {r.seed: 100 * r.test for r in records if (r.dataset, r.arm) == (one.dataset, PRETRAINED)}
    apart = paired_difference({r.seed: 100 * r.test for r in mine}, theirs)
    cells: list[Any] = [one.dataset, one.arm, len(mine), one.size_px, one.epochs, f"{one.images_seen:,}"]
    cells += [f"{fmean(r.cpu_seconds for r in mine):,.0f}", NAMES[one.figure]]
    cells += [f"{fmean(100 * r.test for r in mine):.1f}", "" if one.arm == PRETRAINED else signed(apart)]
    known = [r.by_class for r in mine if r.by_class]
    cells.append(
        ", ".join(f"{name} {fmean(100 * each[name] for each in known):.1f}" for name in known[0]) if known else ""
    )
    return f"| {' | '.join(map(str, cells))} |"


def _means(by_class: Sequence[dict[str, float]]) -> str:
    named = by_class[0] if by_class else ()
    return ", ".join(f"{name} {fmean(100 * each[name] for each in by_class):.1f}" for name in named)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the folder of the archives")
    add("--only", nargs="+", choices=tuple(TASKS), default=tuple(TASKS), metavar="DATASET", help=", ".join(TASKS))
    add("--seeds", type=int, default=3)
    add("--epochs", type=int, help="shorter trainings than the default recipe's, for all arms")
    add("--minutes", type=float, default=float("inf"), help="begin no run after so long; go on another time")
    add("--threads", type=int, default=1)
    add("--folder", type=Path, default=ROOT / ".results" / "beginnings", help="of packs; git ignores it")
    add("--docs", type=Path, default=ROOT / "docs", help="where finetuning.md and results/ are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""Fine-tuning on real photographs: the default recipe against a plain script and against a network from scratch.

    python bench/finetuning.py --data FOLDER [--only clothing] [--seeds 5] [--minutes 60]

FOLDER holds clothing.zip, groceries.zip and hand_signs.zip (docs/finetuning.md says where they are from); what is not
there is left out, loudly. May be stopped at any time and started again: a run is looked up by the fingerprint of all
that decides its weights, in the folder and in what was published before. All datasets go through a seed before the
next seed begins, so that a bench that was stopped has something of each. Publishes docs/results/finetuning.json and
the tables of docs/finetuning.md.
"""

# ruff: noqa: E402 - imports follow the repaired path

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A script's own folder comes first on the path, where `trainer` would be bench/trainer.py.
sys.path[0] = str(ROOT)

import torch

from bench import finetuning_plan as planned
from bench import finetuning_runs as performed
from bench import finetuning_tables as published
from bench.finetuning_plan import ARMS, DATASETS, Run
from bench.finetuning_runs import Record
from bench.finetuning_tables import Paces, Published
from bench.results.machine import describe
from bench.results.records import alone
from trainer.data.pack import Pack, open_pack
from trainer.machine import device

TIMED_ON = "clothing"


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    device.choose()
    found = [name for name in asked.only if (asked.data / f"{name}.zip").is_file()]
    for name in set(asked.only) - set(found):
        print(f"SKIPPED {name}: there is no {asked.data / f'{name}.zip'}", file=sys.stderr)
    with alone(asked.folder):
        return _run(asked, found)


def _run(asked: argparse.Namespace, datasets: list[str]) -> int:
    deadline = time.monotonic() + 60 * asked.minutes
    before = published.read(asked.docs)
    paces, known = _paces(asked.folder, before), {record.key: record for record in before.records}
    packs, runs = {}, []
    seeds = range(max([asked.seeds, *(record.seed + 1 for record in before.records)]))
    for name in datasets:
        folder = asked.folder / "packs" / name
        manifest = planned.packed(asked.data / f"{name}.zip", folder)
        packs[name] = open_pack(folder)
        _time(asked, paces, name, packs[name])
        runs += planned.runs(
            name,
            manifest,
            seeds=seeds,
            epochs=asked.epochs,
            scratch_share=paces.scratch[name],
        )
    found = []
    kept = [record for record in before.records if record.dataset not in packs]
    for run in sorted(runs, key=lambda run: run.seed):
        if earlier := known.get(run.key):
            kept.append(earlier)
        elif run.arm in asked.arms and run.seed < asked.seeds:
            found.append(_record(asked.folder, run, packs[run.dataset], may_begin=time.monotonic() < deadline))
    records = sorted([*kept, *filter(None, found)], key=lambda one: (one.dataset, ARMS.index(one.arm), one.seed))
    published.publish(asked.docs, Published(**paces.model_dump(), machine=describe(), records=records))
    left = found.count(None)
    if left:
        print(f"{left} runs are missing; the same command goes on", file=sys.stderr)
    return 1 if left or not datasets else 0


def _time(asked: argparse.Namespace, paces: Paces, name: str, pack: Pack) -> None:
    """What is not known yet; kept at once."""
    if name not in paces.scratch:
        paces.scratch[name] = performed.scratch_share(pack)
    if name == TIMED_ON and paces.timing is None:
        paces.timing = performed.timing(pack)
    (asked.folder / "paces.json").write_text(paces.model_dump_json(indent=1))


def _paces(folder: Path, before: Published) -> Paces:
    path = folder / "paces.json"
    return Paces.model_validate_json(path.read_bytes()) if path.exists() else Paces(**before.model_dump())


def _record(folder: Path, run: Run, pack: Pack, *, may_begin: bool) -> Record | None:
    """What the run left, now or before; None where it was not done and no time is left to begin."""
    path = folder / "runs" / f"{run.key}.json"
    if path.exists():
        return Record.model_validate_json(path.read_bytes())
    if not may_begin:
        return None
    record = performed.perform(run, pack)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(record.model_dump_json())
    unfinished.replace(path)
    print(f"{run.dataset}, {run.arm}, seed {run.seed}: test {100 * record.test:.1f} %, {record.cpu_seconds:.0f} s")
    return record


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the folder of the archives")
    add("--only", nargs="+", choices=DATASETS, default=DATASETS, metavar="DATASET", help=", ".join(DATASETS))
    add("--arms", nargs="+", choices=ARMS, default=ARMS, metavar="ARM", help="; ".join(ARMS))
    add("--seeds", type=int, default=5)
    add("--epochs", type=int, help="shorter trainings than the default recipe's, for all arms")
    add("--minutes", type=float, default=float("inf"), help="begin no run after so long; go on another time")
    add("--threads", type=int, default=1)
    add("--folder", type=Path, default=ROOT / ".results" / "finetuning", help="of packs and runs; git ignores it")
    add("--docs", type=Path, default=ROOT / "docs", help="where finetuning.md and results/ are")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

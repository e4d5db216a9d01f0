"""`python -m bench.scenes`: run what is missing, publish it under docs/results/, write docs/scenes.md.

It may be stopped at any time and started again; what is not complete is published as far as it is.
"""

import argparse
import os
import shutil
import sys
from concurrent.futures import as_completed
from contextlib import ExitStack
from pathlib import Path

from bench.results.fonts import TooFewFonts
from bench.results.machine import describe
from bench.results.records import locked
from bench.results.runner import pool
from bench.scenes import document, packs, records, work
from bench.scenes.plan import ARMS, MAIN_ARMS, SEEDS, STUDIES, TASKS, Run, Study, runs
from contract.pack.manifest import PackManifest
from contract.tasks import TaskName

ROOT = Path(__file__).parents[2]
ARM_NAMES = [arm.name for arm in ARMS]


def main() -> int:
    asked = _arguments()
    try:
        if not asked.render:
            with ExitStack() as locks:
                for task in asked.only:
                    locks.enter_context(locked(asked.folder / task))
                _work(asked)
    except BlockingIOError:
        print(f"another run is at work in {asked.folder}; wait for it or give another --folder", file=sys.stderr)
        return 1
    except TooFewFonts as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on where this one was", file=sys.stderr)
        return 1
    found = (records.published(_path(asked.docs, task)) for task in TASKS)
    document.write(asked.docs / "scenes.md", [one for one in found if one])
    return 0


def _work(asked: argparse.Namespace) -> None:
    """Each run in a worker of one thread; the most useful ones of every task are begun first."""
    folder, planned = asked.folder, {task: _planned(STUDIES[task], asked.folder / task) for task in asked.only}
    wanted = (run for task in planned.values() for run in task if run.arm in asked.arms)
    missing = [run for run in wanted if not records.read(folder / "runs", run.key)]
    (folder / "classifiers").mkdir(parents=True, exist_ok=True)
    with pool(asked.jobs) as workers:
        flying = [workers.submit(work.perform, run, folder) for run in sorted(missing, key=_importance)]
        for landed in as_completed(flying):
            record = landed.result()
            records.keep(folder / "runs", record)
            print(f"{record.arm} seed {record.seed}: {record.test}, {record.cpu_seconds:.0f} s", flush=True)
    for task, runs_of_task in planned.items():
        _publish(task, runs_of_task, folder, _path(asked.docs, task))


def _importance(run: Run) -> int:
    """The arms of the question before the others: the lower the sooner."""
    return ARM_NAMES.index(run.arm) >= MAIN_ARMS


def _planned(study: Study, folder: Path) -> list[Run]:
    """The runs, and the packs that they need in FOLDER/DIGEST."""
    manifests: dict[tuple[TaskName, int], PackManifest] = {}
    for task in (study.task, "classification"):
        for seed in SEEDS:
            unnamed = folder / f"{task}-{seed}"
            made = packs.build(task, unnamed, draw=seed)
            named = folder / made.digest
            shutil.rmtree(named, ignore_errors=True)
            unnamed.rename(named)
            manifests[task, seed] = made
    return runs(study, manifests)


def _publish(task: TaskName, planned: list[Run], folder: Path, path: Path) -> None:
    found = [record for run in planned if (record := records.read(folder / "runs", run.key))]
    path.parent.mkdir(parents=True, exist_ok=True)
    published = records.Published(task=task, machine=describe(), families=packs.families(), records=found)
    records.publish(path, published)


def _path(docs: Path, task: TaskName) -> Path:
    return docs / "results" / f"scenes_{task}.json"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scenes", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=TASKS, default=TASKS, metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--arms", nargs="+", choices=ARM_NAMES, default=ARM_NAMES, metavar="ARM", help="all by default")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="workers of one thread each")
    parser.add_argument("--render", action="store_true", help="only write the document anew from docs/results/")
    parser.add_argument("--folder", type=Path, default=ROOT / ".results" / "scenes", help="of packs and runs")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where scenes.md and results/ are written")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

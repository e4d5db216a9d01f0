"""`python -m bench.results`: run what is missing, publish it under docs/results/, write the pages docs/results*.md.

It may be stopped at any time and started again. A data set is published once all its methods are done.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from bench.results import document, published, search
from bench.results.datasets import DATASETS, arm_names
from bench.results.fonts import TooFewFonts
from bench.results.machine import describe
from bench.results.places import pack_folder
from bench.results.protocol import CONTROL, PATCH_SWAP, QUICK, Protocol, Study
from bench.results.records import Store, alone
from bench.results.runner import Runner

ROOT = Path(__file__).parents[2]


def main() -> int:
    asked = _arguments()
    if asked.render:
        return _render(asked.docs)
    try:
        with alone(asked.folder):
            return _run(asked)
    except TooFewFonts as error:
        print(error, file=sys.stderr)
    except BrokenProcessPool:
        print(
            "a worker was killed, perhaps for its memory; the same command goes on, with --jobs 1 if need be",
            file=sys.stderr,
        )
    return 1


def _run(asked: argparse.Namespace) -> int:
    protocol = QUICK if asked.quick else Protocol(seeds=tuple(range(1, asked.seeds + 1)))
    studies = [_study(name, protocol, asked) for name in asked.only]
    store = Store(asked.folder)
    deadline = time.monotonic() + 60 * asked.minutes
    runner = Runner(studies, asked.methods, store, asked.folder, jobs=asked.jobs, deadline=deadline)
    runner.work()
    whole = [study for study in studies if all(study.complete(method, store.records) for method in asked.methods)]
    for study in whole if not asked.partial else studies:
        published.write(asked.docs / "results", published.of(study, asked.methods, store.records, describe()))
    for study in studies:
        if study not in whole:
            print(f"{study.name} is not complete: {_missing(study, asked.methods, store)}; the same command goes on")
    status = _render(asked.docs)
    return 1 if runner.broken or len(whole) < len(studies) else status


def _render(docs: Path) -> int:
    """The document anew from what is published. Without a published data set there is none to write."""
    found = published.read(docs / "results", DATASETS)
    if not found:
        return 1
    document.write(docs, found)
    print(f"wrote {docs / document.PAGE} and {docs / document.APPENDIX}")
    return 0


def _study(name: str, protocol: Protocol, asked: argparse.Namespace) -> Study:
    """The packs of every draw, made anew: seconds, and never those of an older builder."""
    dataset = DATASETS[name]
    draws = protocol.seeds if dataset.arms else protocol.draws
    build = partial(dataset.build, data=asked.data) if dataset.archive else dataset.build
    manifests = {draw: build(pack_folder(asked.folder, name, draw), draw=draw) for draw in draws}
    return Study(name, dataset, manifests, protocol)


def _missing(study: Study, methods: Sequence[str], store: Store) -> str:
    return ", ".join(method for method in methods if not study.complete(method, store.records))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.results", description=__doc__)
    add = parser.add_argument
    add("--only", nargs="+", choices=DATASETS, metavar="DATASET", help=f"some of: {', '.join(DATASETS)}")
    add(
        "--methods",
        nargs="+",
        choices=(*search.methods(), *arm_names()),
        metavar="METHOD",
        help="all when none is named",
    )
    add("--data", type=Path, help="a folder with the archives of the data sets that are not made here")
    add("--seeds", type=int, default=len(Protocol().seeds), help="evaluated seeds; more of them extend what was run")
    add("--minutes", type=float, default=float("inf"), help="begin no run after so long; go on another time")
    add("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="worker processes of one thread each")
    add("--quick", action="store_true", help="two methods, one seed, two epochs, digits: proves that it runs")
    add("--partial", action="store_true", help="publish also what is not complete")
    add("--render", action="store_true", help="only write the document anew from docs/results/")
    add("--folder", type=Path, default=ROOT / ".results", help="of packs, runs and teachers; git ignores the default")
    add("--docs", type=Path, default=ROOT / "docs", help="where results.md and results/ are written")
    asked = parser.parse_args()
    if asked.quick and asked.docs == ROOT / "docs":
        parser.error("--quick proves that it runs, not what is true: give it another --docs folder")
    asked.only = asked.only or (["digits_10"] if asked.quick else list(DATASETS))
    for name in [name for name in asked.only if not (asked.render or _at_hand(name, asked.data))]:
        print(f"{name} is left out: give the folder of {DATASETS[name].archive} as --data", file=sys.stderr)
        asked.only.remove(name)
    everything = [*search.methods(), *arm_names()]
    asked.methods = asked.methods or ([CONTROL, PATCH_SWAP] if asked.quick else everything)
    return asked


def _at_hand(name: str, data: Path | None) -> bool:
    archive = DATASETS[name].archive
    return archive is None or (data is not None and (data / archive).is_file())


if __name__ == "__main__":
    sys.exit(main())

"""`make nemesis`, or `python -m tests.nemesis`: faults against the running service, and what became of every job.

    make nemesis                      20 runs of each fault
    make nemesis N=300                the nightly number
    make nemesis FAULTS=F1,F4 N=5     some of them
    make nemesis FAULTS=F4 SEED=7 N=1 the run that was seed 7
    make nemesis FAULTS=F32 N=1 PRODUCTION=1 AWAY=1800   half an hour without the store

A run of all faults is published in docs/reliability.md; `--report` publishes all that was ever kept. Histories and
evidence lie in .nemesis; every run is a line of .nemesis/results.jsonl.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.nemesis import report, runner
from tests.nemesis.faults import FAULTS
from tests.nemesis.run import Fault
from tests.nemesis.world import World

FOLDER = Path(__file__).parents[2] / ".nemesis"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nemesis", description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20, help="runs of each fault")
    parser.add_argument("--production", type=int, default=2, help="further runs with the settings of production")
    parser.add_argument("--faults", default="", help="by commas; all where empty")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; the next one has the next")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--report", action="store_true", help="no run: docs/reliability.md from the kept results")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing that was started stays
    chosen.folder.mkdir(exist_ok=True)
    results = chosen.folder / "results.jsonl"
    if chosen.report:
        report.publish(report.read(results))
        return 0
    names = [name for name in chosen.faults.split(",") if name] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        parser.error(f"there is no fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    seeds = range(chosen.seed, chosen.seed + chosen.n)
    done = _run([FAULTS[name] for name in names], seeds, results, production=chosen.production)
    print(report.document(done))
    if not chosen.faults:
        report.publish(done)
    return 1 if any(result["violations"] or result["error"] for result in done) else 0


def _run(faults: list[Fault], seeds: range, results: Path, *, production: int) -> list[runner.Result]:
    done = []
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True).stdout
    commit = commit.strip() or "unknown"
    with tempfile.TemporaryDirectory(prefix="patchswap-nemesis-") as folder:
        world = World(Path(folder))
        try:
            world.start()
            for result in runner.run_all(world, faults, seeds, results.parent, production=production):
                runner.keep(result | {"commit": commit}, results)
                done.append(result | {"commit": commit})
                print(report.line(result), flush=True)
        finally:
            world.stop()
    return done


if __name__ == "__main__":
    sys.exit(main())

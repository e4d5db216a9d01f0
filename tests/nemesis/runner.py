"""Runs faults one after the other, each n times with n seeds, and keeps a line of JSON for every run."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.nemesis import evidence, oracle
from tests.nemesis.run import Ended, Fault, NotFired, Run
from tests.nemesis.world import PRODUCTION, World, wait_for

QUIET_SECONDS = 90.0  # a worker that died has to be started again, on a busy machine
Result = dict[str, Any]


def run_all(world: World, faults: Iterable[Fault], seeds: range, folder: Path, *, production: int) -> Iterator[Result]:
    """The results as they come; after each fault one of the whole store (I10)."""
    for fault in faults:
        yield from _run_fault(world, fault, seeds, folder)
        if fault.production and production:
            real = replace(fault, settings=PRODUCTION)
            yield from _run_fault(world, real, seeds[:production], folder, production=True)
        yield _look_at_store(world, fault)


def _run_fault(world: World, fault: Fault, seeds: range, folder: Path, *, production: bool = False) -> Iterator[Result]:
    world.enter(fault.setup)
    for first in range(0, len(seeds), fault.lanes):
        batch = seeds[first : first + fault.lanes]
        runs = [Run(fault, world, seed=seed, folder=folder, production=production) for seed in batch]
        if len(runs) == 1:
            yield _finish(runs[0], folder)
        else:
            with ThreadPoolExecutor(len(runs)) as pool:
                yield from pool.map(lambda run: _finish(run, folder), runs)


def _finish(run: Run, folder: Path) -> Result:
    begun = time.monotonic()
    result: Result = {
        "fault": run.fault.id,
        "seed": run.seed,
        "production": run.production,
        "fired": False,
        "violations": [],
        "error": None,
    }
    try:
        try:
            run.fault.inject(run)
        except Ended as ended:  # not broken: a job that failed and should not have is a violation
            result["missed"] = str(ended)
        run.wait_ends(seconds=run.fault.end_seconds)
        result |= _judge(run, folder)
    except NotFired as missed:
        result["missed"] = str(missed)
        with suppress(TimeoutError):
            run.wait_ends(seconds=run.fault.end_seconds)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run has not shown what it should
        result["error"] = "".join(traceback.format_exception_only(error)).strip()
        run.history.add("error", what=traceback.format_exc())
        run.keep_broken()
    finally:
        run.world.heal()
        run.close()
    return result | {"seconds": round(time.monotonic() - begun, 2)}


def _judge(run: Run, folder: Path) -> Result:
    _wait_quiet(run)
    run.stop_polling()
    found = evidence.gather(run)
    evidence.save(found, folder / f"{run.name}.evidence.json")
    restarts = [one for each in oracle.restarts(found).values() for one in each]
    figures: dict[str, list[float]] = {}
    for line in run.history.of("figure"):
        figures.setdefault(line["name"], []).append(round(line["value"], 3))
    return {
        "fired": bool(run.history.of("proof")),
        "violations": oracle.judge(found),
        "figures": figures,
        "lost": [one["lost"] for one in restarts],
        "refused": found["refused"],
        "jobs": len(found["jobs"]),
        "bitwise": sum(row["weights_sha256"] == found["run"]["weights"][row["job_id"]] for row in found["models"]),
        "published": len(found["models"]),
        "resumed": len({job for job, each in oracle.restarts(found).items() if each}),
    }


def _wait_quiet(run: Run) -> None:
    """Whatever is to be swept has been; the oracle looks at what still is not."""

    def quiet() -> bool:
        folders = [path for job_id in run.jobs for path in run.world.folder.glob(f"disk-*/attempts/{job_id}*")]
        return not folders and not any(evidence.trainers(job_id) for job_id in run.jobs)

    with suppress(TimeoutError):
        wait_for(quiet, seconds=QUIET_SECONDS, what="quiet")


def _look_at_store(world: World, fault: Fault) -> Result:
    """I10, over all jobs so far: no object without a row once the orphans' time is over, no row without an object."""
    orphans, dangling = evidence.orphans_of(world)
    violations = [f"I10: {key} is no row's" for key in orphans] + [f"I2: {key} is not in the store" for key in dangling]
    begun, unfinished = evidence.unfinished_uploads_of(world)
    violations += [f"I10: {unfinished} unfinished uploads outlive their time"] if unfinished else []
    left = {"uploads_begun": begun, "open_uploads": unfinished}
    return {"fault": fault.id, "seed": None, "fired": True, "violations": violations, "error": None, "store": left}


def keep(result: Result, file: Path) -> None:
    with file.open("a") as lines:
        lines.write(json.dumps(result) + "\n")

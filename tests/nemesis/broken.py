"""What a run that did not end was like when it was given up, for whoever has to find out why."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from tests.nemesis.run import Run

_SESSIONS = """SELECT usename, pid, state, wait_event_type, wait_event, xact_start, state_change, query,
    pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity WHERE datname = 'patchswap' ORDER BY xact_start"""


def keep(run: Run) -> None:
    """Rows of its jobs, sessions of the ledger, live processes of the workers, and everybody's log."""
    kept = run.history.path.with_suffix(".broken")
    kept.mkdir(exist_ok=True)
    found = {
        "now": run.world.rows("SELECT now()"),
        "jobs": run.world.rows("SELECT * FROM jobs WHERE id = ANY(%s)", list(run.jobs)),
        "attempts": run.world.rows("SELECT * FROM job_attempts WHERE job_id = ANY(%s)", list(run.jobs)),
        "sessions": run.world.rows(_SESSIONS),
        "workers": {worker.name: _processes(worker.process.pid) for worker in run.world.fleet.everyone},
    }
    (kept / "ledger.json").write_text(json.dumps(found, default=str, indent=1))
    for log in run.world.folder.glob("*.log"):
        shutil.copy(log, kept)


def _processes(pid: int) -> list[dict[str, Any]]:
    """A worker's own and its descendants'; none where it has ended."""
    try:
        first = psutil.Process(pid)
        return [each.as_dict(["pid", "ppid", "status", "cmdline"]) for each in (first, *first.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []

"""Judges a run by its evidence alone: each invariant of the matrix is a function that names what broke it.

`python -m tests.nemesis.oracle FILE...` judges kept evidence again. Nothing here asks a server.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

Evidence = dict[str, Any]
Rows = list[dict[str, Any]]

TERMINAL = {"succeeded", "failed", "cancelled"}
MOVES = {
    "queued": {"running", "cancelled", "paused"},
    "running": {"queued", "succeeded", "failed", "cancelled", "paused"},
    "paused": {"queued", "cancelled"},
    "failed": {"queued"},
    "cancelled": {"queued"},
    "succeeded": set(),
}
API, RUNNER = "api", "postgres"  # roles that are no worker's
IDEMPOTENT = {"submit", "cancel", "pause", "resume", "retry"}
LOST = {"crashed", "worker_lost", "shutdown", "lease", "object_store_unavailable"}
_CLOCK_SECONDS = 0.01  # a transaction has one time, its triggers have their own
_BEGAN = re.compile(r"continues at step (\d+)|begins on")


def acknowledged_jobs_end(e: Evidence) -> Iterator[str]:
    """I1: every job a customer was told of exists, and ends as it should."""
    jobs = {row["id"]: row for row in e["jobs"]}
    for line in _of(e, "submit"):
        if line["outcome"] == "ok" and line.get("seen") not in jobs:
            yield f"{line.get('seen')} was acknowledged and is not there"
    for job_id, statuses in e["run"]["expects"].items():
        status = jobs.get(job_id, {}).get("status")
        if status not in statuses:
            yield f"{job_id} is {status}, expected {' or '.join(statuses)}: {jobs.get(job_id, {}).get('error')}"


def one_publication(e: Evidence) -> Iterator[str]:
    """I2: at most one publication a job, exactly where it succeeded, and each object has the sha256 of its row."""
    models = _by(e["models"], "job_id")
    for job in e["jobs"]:
        count = len(models.get(job["id"], []))
        if count != (job["status"] == "succeeded"):
            yield f"{job['id']} is {job['status']} with {count} models"
        elif count and models[job["id"]][0]["id"] != job["model_id"]:
            yield f"{job['id']} names another model than its own"
    published = [r for r in e["audit"] if r["tab"] == "models"]
    for job_id, rows in _by(published, "job_id").items():
        if len(rows) > 1:
            yield f"{job_id} was published {len(rows)} times"
    named = [(row["object_key"], row["sha256"]) for row in (*e["checkpoints"], *e["exports"]) if row["object_key"]]
    named += [(row["weights_key"], row["weights_sha256"]) for row in e["models"]]
    named += [(row["report_key"], row["report_sha256"]) for row in e["models"] if row["report_key"]]
    corrupted = set(e["run"]["allowed"].get("corrupted", ()))
    for key, sha256 in named:
        if e["objects"].get(key) != sha256 and key not in corrupted:
            yield f"{key} is not the object that its row names"


def legal_life(e: Evidence) -> Iterator[str]:
    """I3: only legal moves, what is terminal stays, the fence grows by claims only, progress never goes back."""
    for job_id, rows in _by(_jobs(e), "job_id").items():
        for row in rows:
            yield from (f"{job_id}: {told}" for told in _illegal(row))
    for job_id, rows in _by(e["events"], "job_id").items():
        if [row["seq"] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"{job_id}: the events have gaps"
    for job_id, polls in _by([p for p in _of(e, "poll") if p.get("seen")], "job").items():
        for before, after in pairwise(polls):
            if before["attempt"] == after["attempt"] and after["step"] < before["step"]:
                yield f"{job_id}: a customer saw step {before['step']} and then {after['step']} of one attempt"
            if after["seq"] < before["seq"]:
                yield f"{job_id}: a customer saw the events go back"
            if before["job_status"] == "succeeded" != after["job_status"]:
                yield f"{job_id}: a customer saw it succeeded and then {after['job_status']}"


def no_stale_write(e: Evidence) -> Iterator[str]:
    """I4: every accepted write of a worker was made by the holder of the claim; stale ones were refused."""
    for txid, rows in _by(e["audit"], "txid").items():
        who = rows[0]["who"]
        if who in (API, RUNNER):
            continue
        fences = {r["job_id"]: r["new"]["fence"] for r in rows if r["tab"] == "jobs"}
        for job_id, steps in _by([r for r in rows if r["tab"] == "jobs"], "job_id").items():
            whole = steps[0] | {"new": steps[-1]["new"]}  # a transaction is one change, in however many statements
            yield from (f"{job_id}: {told}" for told in _stale(whole))
        for row in rows:
            if row["tab"] == "jobs":
                continue
            if row["job_id"] not in fences:
                yield f"{row['job_id']}: {who} wrote to {row['tab']} without the job's row (transaction {txid})"
            elif row["tab"] == "checkpoints" and row["new"]["fence"] != fences[row["job_id"]]:
                yield f"{row['job_id']}: a checkpoint of fence {row['new']['fence']} under {fences[row['job_id']]}"
    if e["run"]["must_refuse"] and e["refused"] < 1:
        yield "no stale write was refused, where a stale writer lived"


def one_job_a_key(e: Evidence) -> Iterator[str]:
    """I5: repetitions with one Idempotency-Key are one job, and are told so."""
    for row in e["keys"]:
        if row["jobs"] > 1:
            yield f"{row['jobs']} jobs of key {row['key']}"
    for key, lines in _by([one for one in _of(e, "submit") if one["outcome"] == "ok"], "key").items():
        if len({line["seen"] for line in lines}) > 1:
            yield f"key {key} was answered with several jobs"


def no_foreign_byte(e: Evidence) -> Iterator[str]:
    """I6: a stranger was told that there is nothing, and every row of a job is its tenant's."""
    for line in _of(e, "foreign"):
        if line["outcome"] == "ok":
            yield f"a stranger read {line['job']}"
    tenant = {job["id"]: job["tenant_id"] for job in e["jobs"]}
    for row in (*e["models"], *e["exports"], *e["checkpoints"]):
        if row["tenant_id"] != tenant[row["job_id"]]:
            yield f"{row['id']} of {row['job_id']} is another tenant's"


def same_weights(e: Evidence) -> Iterator[str]:
    """I7: what was published is bit by bit what an uninterrupted training gives."""
    for model in e["models"]:
        if model["weights_sha256"] != e["run"]["weights"][model["job_id"]]:
            yield f"{model['job_id']} ended with other weights"


def little_lost_work(e: Evidence) -> Iterator[str]:
    """I8: each restart is from the newest intact checkpoint, and so no more than the limit behind."""
    corrupted = set(e["run"]["allowed"].get("corrupted", ()))
    for job_id, begun in restarts(e).items():
        for restart in begun:
            newest = max((c["step"] for c in restart["checkpoints"] if c["object_key"] not in corrupted), default=0)
            if restart["step"] != newest:
                yield f"{job_id}: attempt {restart['attempt']} began at {restart['step']}, newest checkpoint {newest}"
            if restart["lost"] > e["run"]["lost_limit"]:
                yield f"{job_id}: attempt {restart['attempt']} lost {restart['lost']} steps"


def quiet_at_the_end(e: Evidence) -> Iterator[str]:
    """I9: nothing runs, holds a lease, a transaction, a folder or an attempt once all is over."""
    for job in e["jobs"]:
        if job["status"] in TERMINAL and (job["worker"] or job["lease_expires_at"]):
            yield f"{job['id']} is {job['status']} with a lease"
        if job["status"] == "running" and not job["lease_expires_at"]:
            yield f"{job['id']} runs without a lease"
    ended = {job["id"] for job in e["jobs"] if job["status"] in TERMINAL}
    for attempt in e["attempts"]:
        if attempt["job_id"] in ended and not attempt["ended_at"]:
            yield f"{attempt['job_id']}: attempt {attempt['number']} never ended"
    for name in ("processes", "leftovers"):
        for one in e[name]:
            yield f"left over: {name} {one}"
    if e["idle_in_transaction"]:
        yield f"{e['idle_in_transaction']} sessions idle in a transaction"


def unknown_was_resolved(e: Evidence) -> Iterator[str]:
    """I11: a request without an answer is unknown, and a later repetition says what became of it."""
    for line in (one for one in e["history"] if one["op"] in IDEMPOTENT and one["outcome"] == "unknown"):
        later = (
            o for o in e["history"] if o.get("key") == line["key"] and o["end"] > line["end"] and o["op"] == line["op"]
        )
        if not any(one["outcome"] != "unknown" for one in later):
            yield f"{line['op']} {line['key']} had no answer and was never resolved"


def usage_adds_up(e: Evidence) -> Iterator[str]:
    """I12: each attempt that ended has one record; its wall time is useful, lost or waiting; what followed the newest
    checkpoint of an attempt that the platform ended is lost, whichever process died."""
    ended = {(row["job_id"], row["number"]) for row in e["attempts"] if row["ended_at"]}
    recorded = {(row["job_id"], row["attempt"]) for row in e["usage"]}
    yield from (f"{job}: attempt {number} ended without a record" for job, number in sorted(ended - recorded))
    yield from (f"{job}: a record of attempt {number}, which goes on" for job, number in sorted(recorded - ended))
    for row in e["usage"]:
        name, wall = f"{row['job_id']}: attempt {row['attempt']}", row["over"] - row["began"]
        parts = [row[f"{part}_seconds"] for part in ("useful", "lost", "waiting")]
        if min(parts) < 0 or abs(sum(parts) - wall) > _CLOCK_SECONDS:
            yield f"{name} took {wall:.3f} s, which are not {parts}"
        if row["lost_seconds"] and row["outcome"] not in LOST:
            yield f"{name} is {row['outcome']} and lost {row['lost_seconds']:.3f} s"
        moments = [float(c["at"]) for c in _checkpoints(e, row["job_id"])]  # Postgres gives decimals
        stored = [moment for moment in moments if row["began"] <= moment <= row["over"]]
        after = row["over"] - max(stored, default=row["began"])
        if row["outcome"] in LOST and row["lost_seconds"] < after - _CLOCK_SECONDS:
            yield f"{name} lost {row['lost_seconds']:.3f} s, and {after:.3f} s followed its newest checkpoint"


def what_the_fault_asks(e: Evidence) -> Iterator[str]:
    """What this fault alone demands, noted by its own hands."""
    for line in _of(e, "violation"):
        yield line["what"]


INVARIANTS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "I1": acknowledged_jobs_end,
    "I2": one_publication,
    "I3": legal_life,
    "I4": no_stale_write,
    "I5": one_job_a_key,
    "I6": no_foreign_byte,
    "I7": same_weights,
    "I8": little_lost_work,
    "I9": quiet_at_the_end,
    "I11": unknown_was_resolved,
    "I12": usage_adds_up,
    "F": what_the_fault_asks,
}


def judge(evidence: Evidence) -> list[str]:
    """Every violation, as `I4: what happened`. I10 is asked of the whole store, after a fault: see `runner`."""
    return [f"{name}: {told}" for name, look in INVARIANTS.items() for told in look(evidence)]


def restarts(e: Evidence) -> dict[str, list[dict[str, Any]]]:
    """By job, each later beginning of a training: where it began, which checkpoints there were, what was lost."""
    found = {job_id: list(_restarts(rows)) for job_id, rows in _by(e["audit"], "job_id").items()}
    return {job_id: each for job_id, each in found.items() if each}


def _checkpoints(e: Evidence, job_id: str) -> Rows:
    return [row for row in e["audit"] if row["tab"] == "checkpoints" and row["job_id"] == job_id]


def _restarts(rows: Rows) -> Iterator[dict[str, Any]]:
    """Of one job. What it had reached is what the ledger knew: the trainer may have been up to a second ahead."""
    checkpoints: Rows = []
    reached = claims = 0
    known, before = checkpoints, reached  # as they were at the newest claim
    for row in rows:
        new = row["new"]
        if row["tab"] == "checkpoints":
            checkpoints = [*checkpoints, new]
            reached = max(reached, new["step"])
        elif row["tab"] == "jobs" and _is_claim(row):
            claims, known, before = claims + 1, checkpoints, reached
        elif row["tab"] == "jobs" and _is_forgotten(row):
            checkpoints, reached = [], 0
        elif row["tab"] == "jobs" and new["status"] == "running":
            reached = max(reached, new["step"] or 0)
        elif (step := _began(row)) is not None and claims > 1:
            yield {"attempt": claims, "step": step, "lost": max(0, before - step), "checkpoints": known}


def _illegal(row: dict[str, Any]) -> Iterator[str]:
    old, new = row["old"], row["new"]
    if old is None:
        return
    if new["status"] != old["status"] and new["status"] not in MOVES[old["status"]]:
        yield f"{old['status']} became {new['status']}"
    if new["fence"] != old["fence"] + _is_claim(row):
        yield f"the fence went from {old['fence']} to {new['fence']}"
    if (new["step"] or 0) < (old["step"] or 0) and not _is_forgotten(row):
        yield f"progress went from {old['step']} to {new['step']}"


def _stale(row: dict[str, Any]) -> Iterator[str]:
    """What a worker may do to a job's row: claim it, ring for it, write to its own, and sweep an expired one."""
    old, new, who = row["old"], row["new"], row["who"]
    if old is None or (old["status"] == new["status"] == "queued" and old["fence"] == new["fence"]):
        return
    if old["status"] != "running":
        if not (_is_claim(row) and new["worker"] == who):
            yield f"{who} changed it while it was {old['status']}"
        return
    swept = new["worker"] is None and new["status"] != "succeeded" and (old["lease"] or 0) < float(row["at"]) + 0.001
    if old["worker"] != who and not swept:
        yield f"{who} wrote to the claim of {old['worker']} (fence {old['fence']})"


def _is_claim(row: dict[str, Any]) -> bool:
    return bool(row["old"]) and row["old"]["status"] == "queued" and row["new"]["status"] == "running"


def _is_forgotten(row: dict[str, Any]) -> bool:
    """`retry` begins anew."""
    old, new = row["old"], row["new"]
    return bool(old) and old["status"] in TERMINAL and new["status"] in (*TERMINAL, "queued") and new["step"] == 0


def _began(row: dict[str, Any]) -> int | None:
    data = row["new"].get("data") or {}
    if row["tab"] != "job_events" or data.get("code") != "training_started":
        return None
    told = _BEGAN.search(data["message"])
    return int(told.group(1) or 0) if told else None


def _jobs(e: Evidence) -> Rows:
    return [row for row in e["audit"] if row["tab"] == "jobs"]


def _of(e: Evidence, op: str) -> Rows:
    return [line for line in e["history"] if line["op"] == op]


def _by(rows: Rows, key: str) -> dict[Any, Rows]:
    return {name: list(group) for name, group in groupby(sorted(rows, key=lambda r: str(r[key])), lambda r: r[key])}


def main() -> int:
    found = {path: judge(json.loads(Path(path).read_text())) for path in sys.argv[1:]}
    for path, violations in found.items():
        print(path, "no violation" if not violations else "\n  ".join(["", *violations]))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

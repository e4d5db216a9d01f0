"""The oracle screams at each kind of forged evidence, and is silent at an honest one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.nemesis import oracle

JOB, WEIGHTS = "job_1", "a" * 64
Evidence = dict[str, Any]


def state(status: str, fence: int, worker: str | None, step: int = 0, **more: Any) -> dict[str, Any]:
    lease = 1000.0 if worker else None
    return {"status": status, "fence": fence, "worker": worker, "step": step, "phase": None, "lease": lease} | more


def changed(
    n: int, who: str, old: dict[str, Any] | None, new: dict[str, Any], *, at: float | None = None
) -> dict[str, Any]:
    return {"n": n, "at": at or float(n), "txid": n, "who": who, "tab": "jobs", "job_id": JOB, "old": old, "new": new}


def child(n: int, who: str, tab: str, **new: Any) -> dict[str, Any]:
    return {"n": n, "at": float(n), "txid": n, "who": who, "tab": tab, "job_id": JOB, "old": None, "new": new}


def began(n: int, who: str, message: str) -> dict[str, Any]:
    return child(n, who, "job_events", type="notice", data={"code": "training_started", "message": message})


def polled(status: str, step: int, attempt: int, seq: int) -> dict[str, Any]:
    seen = {"job_status": status, "step": step, "attempt": attempt, "seq": seq, "seen": JOB}
    return {"op": "poll", "outcome": "ok", "job": JOB, "start": 0, "end": 0, **seen}


def used(attempt: int, began: float, over: float, outcome: str, *parts: float) -> dict[str, Any]:
    named = zip(("useful_seconds", "lost_seconds", "waiting_seconds"), parts, strict=True)
    return {"job_id": JOB, "attempt": attempt, "began": began, "over": over, "outcome": outcome, **dict(named)}


@pytest.fixture
def honest() -> Evidence:
    """A job whose first worker died at step 30, after a checkpoint at 20, and whose second one published."""
    queued, mine, lost = state("queued", 0, None), state("running", 1, "w1", 30), state("queued", 1, None, 30)
    yours, done = state("running", 2, "w2", 30), state("succeeded", 2, None, 100)
    key = "jobs/job_1/1/checkpoints/main/step-000020.ckpt"
    return {
        "run": {
            "interval": 20,
            "lost_limit": 20,
            "must_refuse": True,
            "expects": {JOB: ["succeeded"]},
            "weights": {JOB: WEIGHTS},
            "allowed": {},
        },
        "jobs": [
            {"id": JOB, "tenant_id": "t", "status": "succeeded", "model_id": "model_1", "error": None}
            | {"worker": None, "lease_expires_at": None}
        ],
        "attempts": [{"job_id": JOB, "number": 1, "ended_at": "x"}, {"job_id": JOB, "number": 2, "ended_at": "x"}],
        "usage": [used(1, 2, 1001, "worker_lost", 1.0, 998.0, 0.0), used(2, 6, 8, "succeeded", 1.5, 0.0, 0.5)],
        "events": [{"job_id": JOB, "seq": seq} for seq in (1, 2, 3)],
        "checkpoints": [{"id": "c", "job_id": JOB, "tenant_id": "t", "object_key": key, "sha256": "c"}],
        "models": [
            {"id": "model_1", "job_id": JOB, "tenant_id": "t", "weights_key": "w", "weights_sha256": WEIGHTS}
            | {"report_key": "r", "report_sha256": "r"}
        ],
        "exports": [{"id": "exp_1", "job_id": JOB, "tenant_id": "t", "object_key": "e", "sha256": "e"}],
        "objects": {key: "c", "w": WEIGHTS, "r": "r", "e": "e"},
        "keys": [{"key": "k", "tenant_id": "t", "jobs": 1}],
        "audit": [
            changed(1, "api", None, queued),
            changed(2, "w1", queued, state("running", 1, "w1")),
            began(2, "w1", "Training of the main arm begins on cpu: 100 steps."),
            changed(3, "w1", state("running", 1, "w1"), state("running", 1, "w1", 25)),
            child(3, "w1", "checkpoints", step=20, fence=1, object_key=key),
            changed(4, "w1", state("running", 1, "w1", 25), mine),
            changed(5, "w3", mine, lost, at=1001.0),
            changed(6, "w2", lost, yours),
            changed(7, "w2", yours, yours),
            began(7, "w2", "Training of the main arm continues at step 20 on cpu: 100 steps."),
            changed(8, "w2", yours, done),
            child(8, "w2", "models", id="model_1"),
        ],
        "refused": 1,
        "processes": [],
        "leftovers": [],
        "idle_in_transaction": 0,
        "history": [
            {"op": "submit", "key": "k", "start": 0, "end": 1, "outcome": "unknown"},
            {"op": "submit", "key": "k", "start": 2, "end": 3, "outcome": "ok", "status": 202, "seen": JOB},
            polled("running", 30, 1, 2),
            polled("running", 30, 2, 3),
            polled("succeeded", 100, 2, 3),
            {"op": "foreign", "outcome": "refused", "status": 404, "job": JOB, "start": 0, "end": 0},
        ],
    }


def audit(e: Evidence, n: int, tab: str = "jobs") -> dict[str, Any]:
    return next(row for row in e["audit"] if row["n"] == n and row["tab"] == tab)


def lose_job(e: Evidence) -> None:
    e["jobs"] = []
    e["models"] = e["exports"] = e["checkpoints"] = []


def forge_step(e: Evidence) -> None:
    audit(e, 7)["new"] = state("running", 2, "w2", 10)


FORGED: dict[str, tuple[str, Callable[[Evidence], Any]]] = {
    "an acknowledged job is gone": ("I1", lose_job),
    "a job never ends": ("I1", lambda e: e["jobs"][0].update(status="queued")),
    "a job fails that should not": ("I1", lambda e: e["jobs"][0].update(status="failed")),
    "a model without success": ("I2", lambda e: e["jobs"][0].update(status="cancelled")),
    "two models": ("I2", lambda e: e["models"].append(copy.deepcopy(e["models"][0]))),
    "published twice": ("I2", lambda e: e["audit"].append(child(9, "w2", "models", id="model_2"))),
    "the job names another model": ("I2", lambda e: e["jobs"][0].update(model_id="model_2")),
    "an object is missing": ("I2", lambda e: e["objects"].update(e=None)),
    "an object was altered": ("I2", lambda e: e["objects"].update(w="b" * 64)),
    "a terminal job runs again": (
        "I3",
        lambda e: e["audit"].append(changed(9, "w2", state("succeeded", 2, None), state("running", 3, "w2"))),
    ),
    "the fence falls back": ("I3", lambda e: audit(e, 6)["new"].update(fence=1)),
    "the fence grows without a claim": ("I3", lambda e: audit(e, 7)["new"].update(fence=3)),
    "progress goes back": ("I3", forge_step),
    "an event is missing": ("I3", lambda e: e["events"].pop(1)),
    "a customer sees steps go back": ("I3", lambda e: e["history"].insert(4, polled("running", 29, 2, 3))),
    "a customer sees success undone": ("I3", lambda e: e["history"].append(polled("running", 100, 2, 4))),
    "a stale worker writes": ("I4", lambda e: audit(e, 7).update(who="w1")),
    "a stale worker publishes": ("I4", lambda e: audit(e, 8).update(who="w1")),
    "a live lease is swept": ("I4", lambda e: audit(e, 5).update(at=999.0)),
    "a worker claims in another's name": ("I4", lambda e: audit(e, 6).update(who="w1")),
    "a worker queues a job that waits for nobody": (
        "I4",
        lambda e: e["audit"].append(changed(9, "w1", state("paused", 2, None), state("queued", 2, None))),
    ),
    "a checkpoint of another fence": ("I4", lambda e: audit(e, 3, "checkpoints")["new"].update(fence=2)),
    "a row without the job's": ("I4", lambda e: e["audit"].append(child(9, "w1", "checkpoints", step=40, fence=2))),
    "nothing was refused": ("I4", lambda e: e.update(refused=0)),
    "two jobs of a key": ("I5", lambda e: e["keys"][0].update(jobs=2)),
    "two answers to a key": ("I5", lambda e: e["history"].append(e["history"][1] | {"seen": "job_2"})),
    "a stranger reads": ("I6", lambda e: e["history"][-1].update(outcome="ok")),
    "a row of another tenant": ("I6", lambda e: e["exports"][0].update(tenant_id="other")),
    "other weights": ("I7", lambda e: e["run"]["weights"].update({JOB: "b" * 64})),
    "a restart from the beginning": (
        "I8",
        lambda e: audit(e, 7, "job_events")["new"]["data"].update(message="begins on"),
    ),
    "too much is lost": ("I8", lambda e: e["run"].update(lost_limit=9)),
    "a lease outlives its job": ("I9", lambda e: e["jobs"][0].update(worker="w2")),
    "an attempt never ends": ("I9", lambda e: e["attempts"][1].update(ended_at=None)),
    "a stray trainer": ("I9", lambda e: e["processes"].append(4711)),
    "a folder is left": ("I9", lambda e: e["leftovers"].append("/x/job_1-1")),
    "a session idles in a transaction": ("I9", lambda e: e.update(idle_in_transaction=1)),
    "a timeout is taken for an answer": ("I11", lambda e: e["history"].pop(1)),
    "an attempt is not recorded": ("I12", lambda e: e["usage"].pop()),
    "a record of an attempt that goes on": ("I12", lambda e: e["usage"].append(used(3, 8, 9, "crashed", 0, 1, 0))),
    "a second is counted twice": ("I12", lambda e: e["usage"][1].update(useful_seconds=2.5)),
    "a customer's own end is called a loss": ("I12", lambda e: e["usage"].append(used(2, 6, 8, "cancelled", 0, 2, 0))),
    "work that is done again is called useful": (
        "I12",
        lambda e: e["usage"][0].update(useful_seconds=10.0, lost_seconds=989.0),
    ),
    "the fault's own demand fails": (
        "F",
        lambda e: e["history"].append({"op": "violation", "what": "late", "start": 0, "end": 0}),
    ),
}


def test_honest_evidence_has_no_violation(honest: Evidence):
    assert oracle.judge(honest) == []
    assert [restart["lost"] for restart in oracle.restarts(honest)[JOB]] == [10]


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_evidence_is_called_by_its_invariant(honest: Evidence, forgery: str):
    invariant, forge = FORGED[forgery]
    forge(honest)
    assert {told.split(":")[0] for told in oracle.judge(honest)} >= {invariant}


def test_every_invariant_has_a_forgery():
    assert {invariant for invariant, _ in FORGED.values()} == set(oracle.INVARIANTS)


def test_two_statements_of_one_transaction_are_one_change(honest: Evidence):
    released, done = state("running", 2, None, 30), audit(honest, 8)
    second = changed(8, "w2", released, done["new"])
    done["new"] = released
    honest["audit"].append(second)
    assert oracle.judge(honest) == []

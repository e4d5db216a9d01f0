"""What becomes of a run whose fault is interrupted: judged, missed, or broken."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.nemesis import runner
from tests.nemesis.run import Ended, NotFired, Run

JUDGED = {"fired": False, "violations": ["I1: job_1 ended as failed"]}


def finish(trouble: Exception, monkeypatch, tmp_path: Path) -> runner.Result:
    def inject(_: object) -> None:
        raise trouble

    monkeypatch.setattr(runner, "_judge", lambda *_: JUDGED)
    said: list[str] = []
    run = SimpleNamespace(
        fault=SimpleNamespace(id="F1", inject=inject, end_seconds=1),
        seed=1,
        production=False,
        wait_ends=lambda **_: None,
        world=SimpleNamespace(heal=lambda: None),
        history=SimpleNamespace(add=lambda op, **_: said.append(op)),
        keep_broken=lambda: said.append("kept"),
        close=lambda: None,
    )
    return runner._finish(run, tmp_path) | {"said": said}  # type: ignore[arg-type]


def test_job_that_ended_otherwise_is_for_the_oracle_to_judge(monkeypatch, tmp_path: Path):
    result = finish(Ended("job_1 was failed"), monkeypatch, tmp_path)
    assert (result["violations"], result["missed"]) == (JUDGED["violations"], "job_1 was failed")
    assert (result["error"], result["said"]) == (None, [])


def test_moment_that_was_missed_says_nothing_of_the_service(monkeypatch, tmp_path: Path):
    result = finish(NotFired("too late"), monkeypatch, tmp_path)
    assert (result["violations"], result["missed"], result["error"]) == ([], "too late", None)


@pytest.mark.parametrize("trouble", [TimeoutError("not within 1 s"), ValueError("x")])
def test_broken_run_keeps_how_things_stood(trouble: Exception, monkeypatch, tmp_path: Path):
    result = finish(trouble, monkeypatch, tmp_path)
    assert (result["fired"], result["error"]) == (False, f"{type(trouble).__name__}: {trouble}")
    assert result["said"] == ["error", "kept"]


def test_job_that_ended_in_its_first_attempt_had_nothing_to_recover():
    """It was read as "not within 75 s" once."""
    run = SimpleNamespace(
        world=SimpleNamespace(rows=lambda *_: [{"at": None}]),
        job=lambda _: {"status": "succeeded", "fence": 1},
    )
    run._ended_under = lambda *which: Run._ended_under(run, *which)
    with pytest.raises(NotFired):
        Run.recovered(run, "job_1", 0.0, fence=1, seconds=5)

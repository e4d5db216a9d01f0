"""Long calls: they are heard of while they run, and they end by a name."""

from __future__ import annotations

import time
from collections.abc import Generator
from threading import Event
from typing import Any

import pytest

from contract.child.messages import Working
from trainer.errors import TrainerError, ended
from trainer.export import waiting


def drain(generator: Generator[Working, None, Any]) -> tuple[list[Working], Any]:
    messages = []
    while True:
        try:
            messages.append(next(generator))
        except StopIteration as stop:
            return messages, stop.value


def test_a_long_call_is_heard_of_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SAY_EVERY_SECONDS", 0.05)
    taken = iter(range(100))
    messages, value = drain(
        waiting.working_while("count", lambda: time.sleep(0.5) or "result", steps=lambda: (next(taken), 100))
    )
    assert value == "result"
    assert len(messages) >= 4
    assert [message.done for message in messages] == list(range(len(messages)))


def test_a_call_that_hangs_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SAY_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(waiting, "LIMIT_SECONDS", 1)
    released = Event()
    with pytest.raises(TrainerError, match="longer than"):
        drain(waiting.working_while("hang", released.wait))
    released.set()


def test_a_fault_of_a_library_is_named_export_failed_and_keeps_its_words() -> None:
    def broken() -> None:
        raise RuntimeError("unsupported operator aten::foo")

    with pytest.raises(TrainerError) as raised:
        drain(waiting.working_while("convert to ONNX", broken))
    error = raised.value.error
    assert (error.code, error.category) == ("export_failed", "platform")
    assert "convert to ONNX" in error.message
    assert "unsupported operator aten::foo" in error.message


@pytest.mark.parametrize(
    "fault", [ended("evaluation_missing", "x"), OSError(28, "No space left on device"), MemoryError()]
)
def test_faults_that_have_a_name_of_their_own_keep_it(fault: Exception) -> None:
    def broken() -> None:
        raise fault

    with pytest.raises(type(fault)) as raised:
        drain(waiting.working_while("convert to ONNX", broken))
    assert raised.value is fault


def test_a_timeout_inside_the_call_is_not_taken_for_waiting() -> None:
    def broken() -> None:
        raise TimeoutError("inner")

    with pytest.raises(TrainerError, match="inner"):
        drain(waiting.working_while("measure", broken))

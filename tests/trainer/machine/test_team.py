"""Two processes train what one does: the same losses, one stop for both, one checkpoint to resume from."""

import signal
from pathlib import Path
from typing import Any

import pytest

from contract.child.messages import decode
from tests.data import packs
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import finish, run_here, start, steps_saved, write_spec
from trainer.data.pack import Pack, open_pack


def a_body(**training: Any) -> dict[str, Any]:
    """Of a low learning rate: where a ReLU stands at zero, rounding decides its gradient.

    One such unit moves the gradient of the whole by a thousandth, in one process of another memory format as well. At
    this rate the loss moves by 2e-3 in six steps, so 1e-5 still sees a gradient that is wrong by a hundredth.
    """
    asked = body()["training"] | training
    return body(training=asked, seed=4, optimizer={"learning_rate": 2e-5, "schedule": "constant"})


def losses(said: list) -> list[float]:
    return [message.values["train.loss"] for message in said if message.type == "metrics"]


def test_two_processes_have_the_losses_of_one(digits: Pack, digits_folder: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, a_body(devices=2))
    status, said, errors = finish(start(["train", spec, "--pack", digits_folder, "--out", tmp_path / "two"]))
    assert status == 0, errors
    assert [message.type for message in said if message.type in ("started", "done")] == ["started", "done"]
    expected = run_here(spec_for(digits, **a_body()), digits, tmp_path / "one")
    assert losses(said) == pytest.approx(losses(expected), abs=1e-5)


@pytest.mark.slow
def test_sigterm_stops_a_team_with_status_4_and_it_resumes_within_the_epoch(tmp_path: Path) -> None:
    packs.digits(tmp_path / "pack", train=48, val=0, test=20)  # in a validation it would stop at an epoch's edge
    spec = write_spec(tmp_path, a_body(devices=2, epochs=16))
    command = ["train", spec, "--pack", tmp_path / "pack", "--out", tmp_path / "two"]
    process = start(command)
    assert process.stdout is not None
    while (message := decode(process.stdout.readline())).type != "metrics":
        pass
    process.send_signal(signal.SIGTERM)
    status, said, errors = finish(process)
    assert status == 4, errors
    step = said[-1].step
    assert said[-1].type == "stopped"
    assert steps_saved(tmp_path / "two" / "main" / "checkpoints")[0] == step
    assert step % 3  # stops are agreed on every eighth step, and an epoch has three

    status, resumed, errors = finish(start(command))
    assert status == 0, errors
    assert next(message for message in resumed if message.type == "started").step == step
    pack = open_pack(tmp_path / "pack")
    expected = losses(run_here(spec_for(pack, **a_body(epochs=16)), pack, tmp_path / "one"))
    assert [*losses([message, *said]), *losses(resumed)] == pytest.approx(expected, abs=1e-3)

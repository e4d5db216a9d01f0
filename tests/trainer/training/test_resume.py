"""A run that was interrupted ends with the weights of one that was not, bit for bit."""

import hashlib
import signal
import time
from pathlib import Path

import pytest

from contract.child.messages import decode
from tests.data import packs
from tests.trainer.conftest import body, spec_for
from tests.trainer.runs import finish, run_here, run_main, start, steps_saved, write_spec
from trainer.data.pack import Pack, open_pack
from trainer.training import loop


def weights_digest(out: Path, arm: str = "main") -> str:
    return hashlib.sha256((out / arm / "model.safetensors").read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def uninterrupted(digits: Pack, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, float]]]:
    out = tmp_path_factory.mktemp("uninterrupted")
    said = run_here(spec_for(digits), digits, out)
    return weights_digest(out), comparable(said)


def comparable(said: list) -> list[dict[str, float]]:
    """The metrics that do not depend on the speed."""
    return [
        {name: value for name, value in message.values.items() if name != "images_per_second"}
        for message in said
        if message.type == "metrics"
    ]


# 3 steps an epoch, 2 epochs: 3 is an epoch's edge, 6 is trained but not published.
@pytest.mark.parametrize(
    ("step", "moment"),
    [
        (3, "step"),
        (6, "step"),
        (2, "write"),
        *(pytest.param(*at, marks=pytest.mark.slow) for at in ((1, "step"), (4, "step"), (5, "rename"))),
    ],
)
def test_killed_run_resumes_to_the_same_weights(
    digits: Pack, digits_folder: Path, uninterrupted: tuple, tmp_path: Path, step: int, moment: str
) -> None:
    spec = write_spec(tmp_path, body())
    train = [step, moment, "train", spec, "--pack", digits_folder, "--out", tmp_path / "out"]
    status, _, errors = finish(start(train, module="tests.trainer.killed"))
    assert status == -signal.SIGKILL, errors

    said = run_here(spec_for(digits), digits, tmp_path / "out")

    started = next(message for message in said if message.type == "started")
    assert started.step == (step if moment == "step" else step - 1)
    digest, metrics = uninterrupted
    assert weights_digest(tmp_path / "out") == digest
    resumed = comparable(said)
    assert resumed == metrics[len(metrics) - len(resumed) :]


@pytest.mark.parametrize("architecture", ["mobilenet_v3_small", "efficientnet_b0"])
def test_dropout_and_stochastic_depth_resume_to_the_same_weights(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    spec = spec_for(digits, model={"architecture": architecture}, optimizer={"name": "adamw", "learning_rate": 0.01})
    run_here(spec, digits, tmp_path / "whole")
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    stopped = run_here(spec, digits, tmp_path / "parts", stop_at=2)
    assert stopped[-1].type == "stopped"
    run_here(spec, digits, tmp_path / "parts")
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")


def test_decoded_images_resume_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packs.shapes(tmp_path / "pack", counts=(48, 8, 8), encoded=True)
    pack = open_pack(tmp_path / "pack")
    spec = spec_for(pack, training={"epochs": 2, "pairs_per_batch": 16, "image_size": 32})
    run_here(spec, pack, tmp_path / "whole")
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    assert run_here(spec, pack, tmp_path / "parts", stop_at=4)[-1].type == "stopped"
    run_here(spec, pack, tmp_path / "parts")
    assert weights_digest(tmp_path / "parts") == weights_digest(tmp_path / "whole")


def test_checkpoint_cadence_does_not_change_the_weights(
    digits: Pack, uninterrupted: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    run_here(spec_for(digits), digits, tmp_path)
    assert weights_digest(tmp_path) == uninterrupted[0]


def test_another_seed_gives_other_weights(digits: Pack, uninterrupted: tuple, tmp_path: Path) -> None:
    run_here(spec_for(digits, seed=1), digits, tmp_path)
    assert weights_digest(tmp_path) != uninterrupted[0]


def test_corrupt_newest_checkpoint_falls_back_to_the_one_before(
    digits: Pack, uninterrupted: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    run_here(spec_for(digits), digits, tmp_path, stop_at=5)
    newest = tmp_path / "main" / "checkpoints" / "step-000005.ckpt"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)

    said = run_here(spec_for(digits), digits, tmp_path)

    assert [message.code for message in said if message.type == "notice"] == ["checkpoint_corrupt"]
    assert next(message for message in said if message.type == "started").step == 4
    assert weights_digest(tmp_path) == uninterrupted[0]


def test_checkpoint_of_another_spec_is_refused(digits: Pack, digits_folder: Path, tmp_path: Path) -> None:
    run_here(spec_for(digits), digits, tmp_path)
    spec = write_spec(tmp_path, body(seed=5))
    status, said = run_main(["train", spec, "--pack", digits_folder, "--out", tmp_path], tmp_path)
    assert status == 3
    assert said[-1].error.code == "checkpoint_mismatch"


def test_sigterm_saves_and_ends_with_status_4(digits_folder: Path, tmp_path: Path) -> None:
    training_part = body()["training"] | {"epochs": 10_000}
    spec = write_spec(tmp_path, body(training=training_part))
    process = start(["train", spec, "--pack", digits_folder, "--out", tmp_path])
    assert process.stdout is not None
    while decode(process.stdout.readline()).type != "progress":
        time.sleep(0)
    process.send_signal(signal.SIGTERM)

    status, said, _ = finish(process)

    assert status == 4
    assert said[-1].type == "stopped"
    assert steps_saved(tmp_path / "main" / "checkpoints")[0] == said[-1].step


def test_stop_during_validation_resumes_to_the_same_weights_and_metrics(
    digits: Pack, uninterrupted: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_first(run, clock, stop):
        stop.request()
        yield from close_epoch(run, clock, stop)

    close_epoch = loop.close_epoch
    with monkeypatch.context() as patch:
        patch.setattr(loop, "close_epoch", stop_first)
        stopped = run_here(spec_for(digits), digits, tmp_path)
    assert stopped[-1].type == "stopped"
    assert comparable(stopped) == []
    resumed = run_here(spec_for(digits), digits, tmp_path)
    assert comparable(resumed) == uninterrupted[1]
    assert weights_digest(tmp_path) == uninterrupted[0]


def test_best_and_last_two_checkpoints_are_kept(digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.Clock, "checkpoint_due", lambda *_: True)
    spec = spec_for(digits, training=body()["training"] | {"epochs": 8})
    said = run_here(spec, digits, tmp_path)
    best = [message.step for message in said if message.type == "checkpoint" and message.best][-1]
    assert set(steps_saved(tmp_path / "main" / "checkpoints")) == {24, 23, best}

"""Speed and length of an epoch, as progress tells them."""

from types import SimpleNamespace

import pytest
import torch

from trainer.training import pacing

IMAGES_PER_STEP, STEPS_PER_EPOCH = 4, 10


class Ticking:
    """A run of steps of a second, and the clock that watches it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 100.0
        monkeypatch.setattr(pacing, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(pacing.running, "check_finite", lambda _run: None)
        plan = SimpleNamespace(images_per_step=IMAGES_PER_STEP, steps_per_epoch=STEPS_PER_EPOCH)
        self.position = SimpleNamespace(step=0)
        run = SimpleNamespace(
            plan=plan, position=self.position, arm="main", steps_done=0, epoch=0, last_loss=torch.tensor(1.0)
        )
        self.clock = pacing.Clock(run)

    def train(self, steps: int) -> None:
        self.position.step += steps
        self.seconds += steps

    def close_epoch(self, *, validation: float) -> None:
        self.seconds += validation
        self.clock.epoch_closed()


def test_validation_makes_epochs_longer_and_images_no_slower(monkeypatch: pytest.MonkeyPatch):
    ticking = Ticking(monkeypatch)
    ticking.train(STEPS_PER_EPOCH)
    assert ticking.clock.progress().seconds_per_epoch == STEPS_PER_EPOCH
    ticking.close_epoch(validation=30)
    ticking.train(STEPS_PER_EPOCH)
    told = ticking.clock.progress()
    assert told.images_per_second == IMAGES_PER_STEP
    assert told.seconds_per_epoch == (30 + 2 * STEPS_PER_EPOCH) / 2


def test_the_last_step_of_an_epoch_is_told_with_the_epochs_speed(monkeypatch: pytest.MonkeyPatch):
    ticking = Ticking(monkeypatch)
    ticking.train(STEPS_PER_EPOCH)
    ticking.clock.epoch_rate()
    ticking.close_epoch(validation=30)  # epochs may be shorter than the time between two tellings
    assert ticking.clock.progress_due()
    assert ticking.clock.progress().images_per_second == IMAGES_PER_STEP


def test_length_of_an_epoch_follows_the_last_two(monkeypatch: pytest.MonkeyPatch):
    ticking = Ticking(monkeypatch)
    for validation in (900, 5, 5):
        ticking.train(STEPS_PER_EPOCH)
        ticking.close_epoch(validation=validation)
    ticking.train(STEPS_PER_EPOCH)
    assert ticking.clock.progress().seconds_per_epoch == (5 + 2 * STEPS_PER_EPOCH) / 2


def test_an_epoch_of_no_steps_has_no_speed(monkeypatch: pytest.MonkeyPatch):
    assert Ticking(monkeypatch).clock.epoch_rate() == 0

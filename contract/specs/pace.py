"""How fast trainings run: what earlier jobs took on the worker's device, else what their multiply-adds suggest."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from contract.costs import MACS, is_depthwise, macs_of

# Multiply-adds a second of a training step, forward and backward, as seen on two cores of a busy x86 machine (ResNet-18
# at 49, ResNet-20 at 467 images/s of 32 px; EfficientNet-Lite0 at 22 images/s of 128 px on one core), and a guess for a
# GPU. Depthwise convolutions move more bytes for each multiply-add.
_TRAINING_MACS = {"cpu": {"dense": 60e9, "depthwise": 16e9}, "gpu": {"dense": 6e12, "depthwise": 2e12}}
_STEP_SHARE = 3  # a step costs three forward passes
_MEASURED_SPREAD, _SCALED_SPREAD, _GUESSED_SPREAD = 1.3, 1.6, 3.0


Basis = Literal["measured", "scaled", "multiply_adds"]


@dataclass(frozen=True)
class Measured:
    """What one earlier job took."""

    architecture: str
    height: int
    width: int
    images_per_second: float  # of training, validation included
    other_seconds: float  # of the whole attempt without training: start, evaluation, exports
    memory_bytes: int | None


@dataclass(frozen=True)
class Rate:
    """Training images a second, and how it is known."""

    images_per_second: float
    spread: float  # the truth is expected within this factor
    basis: Basis
    how: str
    jobs: tuple[Measured, ...] = ()  # of the network, that it comes from


@dataclass(frozen=True)
class Pace:
    """What is known of a deployment's training worker. Without anything known, a CPU of two cores is assumed."""

    device: str | None = None  # as a worker said it
    measured: tuple[Measured, ...] = ()  # on that device, newest first

    @property
    def is_gpu(self) -> bool:
        return self.device is not None and not self.device.startswith("cpu")

    @property
    def called(self) -> str:
        return self.device or "a CPU of two cores (assumed: no job has told this deployment's device yet)"

    def rate(self, architecture: str, *, height: int, width: int, stem: str) -> Rate:
        known = tuple(one for one in self.measured if one.architecture == architecture)
        same = tuple(one for one in known if (one.height, one.width) == (height, width))
        if same:
            how = f"{_jobs(same)} of {architecture} at {height} x {width} px on {self.called}"
            return Rate(fmean(one.images_per_second for one in same), _MEASURED_SPREAD, "measured", how, same)
        if known:
            pixels = height * width
            speeds = (one.images_per_second * one.height * one.width / pixels for one in known)
            how = f"{_jobs(known)} of {architecture} at other sizes on {self.called}, scaled by the pixels"
            return Rate(fmean(speeds), _SCALED_SPREAD, "scaled", how, known)
        kind = "depthwise" if is_depthwise(architecture) else "dense"
        speed = _TRAINING_MACS["gpu" if self.is_gpu else "cpu"][kind]
        macs = macs_of(architecture, height=height, width=width, stem=stem)
        known_as = "" if architecture in MACS else "assumed to have "
        how = (
            f"no earlier job of {architecture} on {self.called}; by {known_as}{macs / 1e6:,.0f} million multiply-adds "
            f"an image, right within a factor of {_GUESSED_SPREAD:g}"
        )
        return Rate(speed / (_STEP_SHARE * macs), _GUESSED_SPREAD, "multiply_adds", how)


def _jobs(found: Sequence[Measured]) -> str:
    return "1 earlier job" if len(found) == 1 else f"{len(found)} earlier jobs"

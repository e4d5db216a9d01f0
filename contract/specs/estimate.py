"""How long a training takes and how much memory it wants, with what the figures are based on."""

from typing import Literal, NamedTuple, TypedDict

from pydantic import BaseModel, Field

from contract.costs import is_depthwise, macs_of
from contract.pack.manifest import PackManifest
from contract.specs.pace import Basis, Pace, Rate
from contract.specs.plan import plan
from contract.specs.resolution import ResolvedSpec

START_SECONDS = 15.0  # of each process of the trainer: torch is imported, the pack is opened
EXPORT_SECONDS = {"fp32": 30.0, "fp16": 35.0, "int8": 60.0}  # convert, quantize, time; measured on two busy cores
OTHER_SPREAD = 1.5
_FORWARD_SHARE = 1 / 3  # of a step
_BASE_BYTES = 600_000_000  # torch, and the pack's pages
_BYTES_A_MAC = {True: 0.4, False: 0.12}  # of activations that a step keeps; True: of depthwise networks


class _Shape(TypedDict):
    height: int
    width: int
    stem: str


class Estimate(BaseModel):
    seconds: float = Field(description="From a worker's claim to the published model.")
    seconds_low: float
    seconds_high: float
    train_seconds: float = Field(description="Of both arms, where there is a control.")
    other_seconds: float = Field(description="Start, evaluation and exports.")
    memory_bytes: int = Field(description="Peak of the training process; on a GPU, of the GPU.")
    images_seen: int = Field(description="In training, of all arms together.")
    device: str | None = Field(description="The training worker's, as its last job told it; null: not known yet.")
    basis: Basis = Field(
        description="`measured`: earlier jobs of the same network and size on this device. `scaled`: of other sizes. "
        "`multiply_adds`: from the size of the network alone, within a factor of three."
    )
    how: str = Field(description="The basis as a sentence.")


class Part(NamedTuple):
    """What a worker does after its training, one after another."""

    phase: Literal["evaluate", "export"]
    seconds: float  # expected


class Schedule(NamedTuple):
    train_seconds: float  # expected, of all arms
    after: tuple[Part, ...] = ()


def schedule(spec: ResolvedSpec, manifest: PackManifest, pace: Pace) -> Schedule:
    """The whole way of a job, in the order of the worker: arms trained, evaluated, files exported."""
    whole = estimate(spec, manifest, pace)
    parts = _guessed(spec, manifest, pace.rate(spec.model.architecture, **_shape(spec)), arms=2 if spec.control else 1)
    scale = whole.other_seconds / sum(part.seconds for part in parts)
    return Schedule(whole.train_seconds, tuple(part._replace(seconds=part.seconds * scale) for part in parts))


def estimate(spec: ResolvedSpec, manifest: PackManifest, pace: Pace) -> Estimate:
    model, planned, arms = spec.model, plan(spec, manifest), 2 if spec.control else 1
    rate = pace.rate(model.architecture, **_shape(spec))
    images = planned.steps * planned.images_per_step * arms
    train = images / rate.images_per_second
    other = _other_seconds(spec, manifest, rate, arms=arms)
    return Estimate(
        seconds=round(train + other, 1),
        seconds_low=round(train / rate.spread + other / OTHER_SPREAD, 1),
        seconds_high=round(train * rate.spread + other * OTHER_SPREAD, 1),
        train_seconds=round(train, 1),
        other_seconds=round(other, 1),
        memory_bytes=_memory_bytes(spec, rate, images=planned.images_per_step),
        images_seen=images,
        device=pace.device,
        basis=rate.basis,
        how=f"{rate.how}.",
    )


def _other_seconds(spec: ResolvedSpec, manifest: PackManifest, rate: Rate, *, arms: int) -> float:
    guessed = START_SECONDS * arms + sum(part.seconds for part in _guessed(spec, manifest, rate, arms=arms))
    if not rate.jobs:
        return guessed
    # What earlier jobs took, as long as this one exports; their datasets and exports were perhaps others.
    measured = sum(one.other_seconds for one in rate.jobs) / len(rate.jobs)
    return max(measured, guessed / 2) if spec.exports else guessed


def _guessed(spec: ResolvedSpec, manifest: PackManifest, rate: Rate, *, arms: int) -> list[Part]:
    judged = (manifest.split_size("val") + manifest.split_size("test")) * _FORWARD_SHARE / rate.images_per_second
    evaluations = [Part("evaluate", START_SECONDS + judged)] * arms
    return [*evaluations, *(Part("export", START_SECONDS + judged + EXPORT_SECONDS[e.precision]) for e in spec.exports)]


def _shape(spec: ResolvedSpec) -> _Shape:
    return {"height": spec.height, "width": spec.width, "stem": spec.model.stem}


def _memory_bytes(spec: ResolvedSpec, rate: Rate, *, images: int) -> int:
    known = [one.memory_bytes for one in rate.jobs if one.memory_bytes]
    if known and rate.basis == "measured":
        return max(known)
    name = spec.model.architecture
    macs = macs_of(name, height=spec.height, width=spec.width, stem=spec.model.stem)
    return round(_BASE_BYTES + images * macs * _BYTES_A_MAC[is_depthwise(name)])

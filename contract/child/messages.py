"""What the trainer says while it works: one JSON line a message on stdout. Read by the worker, or by a person."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Arm = Literal["main", "control"]
PhaseName = Literal["download", "train", "evaluate", "export", "publish"]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobError(BaseModel):
    """Why a job ended badly, for the customer: what happened, whose it is, what to do."""

    code: str
    category: Literal["user_data", "user_spec", "resource", "platform"]
    retryable: bool
    message: str
    remediation: str


class Started(Message):
    type: Literal["started"] = "started"
    arm: Arm
    step: int  # where training begins: above 0 after a resume
    steps: int
    epochs: int
    images_per_step: int
    device: str
    parameters: int


class Progress(Message):
    """The trainer moved. Sent about once a second; `step` counts completed steps of this arm."""

    type: Literal["progress"] = "progress"
    arm: Arm
    step: int
    epoch: int  # 1-based, the one being trained
    images_per_second: float
    seconds_per_epoch: float
    loss: float


class Metrics(Message):
    """Values to keep. Keys: train.loss, train.top1_accuracy, val.top1_accuracy, val.nll, learning_rate ..."""

    type: Literal["metrics"] = "metrics"
    arm: Arm
    step: int
    epoch: int
    values: dict[str, float]


class Checkpoint(Message):
    """A state to resume was written and fsynced. `path` is relative to the --out folder."""

    type: Literal["checkpoint"] = "checkpoint"
    arm: Arm
    step: int
    epoch: int
    path: str
    bytes: int
    sha256: str
    best: bool  # the best validation accuracy so far
    metrics: dict[str, float]


class Notice(Message):
    """Something a person should read in the job's events."""

    type: Literal["notice"] = "notice"
    severity: Literal["info", "warning"]
    code: str
    message: str
    data: dict[str, Any] = {}


class Working(Message):
    """Evaluation or export advanced: `done` of `total` units. Renews the lease as Progress does."""

    type: Literal["working"] = "working"
    activity: str
    done: int
    total: int


class Stopped(Message):
    """SIGTERM was heeded: a checkpoint at `step` is on disk."""

    type: Literal["stopped"] = "stopped"
    arm: Arm
    step: int


class Failed(Message):
    type: Literal["failed"] = "failed"
    error: JobError


class Done(Message):
    """A verb ended well. `files`: name -> path relative to the --out folder."""

    type: Literal["done"] = "done"
    files: dict[str, str]


AnyMessage = Annotated[
    Started | Progress | Metrics | Checkpoint | Notice | Working | Stopped | Failed | Done, Field(discriminator="type")
]
_adapter: TypeAdapter[AnyMessage] = TypeAdapter(AnyMessage)

EXIT_DONE = 0
EXIT_FAILED = 3  # a `failed` message says why
EXIT_STOPPED = 4  # stopped on request, resumable


def decode(line: bytes | str) -> AnyMessage:
    """One message from one line. Raises pydantic.ValidationError for anything else."""
    return _adapter.validate_json(line)

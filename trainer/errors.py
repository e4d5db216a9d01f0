"""Endings of a run that a customer can do something about. Everything else is a crash, with its traceback on stderr."""

import errno
from typing import Literal, NamedTuple

import torch

from contract.child.messages import JobError
from contract.formats import FORMATS, FormatName


class TrainerError(Exception):
    """A named ending; `error` is what the customer reads."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error)  # as it is: another process that is handed this makes it anew from its arguments
        self.error = error

    def __str__(self) -> str:
        return self.error.message


class _Ending(NamedTuple):
    category: Literal["user_data", "user_spec", "resource", "platform"]
    remediation: str
    retryable: bool = False


_SMALLER = "Lower training.pairs_per_batch or training.image_size, or take a smaller architecture."
_ENDINGS = {
    "architecture_unfit": _Ending(
        "user_spec", "Take another network of timm, another image size or stem, or one of the tested architectures."
    ),
    "checkpoint_mismatch": _Ending(
        "user_spec", "Give an --out folder of its own, or remove the checkpoints in this one."
    ),
    "dataset_invalid": _Ending(
        "user_data", "Push the dataset again; if the same file fails twice, report it with its name."
    ),
    "disk_full": _Ending(
        "resource",
        "Free space in the worker's scratch folder; the job continues from its last checkpoint.",
        retryable=True,
    ),
    "evaluation_missing": _Ending("user_spec", "Run `evaluate` with the same --out folder first."),
    "export_failed": _Ending(
        "platform", "The trained model is not affected. Report this with the job's id; other formats may work."
    ),
    "gpu_oom": _Ending("resource", _SMALLER),
    "ladder_empty": _Ending("user_spec", "Name other rungs in the export's ladder, or leave them out."),
    "loss_nan": _Ending(
        "user_spec", "Lower optimizer.learning_rate (a tenth is a good try) or add optimizer.warmup_epochs."
    ),
    "missing_dependency": _Ending("platform", "Install it where the worker runs: `{install}`."),
    "out_of_memory": _Ending("resource", _SMALLER),
    "pruning_target_missed": _Ending(
        "user_spec", "Raise compression.pruning.target_macs_share or target_bytes, or take a smaller architecture."
    ),
    "spec_invalid": _Ending("user_spec", "Correct what the message names and submit again."),
    "teacher_unfit": _Ending(
        "user_spec", "Name a model that was trained on the same classes and channels as method.teacher."
    ),
    "too_few_devices": _Ending("resource", "Lower training.devices, or run a worker on a machine with more GPUs."),
    "weights_missing": _Ending("user_spec", "Run `train` with the same --out folder and arm first."),
    "weights_unreadable": _Ending(
        "user_data", "Write the weights with `patchswap weights push FILE.pth`, which converts them, and push again."
    ),
    "weights_unfit": _Ending(
        "user_spec",
        "Name the architecture of the weights. In a job, set model.pretrained to weights that fit, or to null.",
    ),
}


def ended(code: str, message: str, **words: str) -> TrainerError:
    """The ending of this code, to be raised; `words` are put into its remediation."""
    return TrainerError(_told(code, message, **words))


def loss_nan(step: int) -> TrainerError:
    return ended("loss_nan", f"The loss was not finite by step {step}.")


def format_missing(name: FormatName, absent: list[str]) -> TrainerError:
    message = f"This worker cannot make {name} files: {', '.join(absent)} not installed."
    return ended("missing_dependency", message, install=FORMATS[name].install)


def export_failed(stage: str, reason: object) -> TrainerError:
    return ended("export_failed", f"The export failed at this stage: {stage}. {reason}")


def named(error: Exception) -> JobError | None:
    """What the customer should read of an exception, or None where it is a crash."""
    if isinstance(error, TrainerError):
        return error.error
    if isinstance(error, torch.OutOfMemoryError):
        return _told("gpu_oom", "The batch did not fit into the memory of the GPU.")
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):
        return _told("out_of_memory", "The batch did not fit into the memory of the machine.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _told("disk_full", "The disk of the worker is full.")
    return None


def _told(code: str, message: str, **words: str) -> JobError:
    ending = _ENDINGS[code]
    return JobError(
        code=code,
        category=ending.category,
        retryable=ending.retryable,
        message=message,
        remediation=ending.remediation.format(**words),
    )

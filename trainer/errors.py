"""Endings of a run that a customer can do something about. Everything else is a crash, with its traceback on stderr."""

import errno

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


def dataset_invalid(message: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="dataset_invalid",
            category="user_data",
            retryable=False,
            message=message,
            remediation="Push the dataset again; if the same file fails twice, report it with its name.",
        )
    )


def spec_invalid(message: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="spec_invalid",
            category="user_spec",
            retryable=False,
            message=message,
            remediation="Correct what the message names and submit again.",
        )
    )


def format_missing(name: FormatName, absent: list[str]) -> TrainerError:
    return TrainerError(
        JobError(
            code="missing_dependency",
            category="platform",
            retryable=False,
            message=f"This worker cannot make {name} files: {', '.join(absent)} not installed.",
            remediation=f"Install it where the worker runs: {FORMATS[name].install}",
        )
    )


def loss_nan(step: int) -> TrainerError:
    return TrainerError(
        JobError(
            code="loss_nan",
            category="user_spec",
            retryable=False,
            message=f"The loss was not finite by step {step}.",
            remediation="Lower optimizer.learning_rate (a tenth is a good try) or add optimizer.warmup_epochs.",
        )
    )


def checkpoint_mismatch(name: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="checkpoint_mismatch",
            category="user_spec",
            retryable=False,
            message=f"The checkpoint {name} was written for another spec or dataset.",
            remediation="Give an --out folder of its own, or remove the checkpoints in this one.",
        )
    )


def missing_weights(path: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="weights_missing",
            category="user_spec",
            retryable=False,
            message=f"There are no trained weights at {path}.",
            remediation="Run `train` with the same --out folder and arm first.",
        )
    )


def teacher_unfit(message: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="teacher_unfit",
            category="user_spec",
            retryable=False,
            message=message,
            remediation="Name a model that was trained on the same classes and channels as method.teacher.",
        )
    )


def pruning_target_missed(left: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="pruning_target_missed",
            category="user_spec",
            retryable=False,
            message=f"The network cannot be pruned as far as was asked: {left} are left when nothing more can go.",
            remediation="Raise compression.pruning.target_macs_share or target_bytes, or take a smaller architecture.",
        )
    )


def backbone_unfit(message: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="backbone_unfit",
            category="user_spec",
            retryable=False,
            message=message,
            remediation="Name a classification model of the backbone's architecture and stem as model.backbone_from.",
        )
    )


def too_few_devices(*, asked: int, there: int) -> TrainerError:
    return TrainerError(
        JobError(
            code="too_few_devices",
            category="resource",
            retryable=False,
            message=f"The job asks for {asked} devices; this worker has {there} GPUs.",
            remediation="Lower training.devices, or run a worker on a machine with more GPUs.",
        )
    )


def named(error: Exception) -> JobError | None:
    """What the customer should read of an exception, or None where it is a crash."""
    if isinstance(error, TrainerError):
        return error.error
    if isinstance(error, torch.OutOfMemoryError):
        return _OUT_OF_MEMORY["gpu_oom"]
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):
        return _OUT_OF_MEMORY["out_of_memory"]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _DISK_FULL
    return None


_OUT_OF_MEMORY = {
    code: JobError(
        code=code,
        category="resource",
        retryable=False,
        message=f"The batch did not fit into the memory of the {place}.",
        remediation="Lower training.pairs_per_batch or training.image_size, or take a smaller architecture.",
    )
    for code, place in (("gpu_oom", "GPU"), ("out_of_memory", "machine"))
}
_DISK_FULL = JobError(
    code="disk_full",
    category="resource",
    retryable=True,
    message="The disk of the worker is full.",
    remediation="Free space in the worker's scratch folder; the job continues from its last checkpoint.",
)


def export_failed(stage: str, reason: object) -> TrainerError:
    return TrainerError(
        JobError(
            code="export_failed",
            category="platform",
            retryable=False,
            message=f"The export failed at this stage: {stage}. {reason}",
            remediation="The trained model is not affected. Report this with the job's id; other formats may work.",
        )
    )


def evaluation_missing(path: str) -> TrainerError:
    return TrainerError(
        JobError(
            code="evaluation_missing",
            category="user_spec",
            retryable=False,
            message=f"There is no evaluation of the trained network at {path}, to compare the exported file with.",
            remediation="Run `evaluate` with the same --out folder first.",
        )
    )


def nothing_tried(reasons: list[str]) -> TrainerError:
    return TrainerError(
        JobError(
            code="ladder_empty",
            category="user_spec",
            retryable=False,
            message=f"None of the ladder's rungs could be tried. {' '.join(reasons)}",
            remediation="Name other rungs in the export's ladder, or leave them out.",
        )
    )

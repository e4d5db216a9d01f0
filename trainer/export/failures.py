"""The ways an export can end that are not a file, named for the customer."""

from contract.child.messages import JobError
from trainer.errors import TrainerError


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

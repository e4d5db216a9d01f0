"""How long a job may take before it is ended at a checkpoint."""

from pydantic import Field

from contract.strict import Strict

_LONGEST_SECONDS = 366 * 86_400


class LimitsSpec(Strict):
    max_seconds: int | None = Field(
        None, ge=1, le=_LONGEST_SECONDS, description="Of running, over all attempts; waiting in the queue is free."
    )
    max_device_seconds: int | None = Field(
        None,
        ge=1,
        le=_LONGEST_SECONDS,
        description="Of the trainer, from training to exports; two devices count twice.",
    )

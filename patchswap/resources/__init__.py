"""What the service answers, typed and read-only.

A resource that was fetched remembers its client, so that `job.cancel()` is one call; how calls are made is not here.
"""

from patchswap.resources.account import ApiKey, LoginLink, Recipe
from patchswap.resources.bound import Bound, Resource
from patchswap.resources.datasets import Dataset, DatasetVersion, Finding, ValidationReport
from patchswap.resources.jobs import TERMINAL, Attempt, Checkpoint, Event, Job, JobStatus, Point, Progress, Validated
from patchswap.resources.models import (
    ENDED_EXPORT,
    Device,
    Export,
    ExportFormat,
    Model,
    Prediction,
    Profile,
    SigningKey,
)
from patchswap.resources.pareto import Pareto, ParetoPoint, ParetoValue
from patchswap.resources.webhooks import Delivery, Webhook

__all__ = [
    "ENDED_EXPORT",
    "TERMINAL",
    "ApiKey",
    "Attempt",
    "Bound",
    "Checkpoint",
    "Dataset",
    "DatasetVersion",
    "Delivery",
    "Device",
    "Event",
    "Export",
    "ExportFormat",
    "Finding",
    "Job",
    "JobStatus",
    "LoginLink",
    "Model",
    "Pareto",
    "ParetoPoint",
    "ParetoValue",
    "Point",
    "Prediction",
    "Profile",
    "Progress",
    "Recipe",
    "Resource",
    "SigningKey",
    "Validated",
    "ValidationReport",
    "Webhook",
]

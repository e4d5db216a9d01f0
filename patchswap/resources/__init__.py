"""What the service answers, typed and read-only.

A resource that was fetched remembers its client, so that `job.cancel()` is one call; how calls are made is not here.
"""

from patchswap.resources.account import ApiKey, AuditEntry, LoginLink, Recipe
from patchswap.resources.aliases import Alias, AliasChange
from patchswap.resources.bound import Bound, Resource
from patchswap.resources.datasets import (
    ChangedImage,
    Changes,
    Dataset,
    DatasetVersion,
    Difference,
    Finding,
    Histogram,
    Inspection,
    Occurrence,
    Sample,
    Twins,
    ValidationReport,
)
from patchswap.resources.jobs import (
    TERMINAL,
    Attempt,
    Checkpoint,
    Chosen,
    Estimate,
    Event,
    Job,
    JobStatus,
    LogLine,
    Point,
    Progress,
    Validated,
)
from patchswap.resources.models import (
    ENDED_EXPORT,
    Device,
    Export,
    ExportFormat,
    Model,
    Prediction,
    Profile,
    SigningKey,
    SuspectedLabel,
    SuspectedLabels,
)
from patchswap.resources.pareto import Pareto, ParetoPoint, ParetoValue
from patchswap.resources.webhooks import Delivery, Webhook
from patchswap.resources.weights import Weights, WeightsReport

__all__ = [
    "ENDED_EXPORT",
    "TERMINAL",
    "Alias",
    "AliasChange",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Bound",
    "ChangedImage",
    "Changes",
    "Checkpoint",
    "Chosen",
    "Dataset",
    "DatasetVersion",
    "Delivery",
    "Device",
    "Difference",
    "Estimate",
    "Event",
    "Export",
    "ExportFormat",
    "Finding",
    "Histogram",
    "Inspection",
    "Job",
    "JobStatus",
    "LogLine",
    "LoginLink",
    "Model",
    "Occurrence",
    "Pareto",
    "ParetoPoint",
    "ParetoValue",
    "Point",
    "Prediction",
    "Profile",
    "Progress",
    "Recipe",
    "Resource",
    "Sample",
    "SigningKey",
    "SuspectedLabel",
    "SuspectedLabels",
    "Twins",
    "Validated",
    "ValidationReport",
    "Webhook",
    "Weights",
    "WeightsReport",
]

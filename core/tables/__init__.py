"""The rows of the ledger, a module a resource. All are imported here: a mapper finds its neighbours by name."""

from core.tables.aliases import Alias, AliasChange
from core.tables.audit import AuditEntry
from core.tables.comparisons import Comparison
from core.tables.datasets import Dataset, DatasetVersion
from core.tables.jobs import Checkpoint, Job, JobAttempt, JobEvent, JobLogLine, JobMetric
from core.tables.models import Export, Model
from core.tables.predictions import Prediction
from core.tables.profiles import Device, Profile, TenantDevice
from core.tables.row import Leased, Owned, Row
from core.tables.sessions import BrowserSession, LoginLink
from core.tables.sweeps import Sweep, SweepTrial
from core.tables.tenants import ApiKey, IdempotencyKey, Tenant
from core.tables.uploads import Upload, UploadPart
from core.tables.usage import UsageRecord
from core.tables.webhooks import Webhook, WebhookCrossing, WebhookDelivery
from core.tables.weights import Weights
from core.tables.workers import Worker

__all__ = [
    "Alias",
    "AliasChange",
    "ApiKey",
    "AuditEntry",
    "BrowserSession",
    "Checkpoint",
    "Comparison",
    "Dataset",
    "DatasetVersion",
    "Device",
    "Export",
    "IdempotencyKey",
    "Job",
    "JobAttempt",
    "JobEvent",
    "JobLogLine",
    "JobMetric",
    "Leased",
    "LoginLink",
    "Model",
    "Owned",
    "Prediction",
    "Profile",
    "Row",
    "Sweep",
    "SweepTrial",
    "Tenant",
    "TenantDevice",
    "Upload",
    "UploadPart",
    "UsageRecord",
    "Webhook",
    "WebhookCrossing",
    "WebhookDelivery",
    "Weights",
    "Worker",
]

"""Entries of the audit log."""

from datetime import datetime

from pydantic import BaseModel, Field


class AuditEntry(BaseModel):
    id: str
    at: datetime
    key_id: str = Field(description="Of the key that asked; a revoked one stays readable under /v1/api_keys.")
    request_id: str = Field(description="`X-Request-ID` of the answer; in the events and the log of the job, too.")
    method: str
    path: str

"""Uploaded archives become packs. A pure function of files; `python -m worker.ingest` runs it as a child process."""

from contract.results.ingested import ValidationReport
from contract.specs.splits import SplitRequest
from worker.ingest.ingestion import IngestResult, ingest
from worker.ingest.limits import Limits

__all__ = ["IngestResult", "Limits", "SplitRequest", "ValidationReport", "ingest"]

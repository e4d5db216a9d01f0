"""Uploaded archives become packs. A pure function of files; `python -m ingest` runs it as a child process."""

from contract.results.ingested import ValidationReport
from contract.specs.reading import ReadingSpec
from contract.specs.splits import SplitRequest
from ingest.ingestion import IngestResult, ingest
from ingest.limits import Limits

__all__ = ["IngestResult", "Limits", "ReadingSpec", "SplitRequest", "ValidationReport", "ingest"]

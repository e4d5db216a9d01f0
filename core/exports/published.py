"""What becomes visible of a file that was made and verified, whether its job or a later request asked for it."""

from typing import Any

from sqlalchemy import func

from contract.results.exported import ExportResult
from core.store.storage import StoredFile


def values(result: ExportResult, stored: StoredFile) -> dict[str, Any]:
    """Columns of an Export. Bytes and sha256 are the stored file's, with the signature that the trainer's lack."""
    return {
        "status": result.status,
        "object_key": stored.key,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "members": stored.members,
        "measured": result.measured,
        "rung": result.rung,
        "candidates": [candidate.model_dump(mode="json") for candidate in result.candidates],
        "violations": list(result.violations),
        "warnings": [warning.model_dump() for warning in result.warnings],
        "finished_at": func.now(),
    }

"""The inspection that ingest left beside a pack for people to look at."""

from contract.files import PACK_INSPECTION
from contract.results.inspected import Inspection, TwinKind
from core.errors import NotFound
from core.store import storage

OLDER = "An older release made this version. Push the same files under another name to get them."


def inspection(prefix: str) -> bytes:
    """The JSON of an `Inspection`. `prefix`: of the version's objects. Raises NotFound for one older than this."""
    key = prefix + PACK_INSPECTION
    if storage.size(key) is None:
        raise NotFound(f"There is no inspection. {OLDER}")
    return storage.get_bytes(key)


def twins(prefix: str, kind: TwinKind) -> frozenset[int]:
    """The indices of the pictures that are listed as twins of a kind."""
    found = Inspection.model_validate_json(inspection(prefix)).near_duplicates.listed
    return frozenset(index for pair in found if pair.kind == kind for index in (pair.first, pair.second))

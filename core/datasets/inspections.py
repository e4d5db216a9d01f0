"""What ingest left beside a pack for people to look at: the inspection, and thumbnails."""

import struct

from contract.files import PACK_INSPECTION, PACK_THUMBNAILS
from contract.pack.thumbnails import OFFSET_BYTES
from contract.results.inspected import Inspection, TwinKind
from core.datasets import samples
from core.errors import NotFound, PackDamaged
from core.store import storage

_OLDER = "the version was made before there were inspections; make another version of its upload to have one"


def inspection(prefix: str) -> bytes:
    """The JSON of an `Inspection`. `prefix`: of the version's objects. Raises NotFound for one older than this."""
    key = prefix + PACK_INSPECTION
    if storage.size(key) is None:
        raise NotFound(_OLDER)
    return storage.get_bytes(key)


def twins(prefix: str, kind: TwinKind) -> frozenset[int]:
    """The indices of the pictures that are listed as twins of a kind."""
    found = Inspection.model_validate_json(inspection(prefix)).near_duplicates.listed
    return frozenset(index for pair in found if pair.kind == kind for index in (pair.first, pair.second))


def thumbnail(pack: samples.Pack, prefix: str, index: int) -> tuple[bytes, str]:
    """A small copy of an image and its media type; the image itself where it is small. Raises NotFound."""
    if pack.manifest.encoding == "encoded" and index < pack.manifest.samples:
        key = prefix + PACK_THUMBNAILS
        if storage.size(key) is None:
            raise NotFound(f"There are no thumbnails: {_OLDER}.")
        if found := _between(key, *_ends(key, index)):
            return found, "image/jpeg"
    return samples.image(pack, index)


def _ends(key: str, index: int) -> tuple[int, int]:
    found = _between(key, index * OFFSET_BYTES, (index + 2) * OFFSET_BYTES)
    if len(found) != 2 * OFFSET_BYTES:
        raise PackDamaged
    start, end = struct.unpack("<2Q", found)
    return start, end


def _between(key: str, start: int, end: int) -> bytes:
    return b"".join(storage.read(key, start=start, end=end)) if end > start else b""

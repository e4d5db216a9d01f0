"""What ingest left beside a pack for people to look at: the inspection, and thumbnails."""

import struct
from functools import lru_cache

from contract.files import PACK_INSPECTION, PACK_THUMBNAILS
from contract.pack.thumbnails import OFFSET_BYTES
from contract.results.inspected import Inspection, TwinKind
from core.datasets import samples
from core.errors import NotFound, PackDamaged
from core.store import storage

OFFSETS_AT_ONCE = 512
OFFSET_BLOCKS = 256  # 5 MB
_OLDER = "An older release made this version. Push the same files under another name to get them."


def inspection(prefix: str) -> bytes:
    """The JSON of an `Inspection`. `prefix`: of the version's objects. Raises NotFound for one older than this."""
    key = prefix + PACK_INSPECTION
    if storage.size(key) is None:
        raise NotFound(f"There is no inspection. {_OLDER}")
    return storage.get_bytes(key)


def twins(prefix: str, kind: TwinKind) -> frozenset[int]:
    """The indices of the pictures that are listed as twins of a kind."""
    found = Inspection.model_validate_json(inspection(prefix)).near_duplicates.listed
    return frozenset(index for pair in found if pair.kind == kind for index in (pair.first, pair.second))


def thumbnail(pack: samples.Pack, prefix: str, index: int) -> bytes | None:
    """The small copy of an image, a JPEG; None where the image itself is small. Raises NotFound."""
    if pack.manifest.encoding != "encoded" or index >= pack.manifest.samples:
        return None
    key = prefix + PACK_THUMBNAILS
    try:
        start, end = _ends(key, index, pack.manifest.samples)
        return _between(key, start, end) or None
    except NotFound as error:
        raise NotFound(f"There are no thumbnails. {_OLDER}") from error


def _ends(key: str, index: int, count: int) -> tuple[int, int]:
    block, place = divmod(index, OFFSETS_AT_ONCE)
    offsets = _offsets(key, block, count)
    return offsets[place], offsets[place + 1]


@lru_cache(maxsize=OFFSET_BLOCKS)
def _offsets(key: str, block: int, count: int) -> tuple[int, ...]:
    """Kept, since a pack never changes: from a bucket each request costs as much as the picture."""
    first = block * OFFSETS_AT_ONCE
    last = min(first + OFFSETS_AT_ONCE, count)
    found = _between(key, first * OFFSET_BYTES, (last + 1) * OFFSET_BYTES)
    if len(found) != (last + 1 - first) * OFFSET_BYTES:
        raise PackDamaged
    return struct.unpack(f"<{last + 1 - first}Q", found)


def _between(key: str, start: int, end: int) -> bytes:
    return b"".join(storage.read(key, start=start, end=end)) if end > start else b""

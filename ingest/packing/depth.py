"""Images of 16 bits, once all are known: the range of values that they use becomes 0 to 255, the same for all.

Sensors of 10, 12 or 14 bits write files of 16. Their high byte alone would be nearly black, and pictures that differ
would become copies. Sets that use the whole range keep their high byte.
"""

import numpy as np

from ingest.findings import Findings
from ingest.images.images import STEP, narrowed
from ingest.packing.staging import Staging

_STRAY = 1e-4  # of the pixels may lie outside of the range, at each end: dead and hot ones
_WHOLE = 32_768  # a set that reaches beyond uses the range of its files

Range = tuple[int, int]


def settle(staging: Staging, findings: Findings) -> Range | None:
    """Give every image of 16 bits its 8; the range that was scaled, None where there was none or the whole was used."""
    if not staging.wide:
        return None
    low, high = _range(staging.levels)
    count = len(staging.wide)
    chosen = None if high >= _WHOLE else (low, high)
    example = staging.read_path(staging.wide[0])
    for index in staging.wide:
        staging.replace(index, narrowed(staging.read_stored(index), chosen))
    if chosen is None:
        message = f"{count} 16-bit images were reduced to 8 bits; the high byte is kept."
        findings.add("info", "depth_reduced", message, path=example)
        return None
    message = f"{count} 16-bit images use the values {low} to {high} only; these were scaled to 0 to 255."
    fix = "The model scales images of 16 bits by the same range. For another range, convert them to 8 bits yourself."
    findings.add("warning", "depth_scaled", message, path=example, fix=fix)
    if count < len(staging):
        message = (
            f"{count} of {len(staging)} images have 16 bits, the others 8: their brightness may not be comparable."
        )
        findings.add("warning", "depth_mixed", message, path=example, fix="Convert all images to 8 bits by one rule.")
    return chosen


def _range(levels: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Range:
    share = np.cumsum(levels) / levels.sum()
    low = int(np.searchsorted(share, _STRAY, side="right"))
    high = int(np.searchsorted(share, 1 - _STRAY, side="left"))
    return low * STEP, min(high * STEP + STEP - 1, 65_535)

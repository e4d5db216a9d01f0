"""Values of a few pixels between the levels of masks without names, as a brush or smooth scaling leaves them."""

from collections import Counter

import numpy as np

from contract.pack.manifest import IGNORE
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.mask_values import FEW_FILES, LEVEL_STEP, Pool

_RARE = 0.001  # of the pixels: a value between levels that has fewer is no level
_FEWEST = 3  # values; one or two may be small classes


def leave_out(pool: Pool, findings: Findings) -> Pool:
    """The values without these; a mask that holds one is refused alone. Raises Refused where they are in many masks."""
    main = {value for value in pool.values if pool.pixels[value] >= _RARE * pool.pixels.sum()}
    strays = pool.values - main
    if len(strays) < _FEWEST or not main - {0, IGNORE} or min(np.diff(sorted(main | {0}))) < LEVEL_STEP:
        return pool
    levels, between = (", ".join(map(str, sorted(found)[:8])) for found in (main, strays))
    masks = sum(count for found, count in pool.sets.items() if found & strays) + pool.crowded
    message = f"The masks hold the levels {levels}; {masks} masks also hold a few pixels of other values, as {between}."
    if masks > FEW_FILES * (sum(pool.sets.values()) + pool.crowded):
        fix = "Save masks as PNG and scale them without smoothing, or add classes.txt if these are classes."
        raise Refused("masks_unclear", message, fix)
    fix = "Correct these masks, or add classes.txt if these are classes."
    findings.add("warning", "mask_values_stray", f"{message} Their images are left out.", fix=fix)
    sets = Counter({found - strays: count for found, count in pool.sets.items()})
    return Pool(np.where(np.isin(np.arange(256), sorted(main)), pool.pixels, 0), sets, lossy=pool.lossy)

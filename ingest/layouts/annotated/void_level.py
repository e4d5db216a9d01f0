"""Pixels of 255, which are to be ignored unless the set says otherwise: how many there are, and whether that is likely.

In some masks 255 is the object that other masks of the same set number 1. Then no mask holds both.
"""

from contract.pack.manifest import IGNORE
from ingest.findings import Findings, Refused
from ingest.layouts.annotated.mask_values import Meaning, Pool

_FEW = 0.05  # of the masks with any object


def check(pool: Pool, meaning: Meaning, findings: Findings) -> None:
    """Say what is ignored. Raises Refused where 255 seems to be the object of many masks."""
    if IGNORE not in pool.values or IGNORE in meaning:
        return
    with_void = sum(count for values, count in pool.sets.items() if IGNORE in values)
    alone = sum(count for values, count in pool.sets.items() if IGNORE in values and values <= {0, IGNORE})
    drawn = sum(count for values, count in pool.sets.items() if values - {0})
    share = pool.pixels[IGNORE] / max(int(pool.pixels.sum()), 1)
    if alone == with_void and alone > _FEW * drawn:
        message = (
            f"{alone} masks hold 0 and 255 only, and {drawn - alone} hold class numbers but no 255. It may be their "
            "object, or pixels to ignore."
        )
        fix = "Say which: --map 255=1 for the class 1, or --map 255=255 to ignore it."
        raise Refused("masks_black_and_white", message, fix)
    message = f"255 was read as pixels to ignore: {share:.1%} of the pixels, in {with_void} masks."
    if alone > _FEW * drawn:
        message += f" In {alone} of them nothing else but 0 is drawn."
        findings.add("warning", "void_ignored", message, fix="If 255 is a class, say which: --map 255=1.")
    else:
        findings.add("info", "void_ignored", message)

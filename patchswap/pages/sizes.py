"""How large pictures and boxes are, as tables with bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchswap.pages import frame

if TYPE_CHECKING:
    from patchswap.resources import Histogram, Inspection


def section(inspection: Inspection) -> str:
    pictures = inspection.image_sizes
    parts = [
        (
            f"<p>Shorter side of the pictures: median {pictures.median:,} px, a tenth at most "
            f"{pictures.smallest_tenth:,} px, a tenth at least {pictures.largest_tenth:,} px.</p>"
        ),
        _histogram(pictures, "Pictures", "Pictures by shorter side"),
    ]
    if (boxes := inspection.box_sizes) is not None:
        share = boxes.smallest_tenth / max(pictures.median, 1)
        parts += [
            (
                f"<p>Boxes, as the square root of their area: median {boxes.median:,} px, the smallest tenth at most "
                f"{boxes.smallest_tenth:,} px, which is {share:.1%} of the median picture's shorter side. Scaled to "
                f"224 px that leaves {224 * share:.0f} px.</p>"
            ),
            _histogram(boxes, "Boxes", "Boxes by size"),
        ]
    return "".join(parts)


def _histogram(found: Histogram, counted: str, caption: str) -> str:
    used = [at for at, count in enumerate(found.counts) if count]
    most = max(found.counts)
    rows = []
    for at in range(used[0], used[-1] + 1):
        low, high, count = found.edges[at], found.edges[at + 1] - 1, found.counts[at]
        label = f"{low:,} to {high:,} px" if at + 1 < len(found.counts) else f"{low:,} px or more"
        rows.append([label, f"{count:,}", frame.bar(count / most)])
    return frame.table(["Size", counted, "Share of the largest"], rows, caption).replace(
        "<td><span", '<td class="chart"><span'
    )

"""The run lengths that Label Studio's brush writes: bits, of which each fourth value is the opacity of a pixel.

First 32 bits of how many values, 5 of a value's width, four times 4 of a length's width; then by turns runs of one
value and rows of different ones (label-studio-converter, brush.py).
"""

import numpy as np
from numpy.typing import NDArray

from ingest.limits import Limits
from ingest.notes import Unusable

_LONGEST = 2 << 20  # bytes; a brush of a large image takes some thousands
_MOST_PIXELS = 16_000_000  # four values each


def unbrushed(stated: object, size: tuple[int, int], limits: Limits) -> NDArray[np.bool_]:
    """Pixels (height, width) that were brushed. Raises Unusable."""
    height, width = size
    if (
        not isinstance(stated, list)
        or not 0 < len(stated) <= _LONGEST
        or height * width > min(_MOST_PIXELS, limits.pixels)
    ):
        raise _malformed("A brush's run lengths are missing, or too long.")
    if not all(type(byte) is int and 0 <= byte < 256 for byte in stated):
        raise _malformed("A brush's run lengths are no bytes.")
    bits = _Bits(bytes(stated))
    count = bits.take(32)
    if count != height * width * 4:
        raise _malformed("A brush was drawn on an image of another size.")
    values = np.zeros(count, np.uint8)
    value_bits = bits.take(5) + 1
    length_bits = [bits.take(4) + 1 for _ in range(4)]
    at = 0
    while at < count:
        repeated = bits.take(1)
        end = at + 1 + bits.take(length_bits[bits.take(2)])
        if end > count:
            raise _malformed("A brush's run lengths go beyond the image.")
        if repeated:
            values[at:end] = bits.take(value_bits) & 0xFF
        else:
            values[at:end] = [bits.take(value_bits) & 0xFF for _ in range(end - at)]
        at = end
    return values.reshape(height, width, 4)[..., 3] > 0


class _Bits:
    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._end = content, 0, 8 * len(content)

    def take(self, count: int) -> int:
        first, last = self._at // 8, (self._at + count + 7) // 8
        self._at += count
        if self._at > self._end:
            raise _malformed("A brush's run lengths are cut short.")
        window = int.from_bytes(self._content[first:last], "big")
        return (window >> (8 * last - self._at)) & ((1 << count) - 1)


def _malformed(message: str) -> Unusable:
    return Unusable("region_malformed", message, "Draw the region again, or export it as PNG masks.")

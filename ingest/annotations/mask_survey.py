"""What the masks of a set hold, all taken together: values, palettes, colours. No mask alone says what it means."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.annotations.mask_images import Colour, Raw, open_mask
from ingest.limits import Limits
from ingest.notes import Unusable

MOST_COLOURS = 1_024  # of a mask; a photograph has more
_MOST_VALUES = 64  # of one mask that are remembered as a set

Pixels = NDArray[np.int64]  # 256 counts


def _none() -> Pixels:
    return np.zeros(256, np.int64)


@dataclass
class Survey:
    files: int = 0
    gray: Pixels = field(default_factory=_none)  # value -> pixels, of gray masks of 8 bits
    gray_sets: Counter[frozenset[int]] = field(default_factory=Counter)  # values of one mask -> masks
    crowded: int = 0  # gray masks of more than 64 values
    low: dict[int, Counter[frozenset[int]]] = field(default_factory=dict)  # bits -> stored values of one mask -> masks
    low_pixels: dict[int, Pixels] = field(default_factory=dict)
    lossy: int = 0
    palette: dict[int, Counter[Colour]] = field(default_factory=dict)  # index -> colours it stands for -> pixels
    palette_files: int = 0
    palette_sets: Counter[frozenset[int]] = field(default_factory=Counter)
    colours: Counter[Colour] = field(default_factory=Counter)  # of masks of colours -> pixels
    colour_files: int = 0
    photographs: int = 0  # masks of more colours than any set has classes

    def add(self, file: bytes, limits: Limits) -> None:
        """Look at one mask. One that cannot be read is passed over: it is refused where its image is read."""
        try:
            with open_mask(file, limits) as raw:
                self._take(raw)
        except Unusable:
            return
        self.files += 1

    def _take(self, raw: Raw) -> None:
        self.lossy += raw.lossy
        if raw.kind == "colour":
            self.colour_files += 1
            found = raw.image.getcolors(MOST_COLOURS)
            if found is None:
                self.photographs += 1
            else:
                self.colours.update({colour: count for count, colour in found})  # type: ignore[misc]
            return
        counts = np.array(raw.image.histogram(), np.int64)
        if raw.kind == "palette":
            self._take_palette(raw, counts)
        elif raw.depth < 8:
            step = 255 // (2**raw.depth - 1)
            stored = np.zeros(256, np.int64)
            stored[: len(counts[::step])] = counts[::step]
            self.low.setdefault(raw.depth, Counter())[_set_of(stored)] += 1
            self.low_pixels[raw.depth] = self.low_pixels.get(raw.depth, _none()) + stored
        else:
            self.gray += counts
            values = _set_of(counts)
            if len(values) > _MOST_VALUES:
                self.crowded += 1
            else:
                self.gray_sets[values] += 1

    def _take_palette(self, raw: Raw, counts: Pixels) -> None:
        self.palette_files += 1
        palette = raw.palette()
        for index in np.flatnonzero(counts).tolist():
            colour = palette[index] if index < len(palette) else (index, index, index)
            self.palette.setdefault(index, Counter())[colour] += int(counts[index])
        self.palette_sets[_set_of(counts)] += 1


def _set_of(counts: Pixels) -> frozenset[int]:
    return frozenset(np.flatnonzero(counts).tolist())

"""How the raw values of a set's masks become class numbers: one key for all of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contract.pack.manifest import IGNORE
from ingest.annotations.mask_images import SAVE, Colour, Raw, Values
from ingest.notes import Unusable

UNKNOWN = -1
Table = NDArray[np.int16]  # 256 entries: a class, IGNORE or UNKNOWN


def table(classes: dict[int, int]) -> Table:
    """UNKNOWN for what is not given; 255 is to be ignored unless it is."""
    found = np.full(256, UNKNOWN, np.int16)
    found[IGNORE] = IGNORE
    for value, number in classes.items():
        found[value] = number
    return found


@dataclass(frozen=True)
class MaskKey:
    gray: Table
    indices: Table | None = None  # of palettes; None: their colours count
    colours: dict[Colour, int] = field(default_factory=dict)
    scaled: frozenset[int] = frozenset()  # depths below 8 bits whose values are spread over 0..255, as others are
    threshold: int | None = None  # gray from here on is the object: edges are blurred
    gray_palettes: bool = False  # the gray of a palette's entry counts, not its index

    @property
    def background(self) -> int:
        """What black is."""
        black = int(self.gray[0])
        return self.colours.get((0, 0, 0), 0) if black == UNKNOWN else black

    def numbers(self, raw: Raw, known: str) -> Values:
        """Class numbers and IGNORE. Raises Unusable for a value that is none of the set's."""
        if raw.lossy and self.threshold is None:
            raise Unusable("mask_unreadable", "Its format blurs class numbers.", SAVE)
        if raw.kind == "colour":
            return self._by_colour(np.asarray(raw.image))
        if raw.kind == "palette" and self.indices is None and not self.gray_palettes:
            return self._by_colour(np.asarray(raw.image.convert("RGB")))
        return self._looked_up(raw, known)

    def _looked_up(self, raw: Raw, known: str) -> Values:
        values = raw.values()
        entries = self.gray
        if raw.kind == "palette" and self.gray_palettes:
            values = np.asarray(raw.image.convert("RGB"))[..., 0]
        elif raw.kind == "palette" and self.indices is not None:
            entries = self.indices
        elif raw.depth in self.scaled:
            values = values * np.uint8(255 // (2**raw.depth - 1))
        if self.threshold is not None and raw.depth == 8 and raw.kind == "gray":
            values = np.where(values >= self.threshold, np.uint8(255), np.uint8(0))
        found = entries[values]
        if (found == UNKNOWN).any():
            value = int(values[found == UNKNOWN].max())
            message = f"It holds the value {value}, but the classes are {known}."
            raise Unusable("class_out_of_range", message, "Correct the mask, or name every class in classes.txt.")
        return found.astype(np.uint8)

    def _by_colour(self, pixels: NDArray[np.uint8]) -> Values:
        if not self.colours:
            raise Unusable("mask_in_colours", "Its pixels are colours (RGB), not class numbers.", SAVE)
        packed = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
        found, place = np.unique(packed, return_inverse=True)
        numbers = {(red << 16) + (green << 8) + blue: number for (red, green, blue), number in self.colours.items()}
        numbers.setdefault(0xE0E0C0, IGNORE)  # Pascal VOC's outline
        unknown = [colour for colour in found.tolist() if colour not in numbers]
        if unknown:
            message = f"Its colour #{unknown[0]:06x} is not in the labelmap."
            raise Unusable("class_out_of_range", message, "Add the colour to labelmap.txt, or correct the mask.")
        values = np.array([numbers[colour] for colour in found.tolist()], np.uint8)
        return values[place].reshape(pixels.shape[:2])

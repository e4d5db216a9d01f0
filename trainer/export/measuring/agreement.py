"""How the outputs of a file agree with those of another network, taken batch by batch."""

from dataclasses import dataclass, field
from math import sqrt

from torch import Tensor

from portable.golden import keys


@dataclass
class Differences:
    """Of one output."""

    numbers: int = 0
    difference: float = 0.0  # sum of its magnitudes
    largest: float = 0.0
    reference_sum: float = 0.0
    reference_squares: float = 0.0

    def add(self, mine: Tensor, reference: Tensor) -> None:
        exact = reference.double()
        difference = (mine.double() - exact).abs()
        self.numbers += difference.numel()
        self.difference += float(difference.sum())
        # not max(): it would lose a nan
        self.largest = float(difference.max().maximum(difference.new_tensor(self.largest)))
        self.reference_sum += float(exact.sum())
        self.reference_squares += float(exact.square().sum())

    @property
    def reference_deviation(self) -> float:
        mean = self.reference_sum / self.numbers
        return sqrt(max(0.0, self.reference_squares / self.numbers - mean**2))


@dataclass
class Agreement:
    outputs: tuple[str, ...]
    images: int = 0
    decisions: int = 0
    agreed: int = 0
    differences: list[Differences] = field(init=False)

    def __post_init__(self) -> None:
        self.differences = [Differences() for _ in self.outputs]

    def add(self, mine: tuple[Tensor, ...], reference: tuple[Tensor, ...], *, same: Tensor) -> None:
        """A batch; `same` is of each decision whether both took it alike."""
        self.images += len(mine[0])
        self.decisions += same.numel()
        self.agreed += int(same.sum())
        for found, one, other in zip(self.differences, mine, reference, strict=True):
            found.add(one, other)

    def values(self, name: str) -> dict[str, float | int | None]:
        """Keys begin with the reference's name. Agreement is of decisions; None where there was none to be taken."""
        found: dict[str, float | int | None] = {
            f"{name}_images": self.images,
            f"{name}_agreement": self.agreed / self.decisions if self.decisions else None,
        }
        for key, one in zip(keys(name, self.outputs), self.differences, strict=True):
            found |= {f"{key}_mean_difference": one.difference / one.numbers, f"{key}_max_difference": one.largest}
        return found

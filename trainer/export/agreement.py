"""How the outputs of a file agree with those of another network, taken batch by batch."""

from dataclasses import dataclass
from math import sqrt

from torch import Tensor


@dataclass
class Agreement:
    images: int = 0
    decisions: int = 0
    agreed: int = 0
    numbers: int = 0  # of the outputs
    difference: float = 0.0  # sum of its magnitudes
    max_difference: float = 0.0
    reference_sum: float = 0.0
    reference_squares: float = 0.0

    def add(self, mine: tuple[Tensor, ...], reference: tuple[Tensor, ...], *, same: Tensor) -> None:
        """A batch; `same` is where both decide alike."""
        self.images += len(mine[0])
        self.decisions += same.numel()
        self.agreed += int(same.sum())
        for one, other in zip(mine, reference, strict=True):
            other_exact = other.double()
            difference = (one.double() - other_exact).abs()
            self.numbers += difference.numel()
            self.difference += float(difference.sum())
            # not max(): it would lose a nan
            self.max_difference = float(difference.max().maximum(difference.new_tensor(self.max_difference)))
            self.reference_sum += float(other_exact.sum())
            self.reference_squares += float(other_exact.square().sum())

    @property
    def reference_deviation(self) -> float:
        mean = self.reference_sum / self.numbers
        return sqrt(max(0.0, self.reference_squares / self.numbers - mean**2))

    def values(self, name: str) -> dict[str, float | int]:
        """Keys begin with the reference's name. Agreement is of decisions: images, or their pixels."""
        return {
            f"{name}_images": self.images,
            f"{name}_agreement": self.agreed / self.decisions,
            f"{name}_mean_difference": self.difference / self.numbers,
            f"{name}_max_difference": self.max_difference,
        }

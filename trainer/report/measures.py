"""How single figures are shown."""

from dataclasses import dataclass

from contract.results.evaluation import Interval


@dataclass(frozen=True)
class Measure:
    """How one figure of an evaluation is shown."""

    key: str
    name: str
    scale: float = 1
    unit: str = ""
    digits: int = 4
    better: str = "lower"

    def text(self, value: float | None, *, signed: bool = False) -> str:
        if value is None:
            return "-"
        return f"{value * self.scale:{'+' if signed else ''}.{self.digits}f}{self.unit}"

    def range(self, interval: Interval | None, *, signed: bool = False) -> str:
        """The limits, with the unit once."""
        if interval is None:
            return ""
        low, high = (self.text(limit, signed=signed) for limit in interval)
        return f"{low.removesuffix(self.unit)} to {high}"

    def difference(self, value: float) -> str:
        """Of two values: percent minus percent is points."""
        return self.text(value, signed=True).replace(" %", " points")

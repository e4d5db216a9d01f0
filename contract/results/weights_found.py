"""What reading a weights file gave: `python -m trainer weights` leaves it beside the file."""

from contract.results.weights_report import WeightsReport
from contract.strict import Strict
from contract.weights import Stem


class WeightsFound(Strict):
    num_classes: int | None  # that the file's head tells apart; None where it has no head
    channels: int
    stem: Stem
    report: WeightsReport

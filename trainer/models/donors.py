"""Another network's folder, opened: its card and its weights, as `evaluate` leaves them and as a worker lays them out.

Who takes a network from there names the ending of its own: a teacher that cannot teach, a backbone that does not fit.
"""

from pathlib import Path

import safetensors.torch
from pydantic import ValidationError
from torch import Tensor

from contract.files import NETWORK_CARD, WEIGHTS
from contract.results.network_card import TeacherCard


class NoNetwork(Exception):
    """The folder holds no trained network; the message says why."""


def read(folder: Path) -> tuple[TeacherCard, dict[str, Tensor]]:
    """The card and the tensors, on the CPU. Raises NoNetwork."""
    try:
        card = TeacherCard.model_validate_json((folder / NETWORK_CARD).read_bytes())
        return card, safetensors.torch.load_file(folder / WEIGHTS)
    except (OSError, ValidationError) as error:
        raise NoNetwork(str(error)) from error

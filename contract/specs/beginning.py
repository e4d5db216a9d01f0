"""Which weights a network begins with: `model.pretrained` made concrete by the weights that are at hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from contract.specs.model import ModelSpec
from contract.specs.normalisation import Normalisation
from contract.specs.violations import SpecWarning, Violation
from contract.strict import Strict
from contract.weights import BUILT_IN, WeightsCard, built_in_for

POINTER = "/model/pretrained"
AUTO_FROM_PX = 64  # under it the network has the small stem, for which there are no weights
NOTHING: Mapping[str, WeightsCard] = MappingProxyType({})


class Origin(Strict):
    """What a model card says of the weights that a network began with."""

    id: str
    licence: str
    source: str
    sha256: str


@dataclass(frozen=True)
class Beginning:
    pretrained: str | None = None  # wts_..., model_..., or None for random weights
    card: WeightsCard | None = None
    violations: tuple[Violation, ...] = ()
    warnings: tuple[SpecWarning, ...] = ()

    @property
    def resolved(self) -> dict[str, Any]:
        """The fields of a resolved spec that come from the weights."""
        if self.card is None:
            return {}
        card = self.card
        origin = Origin(id=card.id, licence=card.licence, source=card.source, sha256=card.sha256)
        return {"normalisation": Normalisation(mean=card.input.mean, std=card.input.std), "origin": origin}


RANDOM = Beginning()


def choose(model: ModelSpec, at_hand: Mapping[str, WeightsCard], *, channels: int, side: int) -> Beginning:
    """`side` is the shorter one that images are trained at, in pixels."""
    match model.pretrained:
        case None:
            return RANDOM
        case "auto":
            return _automatic(model, at_hand, channels=channels, side=side)
        case "imagenet":
            return _imagenet(model, at_hand, channels=channels)
        case weights_id:
            return _named(weights_id, model, at_hand, channels=channels)


def _automatic(model: ModelSpec, at_hand: Mapping[str, WeightsCard], *, channels: int, side: int) -> Beginning:
    card = built_in_for(model.architecture)
    if card is None or side < AUTO_FROM_PX or card.unfit_for(model.architecture, stem=model.stem, channels=channels):
        return RANDOM
    if card.id not in at_hand:
        message = (
            f"{model.architecture} begins with random weights: its pretrained weights are not installed. "
            f"Install them with `{BUILT_IN[card.id].installed_by}`."
        )
        return Beginning(warnings=(SpecWarning(pointer=POINTER, code="weights_not_installed", message=message),))
    return Beginning(card.id, card)


def _imagenet(model: ModelSpec, at_hand: Mapping[str, WeightsCard], *, channels: int) -> Beginning:
    card = built_in_for(model.architecture)
    if card is None:
        known = ", ".join(each.card.architecture for each in BUILT_IN.values())
        return _refused(
            "no_built_in_weights",
            f"There are no built-in weights of {model.architecture}. Take one of {known}, "
            "or push weights of your own (`patchswap weights push`) and give their id.",
        )
    if card.id not in at_hand:
        install = BUILT_IN[card.id].installed_by
        return _refused(
            "weights_not_installed",
            f"The built-in weights of {model.architecture} are not installed on the service. "
            f"Run `{install}` there, or give null.",
        )
    return _checked(card, model, channels=channels)


def _named(weights_id: str, model: ModelSpec, at_hand: Mapping[str, WeightsCard], *, channels: int) -> Beginning:
    if weights_id in at_hand:
        return _checked(at_hand[weights_id], model, channels=channels)
    if weights_id in BUILT_IN:
        install = BUILT_IN[weights_id].installed_by
        return _refused(
            "weights_not_installed", f"{weights_id} is not installed on the service. Run `{install}` there."
        )
    if weights_id.startswith("model_"):  # whoever has the ledger looks it up
        return Beginning(weights_id)
    return _refused("unknown_weights", f"There are no weights {weights_id}. `patchswap weights list` shows yours.")


def _checked(card: WeightsCard, model: ModelSpec, *, channels: int) -> Beginning:
    unfit = card.unfit_for(model.architecture, stem=model.stem, channels=channels)
    return _refused("weights_unfit", unfit) if unfit else Beginning(card.id, card)


def _refused(code: str, message: str) -> Beginning:
    return Beginning(violations=(Violation(pointer=POINTER, code=code, message=message),))

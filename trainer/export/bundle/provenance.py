"""What a bundle carries of the pretrained weights that its network began with: their source and their licence."""

from typing import Any

from contract.files import PRETRAINED_NOTICE
from contract.specs import ResolvedSpec
from contract.weights import BUILT_IN
from trainer.errors import ended
from trainer.models import builtin_weights
from trainer.models.builtin_weights import NotAsPublished


def notice(spec: ResolvedSpec) -> dict[str, bytes]:
    """The file by its name; none of a network that began at random. Raises TrainerError where the licence is absent."""
    origin = spec.origin
    if origin is None:
        return {}
    head = (
        "This model was fine-tuned from pretrained weights, and is a work derived from them.\n\n"
        f"Weights: {origin.id}\nSource: {origin.source}\nLicence: {origin.licence}\nsha256: {origin.sha256}\n"
    )
    return {PRETRAINED_NOTICE: f"{head}{_text(origin.id)}".encode()}


def stated(spec: ResolvedSpec) -> dict[str, Any]:
    """What the manifest says of it."""
    return {"pretrained": spec.origin.model_dump()} if spec.origin else {}


def _text(weights_id: str) -> str:
    """Of the licence, where its file is known: that of built-in weights."""
    built_in = BUILT_IN.get(weights_id)
    if built_in is None:
        return ""
    try:
        return f"\n{builtin_weights.licence(built_in)}"
    except NotAsPublished as error:
        raise ended("missing_dependency", str(error), install=built_in.installed_by) from error

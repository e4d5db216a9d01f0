"""All methods of classification, for tests that hold for each of them."""

from typing import Any, get_args

from contract.specs import MethodSpec
from contract.specs.methods import TaughtSpec

SPECS: tuple[type[Any], ...] = tuple(
    kind for kind in get_args(get_args(MethodSpec)[0]) if "classification" in kind.tasks
)


def body_of(spec: type[Any]) -> dict[str, Any]:
    """A method's part of a job's body."""
    taught = {"teacher": "mdl_teacher"} if issubclass(spec, TaughtSpec) else {}
    return {"name": name_of(spec)} | taught


def name_of(spec: type[Any]) -> str:
    return str(spec.model_fields["name"].default)

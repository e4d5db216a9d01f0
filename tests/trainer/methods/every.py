"""All methods of the spec that can be built, for tests that hold for each of them."""

from typing import Any, get_args

from core.spec import MethodSpec
from core.spec.methods import SwappingSpec, TaughtSpec
from tests.trainer.methods.judging import DIMENSIONS
from trainer import methods

SPECS: tuple[type[Any], ...] = get_args(get_args(MethodSpec)[0])


def body_of(spec: type[Any]) -> dict[str, Any]:
    """A method's part of a job's body, for tiny images."""
    taught = {"teacher": "mdl_teacher"} if issubclass(spec, TaughtSpec) else {}
    return {"name": name_of(spec)} | taught


def name_of(spec: type[Any]) -> str:
    return str(spec.model_fields["name"].default)


def is_built(spec: type[Any]) -> bool:
    patch = {"patch_size": 2} if issubclass(spec, SwappingSpec) else {}
    try:
        methods.build(spec(**body_of(spec), **patch), DIMENSIONS)
    except NotImplementedError:
        return False
    return True


BUILT = tuple(spec for spec in SPECS if is_built(spec))

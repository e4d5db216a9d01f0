"""What every part of a spec is: closed against unknown fields, NaN and infinities, and against text for numbers."""

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError


class Later:
    """Marks a field that a later release added: it is written only where it differs from its default.

    So workers of an earlier release read the specs they can run, and the fingerprint of a checkpoint stays.
    """


LATER = Later()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def] # noqa: ANN202 - a return type would become the JSON Schema
        said: dict[str, Any] = handler(self)
        for name, field in type(self).model_fields.items():
            if LATER in field.metadata and getattr(self, name) == field.get_default(call_default_factory=True):
                said.pop(name, None)
        return said

    @model_validator(mode="before")
    @classmethod
    def _is_what_json_calls_it(cls, body: Any) -> Any:
        """Pydantic would read "5" and true as numbers, 1 and "yes" as true; no JSON Schema does."""
        if not isinstance(body, dict):
            return body
        found = {name: _fault(cls.model_fields[name].annotation, body[name]) for name in body.keys() & cls.model_fields}
        errors = [
            InitErrorDetails(type=PydanticCustomError("json_type", message), loc=(name,), input=body[name])
            for name, message in found.items()
            if message is not None
        ]
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return body


def _fault(annotation: Any, value: Any) -> Any:
    """A sentence, where the value is of a type that only pydantic takes for the field's own."""
    if not isinstance(value, bool | str | int):
        return None
    leaves = _leaves(annotation) - {NoneType}
    if leaves <= {int, float} and isinstance(value, bool | str):
        return "Input should be a number"
    if leaves == {bool} and not isinstance(value, bool):
        return "Input should be true or false"
    return None


def _leaves(annotation: Any) -> set[Any]:
    """What a union, however annotated, is made of."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _leaves(inner[0])
    if origin in (Union, UnionType):
        return set[Any]().union(*(_leaves(each) for each in inner))
    return {annotation}

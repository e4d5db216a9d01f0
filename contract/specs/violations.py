"""Why a spec cannot be run, or is doubtful: where, by a JSON pointer, and what to do."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.specs.wording import message_of


class Violation(BaseModel):
    pointer: str  # RFC 6901
    code: str
    message: str


class SpecWarning(BaseModel):
    pointer: str
    code: str
    message: str


class SpecInvalid(ValueError):
    """The spec cannot be run; `violations` says where and why."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.pointer}: {v.message}" for v in violations))
        self.violations = violations


def violations_of(error: ValidationError, body: Any) -> list[Violation]:
    """What pydantic found, with JSON pointers into what was sent."""
    return violations_in(error.errors(include_url=False), body)


def violations_in(errors: Sequence[Any], body: Any) -> list[Violation]:
    """The same of pydantic's own dictionaries, whose `loc` begins at the body."""
    found = [_violation(error, body) for error in errors if not _follows(error, errors)]
    # An arm of a union had the right type.
    better = {each.pointer for each in found if not each.code.endswith("_type") and each.code != "literal_error"}
    return [each for each in found if not (each.code.endswith("_type") and each.pointer in better)]


def _violation(error: Any, body: Any) -> Violation:
    pointer = _pointer(error["loc"], body)
    if error["type"].startswith("union_tag"):
        pointer += "/" + error["ctx"]["discriminator"].strip("'")
    return Violation(pointer=pointer, code=error["type"], message=message_of(error))


def _follows(error: Any, errors: Sequence[Any]) -> bool:
    """Whether a list counts as too short only because pydantic left out its faulty items."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
    )


def _pointer(loc: tuple[int | str, ...], body: Any) -> str:
    """A JSON pointer into what was sent: pydantic's union tags, which the sender never wrote, are left out."""
    parts: list[str] = []
    here: Any = body
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if _holds(here, part):
            here = here[part]
        elif not (last and isinstance(here, dict)):
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "/" + "/".join(parts) if parts else ""


def _holds(container: Any, part: int | str) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list | tuple) and isinstance(part, int) and part < len(container)

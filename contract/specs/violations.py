"""Why a spec cannot be run, or is doubtful: where, by a JSON pointer, and what to do."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.specs.wording import message_of

_WRONG_TYPE = ("_type", "_parsing", "literal_error")  # ends of pydantic's codes
_MUST_BE = re.compile(r"Must be (?P<what>.+?)(?P<echo>; you sent .*)?\.", re.DOTALL)


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
    found: dict[str, list[Violation]] = {}
    for error in errors:
        if not _follows(error, errors):
            violation = _violation(error, body)
            found.setdefault(violation.pointer, []).append(violation)
    return [violation for there in found.values() for violation in _of_union(there)]


def _of_union(there: list[Violation]) -> list[Violation]:
    """Of one place: the arm of a union that had the right type speaks alone, else one sentence says what each takes."""
    unfit = [each for each in there if each.code.endswith(_WRONG_TYPE)]
    if len(unfit) < len(there):
        return [each for each in there if each not in unfit]
    said = [_MUST_BE.fullmatch(each.message) for each in unfit]
    taken = list(dict.fromkeys(each["what"] for each in said if each))
    if len(taken) < 2 or None in said:
        return there
    echo = (said[0] and said[0]["echo"]) or ""
    message = f"Must be {', '.join(taken[:-1])} or {taken[-1]}{echo}."
    return [there[0].model_copy(update={"message": message})]


def _violation(error: Any, body: Any) -> Violation:
    pointer = _pointer(error["loc"], body, may_lack=not error["type"].endswith(_WRONG_TYPE))
    if error["type"].startswith("union_tag"):
        pointer += "/" + error["ctx"]["discriminator"].strip("'")
    return Violation(pointer=pointer, code=error["type"], message=message_of(error))


def _follows(error: Any, errors: Sequence[Any]) -> bool:
    """Whether a list counts as too short only because pydantic left out its faulty items."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors
    )


def _pointer(loc: tuple[int | str, ...], body: Any, *, may_lack: bool) -> str:
    """A JSON pointer into what was sent, or to a field that it lacks.

    Pydantic's union tags, which the sender never wrote, are left out.
    """
    parts: list[str] = []
    here: Any = body
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if _holds(here, part):
            here = here[part]
        elif not (may_lack and last and isinstance(here, dict)):
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "/" + "/".join(parts) if parts else ""


def _holds(container: Any, part: int | str) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list | tuple) and isinstance(part, int) and part < len(container)

"""Why a spec cannot be run, or is doubtful: where, by a JSON pointer, and what to do."""

from typing import Any

from pydantic import BaseModel, ValidationError


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
    return [_violation(e, body) for e in error.errors(include_url=False)]


def _violation(error: Any, body: Any) -> Violation:
    pointer = _pointer(error["loc"], body)
    if error["type"].startswith("union_tag"):
        pointer += "/" + error["ctx"]["discriminator"].strip("'")
    return Violation(pointer=pointer, code=error["type"], message=_message(error))


def _message(error: Any) -> str:
    """Pydantic's words, but where they do not say what to do."""
    if error["type"] == "extra_forbidden":
        return "there is no such field; correct its name or leave it out"
    if error["type"] == "missing":
        return f"{error['loc'][-1]!r} is missing; give it"
    if error["type"] == "union_tag_invalid":
        return f"there is no {error['ctx']['tag']!r}; take one of {error['ctx']['expected_tags']}"
    return str(error["msg"])


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

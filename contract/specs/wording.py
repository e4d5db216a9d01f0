"""What pydantic finds wrong, in our sentences: no words of its own reach whoever sent it."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

_LONGEST_ECHO = 40  # characters of what was sent
_OF_PYDANTIC = frozenset(get_args(ErrorType)) - {"json_type"}  # which contract.strict gives in its own words
_UNKNOWN = "Is no value that is accepted here"
_NUMBER, _TRUTH, _TEXT = "Must be a number", "Must be true or false", "Must be a text"
_WHOLE, _OBJECT, _LIST = "Must be a whole number", "Must be an object", "Must be a list"
_DAY, _TIME = "Must be a day, such as 2026-12-01", "Must be a time with its zone, such as 2026-12-01T00:00:00Z"
_KINDS = {
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "date_from_datetime_inexact": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_parsing": _DAY,
    "date_type": _DAY,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "datetime_parsing": _TIME,
    "datetime_type": _TIME,
    "dict_type": _OBJECT,
    "finite_number": "Must be a finite number",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "Must be a whole number with fewer digits",
    "int_type": _WHOLE,
    "list_type": _LIST,
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "none_required": "Must be null",
    "string_type": _TEXT,
    "string_unicode": "Must be a text in Unicode",
    "timezone_aware": _TIME,
    "tuple_type": _LIST,
    "url_parsing": "Must be a URL, such as https://example.com/hook",
    "url_scheme": "Must be a URL that begins with http:// or https://",
    "url_type": "Must be a URL, such as https://example.com/hook",
}
_LIMITS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "enum": lambda found: f"Must be {found['expected']}",
    "greater_than": lambda found: f"Must be greater than {found['gt']}",
    "greater_than_equal": lambda found: f"Must be at least {found['ge']}",
    "less_than": lambda found: f"Must be less than {found['lt']}",
    "less_than_equal": lambda found: f"Must be at most {found['le']}",
    "literal_error": lambda found: f"Must be {found['expected']}",
    "multiple_of": lambda found: f"Must be a multiple of {found['multiple_of']}",
    "string_pattern_mismatch": lambda found: f"Must match the regular expression `{found['pattern']}`",
    "string_too_long": lambda found: f"Must have at most {_counted(found['max_length'], 'character')}",
    "string_too_short": lambda found: f"Must have at least {_counted(found['min_length'], 'character')}",
    "too_long": lambda found: f"Must have at most {_counted(found['max_length'], 'item')}",
    "too_short": lambda found: f"Must have at least {_counted(found['min_length'], 'item')}",
}
_WHOLE_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "extra_forbidden": lambda _: "There is no such field. Correct its name or leave it out.",
    "union_tag_invalid": lambda found: f"There is no {found['tag']!r}. Take one of {found['expected_tags']}.",
    "union_tag_not_found": lambda _: "This is missing. Give it.",
}
_SUBJECT = re.compile("^(Input|String|Value|List|Tuple|Set|Dictionary) should")


def message_of(error: Any) -> str:
    """One of pydantic's dictionaries as a sentence, or two, that say what to do."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f"{repr(error['loc'][-1]) if error['loc'] else 'The body'} is missing. Give it."
    if kind in ("value_error", "assertion_error"):  # a rule of ours
        return _sentence(str(context.get("error", error["msg"].partition(", ")[2])))
    if kind in _WHOLE_SENTENCES:
        return _WHOLE_SENTENCES[kind](context)
    if kind in _LIMITS and context:
        return f"{_LIMITS[kind](context)}{_echo(error)}."
    is_pydantics = kind in _OF_PYDANTIC and kind not in _LIMITS  # a rule of ours may borrow the name of a limit
    words = _KINDS.get(kind, _UNKNOWN) if is_pydantics else _SUBJECT.sub("Must", error["msg"])
    return _sentence(f"{words}{_echo(error)}")


def _echo(error: Any) -> str:
    """The number, true, false or null that was sent; texts may be secrets and are not repeated."""
    sent = error.get("input", "")
    if sent is not None and not isinstance(sent, int | float):
        return ""
    written = json.dumps(sent)
    return f"; you sent {written}" if len(written) <= _LONGEST_ECHO else ""


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")

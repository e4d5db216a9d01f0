"""No sentence of pydantic's reaches whoever sent a body."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyHttpUrl, AwareDatetime, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from contract.specs import JobSpec, violations_of
from contract.specs.wording import message_of

RAW = (
    "Input should",
    "should be",
    "should have",
    "valid ",
    "unable to",
    "Unable to",
    "parse",
    "pydantic",
    "instance of",
)
OF_PYDANTIC = [each["type"] for each in list_all_errors() if each["type"] != "json_type"]  # contract.strict's


class Body(BaseModel):
    whole: int = 0
    number: float = 0
    truth: bool = False
    text: str = Field("abc", min_length=2, max_length=3)
    items: list[int] = Field([1], min_length=1, max_length=2)
    table: dict[str, int] = {}
    pair: tuple[int, int] = (1, 2)
    word: Literal["asc", "desc"] = "asc"
    day: date = date(2026, 12, 1)
    at: AwareDatetime = datetime.fromisoformat("2026-12-01T00:00:00Z")
    url: AnyHttpUrl | None = None
    either: int | Literal["auto"] = "auto"


def messages(body: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        Body.model_validate(body)
    return [each.message for each in violations_of(raised.value, body)]


@pytest.mark.parametrize("kind", OF_PYDANTIC)
def test_every_kind_of_error_has_a_sentence_of_ours(kind: str):
    (about,) = [each for each in list_all_errors() if each["type"] == kind]
    context = about.get("example_context") or {}
    said = message_of(
        {"type": kind, "loc": ("field",), "ctx": context, "input": "x", "msg": about["example_message_python"]}
    )
    assert not [words for words in RAW if words in said], said
    assert said[0].isupper() or said[0] in "'`"
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"whole": None}, "Must be a whole number; you sent null."),
        ({"whole": "x"}, "Must be a whole number."),
        ({"whole": 0.5}, "Must be a whole number; you sent 0.5."),
        ({"whole": 1e308}, "Must be a whole number with fewer digits; you sent 1e+308."),
        ({"number": []}, "Must be a number."),
        ({"truth": None}, "Must be true or false; you sent null."),
        ({"text": "a"}, "Must have at least 2 characters."),
        ({"text": "abcd"}, "Must have at most 3 characters."),
        ({"items": []}, "Must have at least 1 item."),
        ({"items": [1, 2, 3]}, "Must have at most 2 items."),
        ({"table": []}, "Must be an object."),
        ({"word": "up"}, "Must be 'asc' or 'desc'."),
        ({"day": "yesterday"}, "Must be a day, such as 2026-12-01."),
        ({"at": "2026-12-01T00:00:00"}, "Must be a time with its zone, such as 2026-12-01T00:00:00Z."),
        ({"url": "x"}, "Must be a URL, such as https://example.com/hook."),
        ({"url": "ftp://x"}, "Must be a URL that begins with http:// or https://."),
    ],
)
def test_what_is_said_of_a_body(body: dict[str, Any], message: str):
    assert messages(body) == [message]


def test_a_union_says_what_each_of_its_arms_takes():
    assert messages({"either": []}) == ["Must be a whole number or 'auto'."]


def test_a_rule_without_a_full_stop_gets_one():
    def refuse(_: Any) -> Any:
        raise ValueError("give another one")

    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Annotated[int, BeforeValidator(refuse)]).validate_python(1)
    assert message_of(raised.value.errors()[0]) == "Give another one."


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ({"training": {"epochs": "x"}}, "/training/epochs", "Must be a number."),
        ({"control": 1}, "/control", "Must be true or false; you sent 1."),
    ],
)
def test_what_json_calls_otherwise_is_told_in_our_words(body: dict[str, Any], pointer: str, message: str):
    sent = {"dataset": "ds"} | body
    with pytest.raises(ValidationError) as raised:
        JobSpec.model_validate(sent)
    assert [(each.pointer, each.message) for each in violations_of(raised.value, sent)] == [(pointer, message)]

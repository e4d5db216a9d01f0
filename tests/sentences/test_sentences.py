"""What people read is said in whole, plain sentences: errors, findings, `--help`, the HTTP contract, settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from api.app import create_app
from core import errors
from core.settings import Settings
from patchswap.cli.app import app
from tests.sentences.reading import ROOT, in_code
from tests.sentences.rules import faults


def told(texts: Iterator[tuple[str, str]]) -> list[str]:
    return sorted({f"{place}: {text} -> {fault}" for place, text in texts for fault in faults(text)})


def test_errors_and_findings_are_sentences():
    texts = [(f"{said.place}:{said.line}", said.text) for said in in_code()]
    assert len(texts) > 800
    assert told(iter(texts)) == []


def kinds_below(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from kinds_below(each)


def test_docstrings_of_errors_are_sentences():
    create_app()  # imports whatever raises one
    classes = [one for one in kinds_below(errors.DomainError) if not one.__module__.startswith("tests.")]
    assert len(classes) > 50
    assert told((one.__name__, one.__doc__ or "") for one in classes) == []


def helps(path: str, command: Any) -> Iterator[tuple[str, str]]:
    yield path, command.help or ""
    for name, child in getattr(command, "commands", {}).items():
        yield from helps(f"{path} {name}", child)
    for parameter in command.params:
        if parameter.name != "help":
            yield f"{path} {parameter.name}", parameter.help or ""


def test_every_command_argument_and_option_says_in_a_sentence_what_it_is():
    found = list(helps("patchswap", typer.main.get_command(app)))
    assert len(found) > 200
    assert [place for place, text in found if not text] == []
    ids = ("_...", "NAME.html.")  # they end an enumeration of ids, and a name
    assert [fault for fault in told(iter(found)) if not any(one in fault for one in ids)] == []


def test_help_of_a_command_fits_two_lines_of_a_terminal():
    long = [place for place, text in helps("patchswap", typer.main.get_command(app)) if len(text.split("\n")[0]) > 110]
    assert long == []


def described(part: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        if isinstance(text := part.get("description"), str) and text != "Successful Response":
            yield place, text
        for name, inner in part.items():
            if name not in ("example", "examples", "default"):
                yield from described(inner, f"{place}/{name}")
    elif isinstance(part, list):
        for inner in part:
            yield from described(inner, place)


def test_the_http_contract_is_described_in_sentences():
    found = list(described(json.loads((ROOT / "docs" / "openapi.json").read_text())))
    assert len(found) > 800
    assert told(iter(found)) == []


def test_settings_are_described_in_sentences():
    assert told((name, field.description or "") for name, field in Settings.model_fields.items()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("the file is damaged.", "capital"),
        ("The file is damaged", "full stop"),
        ("Keep so many images.", "so many"),
        ("A file " + "and a file " * 20 + "are here.", "words"),
    ],
)
def test_a_fault_is_seen(text: str, fault: str):
    assert any(fault in one for one in faults(text))


@pytest.mark.parametrize(
    "text",
    ["Give --mean.", "`map` names no class.", "Follow it: patchswap watch job_1", "Its values, as asked, "],
)
def test_a_sound_text_has_no_fault(text: str):
    assert list(faults(text)) == []

"""Every command and snippet of the docs is run by a test or says why not, and all of them can be parsed."""

from __future__ import annotations

import ast
import json
import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main
import yaml

from patchswap.cli.app import app
from tests.documented.blocks import MEASURED, REASONS, ROOT, RUN, Block, every, of_page

BLOCKS = every()
PROGRAMS = [block for block in BLOCKS if block.is_program]
COMMANDS = [(block, line) for block in PROGRAMS if block.language != "python" for line in block.commands]


def unheld(blocks: list[Block]) -> list[str]:
    """Where a program is neither run nor marked."""
    return [str(one) for one in blocks if not one.is_run and one.reason is None and one.page not in MEASURED]


def test_every_program_is_run_or_says_why_not():
    assert len(PROGRAMS) > 50
    assert unheld(PROGRAMS) == []


def test_a_program_that_is_neither_run_nor_marked_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.documented.blocks.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "Text.\n\n```bash\nls\n```\n\n<!-- not run: needs a GPU -->\n\n```python\nx = 1\n```\n\n```\nout\n```\n"
    )
    found = list(of_page(page))
    assert [(one.language, one.reason, one.is_program) for one in found] == [
        ("bash", None, True),
        ("python", "needs a GPU", True),
        ("", None, False),
    ]
    assert unheld([one for one in found if one.is_program]) == ["page.md:3"]


def test_reasons_are_those_that_were_agreed_on():
    assert {block.reason for block in BLOCKS if block.reason} <= REASONS
    assert [str(block) for block in BLOCKS if block.reason and block.is_run] == []


def test_pages_that_are_run_and_the_tests_that_do_so_exist():
    for page, test in RUN.items():
        assert list(ROOT.glob(page)), page
        assert (ROOT / test).is_file()


@pytest.mark.parametrize(
    ("block", "line"),
    [pytest.param(block, line, id=str(block)) for block, line in COMMANDS if re.match(r"(?:\S*/)?patchswap\b", line)],
)
def test_commands_of_patchswap_are_parsed(block: Block, line: str):
    """Each command and each option exists. Nothing is run."""
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0])[1:]
    context = click.Context(root := typer.main.get_command(app), info_name="patchswap")
    command: click.Command = root
    try:
        while isinstance(command, click.Group) and words:
            name, found, words = command.resolve_command(context, words)
            assert found is not None
            context = click.Context(found, parent=context, info_name=name)
            command = found
        if words or not isinstance(command, click.Group):
            command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        pytest.fail(f"{block}: {line}: {error.format_message()}")


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {(str(block), word) for block, line in COMMANDS if line.startswith("make ") for word in line.split()[1:]}
    assert len(asked) > 5
    assert [one for one in asked if "=" not in one[1] and one[1] not in targets] == []


def test_python_compiles():
    for block in PROGRAMS:
        if block.language == "python":
            ast.parse(block.text, filename=str(block))


def test_json_and_yaml_are_sound():
    for block in BLOCKS:
        if block.language == "json":
            json.loads(block.text)
        elif block.language in ("yaml", "yml"):
            yaml.safe_load(block.text)

"""docs/architecture.md says what is: its picture, its table, its paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.architecture import drawing, rules
from tests.architecture.page import PAGE, written
from tests.architecture.rules import ROOT, ROOTS

TEXT = PAGE.read_text()
TASKS = ("classification", "segmentation", "detection")
TOP = {path.name for path in ROOT.iterdir()}


def paths_in(text: str) -> Iterator[str]:
    """What is set as code and begins with a folder of this repository; `::name` may follow."""
    for span in re.findall(r"`([^`\s]+)`", text):
        if "/" in span and span.partition("/")[0] in TOP:
            yield span


def missing(path: str) -> str | None:
    """What of a path is not there. `T` stands for every task, `X` for a name that is still to come."""
    place, _, name = path.partition("::")
    for task in TASKS:
        pattern = re.sub(r"\bX(?=\b|_)", "*", re.sub(r"\bT\b", task, place)).rstrip("/")
        found = sorted(ROOT.glob(pattern))
        if not found:
            return pattern
        if name and not re.search(rf"^\s*(async )?(def|class) {name}\b", found[0].read_text(), re.MULTILINE):
            return f"{name} in {place}"
    return None


def test_picture_and_table_are_what_the_code_gives():
    assert written(TEXT) == TEXT, "Run `make architecture` and commit docs/architecture.md."


def test_what_the_page_names_is_there():
    named = set(paths_in(TEXT))
    assert len(named) > 100
    assert sorted(filter(None, map(missing, named))) == []


def test_path_that_is_not_there_is_noticed():
    assert missing("core/leases.py") == "core/leases.py"
    assert missing("trainer/tasks/T/network.py") == "trainer/tasks/classification/network.py"
    assert missing("core/database/leases.py::extend") == "extend in core/database/leases.py"
    assert missing("trainer/tasks/T/methods/X.py") is None


def test_links_lead_to_files():
    links = [link for link in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in link]
    assert links
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


def test_page_is_short_enough_to_be_read():
    assert len(TEXT.splitlines()) < 300
    prose = re.sub(r"^(```.*?^```|\|.*?)$", "", TEXT, flags=re.DOTALL | re.MULTILINE)
    assert [line for line in prose.splitlines() if len(line) > 100] == []


def test_every_room_has_its_row():
    assert [room for room in ROOTS if f"| `{room}/` |" not in TEXT] == []


def test_rooms_that_start_each_other_do_not_import_each_other():
    """A dotted arrow beside a solid one would say that a process is started and imported."""
    reached = {(one, other) for one, other, _ in drawing.PROCESSES}
    assert reached <= rules.forbidden()

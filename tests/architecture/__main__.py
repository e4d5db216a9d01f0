"""`python -m tests.architecture`: write what docs/architecture.md shows of the code anew."""

from __future__ import annotations

from tests.architecture.page import PAGE, written

PAGE.write_text(written(PAGE.read_text()))

"""Archives that were once read wrongly, as they came."""

from pathlib import Path

import pytest

from tests.ingest.cases.kept_cases import CASES, KEPT, judge

ARCHIVES = sorted(KEPT.glob("*.zip"))


@pytest.mark.parametrize("archive", ARCHIVES, ids=[archive.stem for archive in ARCHIVES])
def test_archive_is_read_right_or_refused_with_the_reason(archive: Path) -> None:
    assert judge(archive) == []


def test_a_wrong_reading_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CASES, "hf_jsonl", CASES["hf_jsonl"]._replace(classes=("test", "train"), images=3))
    assert len(judge(KEPT / "hf_jsonl.zip")) == 2

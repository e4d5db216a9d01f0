"""Odd and hostile archives: a report each time, nothing outside OUT, and no pack of an invalid one."""

from pathlib import Path

import pytest

from ingest import Limits, ValidationReport
from tests.ingest.corpus import CASES, Case
from tests.ingest.packs import check_pack, run_ingest


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_corpus_gets_a_report_and_stays_inside(case: Case, tmp_path: Path) -> None:
    result = run_ingest(case.build(), tmp_path, limits=Limits(**case.limits))
    report = result.report
    assert report.status == ("ready" if case.ready else "invalid"), report.findings
    assert case.codes <= report.counts.keys()
    assert case.ready == (result.manifest is not None)
    assert case.accepted in {None, report.accepted}
    assert any(finding.severity == "error" for finding in report.findings) != case.ready
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out"]
    if case.ready:
        check_pack(tmp_path / "out")
    else:
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.json"]
    assert ValidationReport.model_validate_json((tmp_path / "out" / "report.json").read_bytes()) == report


def test_corpus_is_large_enough() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40

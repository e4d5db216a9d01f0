"""What the report says of classes that are common and rare."""

from pathlib import Path

import pytest

from tests.ingest.archives import folders, zipped
from tests.ingest.packs import run_ingest


@pytest.mark.parametrize(("counts", "told"), [({"cat": 30, "dog": 10}, True), ({"cat": 29, "dog": 10}, False)])
def test_unbalanced_classes_are_told_with_what_to_do(tmp_path: Path, counts: dict[str, int], told: bool) -> None:
    layout = zipped({f"train/{name}": content for name, content in folders(counts).items()})
    report = run_ingest(layout, tmp_path).report
    found = [finding for finding in report.findings if finding.code == "classes_unbalanced"]
    assert bool(found) == told
    if told:
        [finding] = found
        assert "'cat' has " in finding.message
        assert "times as many" in finding.message
        assert finding.severity == "info"
        assert finding.fix is not None
        assert "--set training.class_balance=sampler" in finding.fix

"""Super-classes: read where an archive names them well, told of and left aside where it does not."""

import json
from pathlib import Path

import pytest

from contract.pack.manifest import PackManifest
from ingest import IngestResult
from tests.ingest.archives import folders, tarred, zipped
from tests.ingest.packs import run_ingest

CLASSES = {"oak": 5, "maple": 5, "trout": 5}
NAMED = {"oak": "trees", "maple": "trees", "trout": "fish"}


def ingested(stated: object, folder: Path, *, path: str = "superclasses.json", prefix: str = "") -> IngestResult:
    content = stated if isinstance(stated, bytes) else json.dumps(stated).encode()
    return run_ingest(zipped(folders(CLASSES, prefix=prefix) | {path: content}), folder)


def said(result: IngestResult) -> dict[str, str]:
    return {finding.code: finding.severity for finding in result.report.findings} | {}


def manifest(result: IngestResult) -> PackManifest:
    assert result.manifest is not None
    return result.manifest


@pytest.mark.parametrize(
    ("path", "prefix"), [("superclasses.json", ""), ("d/superclasses.json", "d/"), ("superclasses.json", "d/")]
)
def test_file_beside_or_above_the_images_is_read(path: str, prefix: str, tmp_path: Path) -> None:
    result = ingested(NAMED, tmp_path, path=path, prefix=prefix)
    assert manifest(result).superclasses == NAMED
    assert set(said(result)) == {"splits_made"}
    assert result.report.ignored == 0
    stored = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert stored["superclasses"] == NAMED


def test_a_tar_is_read_too_and_tells_of_classes_without_images(tmp_path: Path) -> None:
    files = folders(CLASSES) | {"superclasses.json": json.dumps(NAMED | {"elm": "trees"}).encode()}
    result = run_ingest(tarred(files), tmp_path)
    assert manifest(result).superclasses == NAMED
    assert said(result)["superclass_of_no_class"] == "info"


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        (b"{", "superclasses_unreadable"),
        (b"\xff\xfe", "superclasses_unreadable"),
        (b"[" * 100_000, "superclasses_unreadable"),
        ([1, 2], "superclasses_unreadable"),
        ({}, "superclasses_unreadable"),
        ({"oak": ["trees"], "maple": "trees", "trout": "fish"}, "superclasses_unreadable"),
        ({"oak": "", "maple": "trees", "trout": "fish"}, "superclasses_unreadable"),
        ({"oak": "trees", "trout": "fish"}, "superclasses_incomplete"),
        (dict.fromkeys(NAMED, "things"), "superclasses_trivial"),
        ({name: name for name in NAMED}, "superclasses_trivial"),
    ],
)
def test_file_that_cannot_be_used_leaves_the_dataset_sound(stated: object, code: str, tmp_path: Path) -> None:
    result = ingested(stated, tmp_path)
    assert manifest(result).superclasses is None
    assert said(result)[code] == "warning"
    (finding,) = (finding for finding in result.report.findings if finding.code == code)
    assert finding.path == "superclasses.json"
    assert finding.fix


def test_file_among_the_images_is_any_file(tmp_path: Path) -> None:
    result = ingested(NAMED, tmp_path, path="oak/superclasses.json")
    assert manifest(result).superclasses is None
    assert said(result)["file_ignored"] == "info"


def test_names_that_would_garble_a_page_are_made_printable(tmp_path: Path) -> None:
    result = ingested({"oak": "tr\u202eees", "maple": "tr\u202eees", "trout": "<b>"}, tmp_path)
    assert manifest(result).superclasses == {"oak": "tr\ufffdees", "maple": "tr\ufffdees", "trout": "<b>"}


def test_manifest_of_an_older_pack_is_still_read(tmp_path: Path) -> None:
    stored = json.loads(manifest(ingested(NAMED, tmp_path)).model_dump_json())
    del stored["superclasses"]
    assert PackManifest.model_validate(stored).superclasses is None

"""What `datasets push` prints of a report: every class, every kind of finding once."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from patchswap.cli import dataset_report
from patchswap.resources import ValidationReport
from tests.ingest.archives import folders, zipped
from tests.patchswap.cli.conftest import Run

REPORT = ValidationReport.model_validate(
    {
        "status": "ready",
        "accepted": 30,
        "skipped": 2,
        "ignored": 1,
        "classes": 2,
        "splits": {"train": 20, "val": 4, "test": 6},
        "pairability": {"share": 1.0, "unpairable_classes": []},
        "amounts": {"train": {"cat": 1200, "dog": 8}, "val": {"cat": 2, "dog": 2}, "test": {"cat": 3, "dog": 0}},
        "images": {"train": {"cat": 12, "dog": 8}, "val": {"cat": 2, "dog": 2}, "test": {"cat": 3, "dog": 0}},
        "findings": [
            {"severity": "warning", "code": "a", "path": f"{n}.png", "message": "is odd", "fix": "Mend it."}
            for n in range(20)
        ]
        + [{"severity": "info", "code": "b", "path": None, "message": "Splits were made.", "fix": None}],
        "counts": {"a": 250, "b": 1},
    }
)


def test_every_class_stands_in_the_table_with_its_splits() -> None:
    lines = dataset_report.text(REPORT, task="detection", name="pets").splitlines()
    assert [line.split() for line in lines if line.startswith(("CLASS", "cat", "dog"))] == [
        ["CLASS", "TRAIN", "VAL", "TEST", "BOXES"],
        ["cat", "12", "2", "3", "1,205"],
        ["dog", "8", "2", "0", "10"],
    ]


def test_one_of_a_kind_is_counted_as_one() -> None:
    single = REPORT.model_copy(update={"classes": 1, "skipped": 1})
    first = dataset_report.text(single, task="detection", name="pets").splitlines()[0]
    assert first == "30 images of 1 class (20 train, 4 val, 6 test), 1 image left out, 1 other file not used"


def test_classes_are_sorted_as_people_sort_them() -> None:
    """The ledger keeps no order of names."""
    images = {"train": {"10": 1, "9": 1, "b": 1, "A": 1}}
    mixed = REPORT.model_copy(update={"amounts": images, "images": {}})
    shown = dataset_report.classes(mixed, "classification").splitlines()
    assert [line.split()[0] for line in shown] == ["CLASS", "9", "10", "A", "b"]


def test_a_kind_of_finding_takes_one_line_and_notes_are_not_hidden() -> None:
    told = dataset_report.findings(REPORT, "pets").splitlines()
    assert told == [
        "warning: 0.png: is odd. Mend it. (250 of this kind)",
        "note: Splits were made.",
        "`patchswap datasets show pets --json` lists every one",
    ]


def test_names_in_an_archive_do_not_steer_the_terminal() -> None:
    odd = REPORT.model_copy(update={"amounts": {"train": {"\x1b[31mred": 3}}, "images": {}})
    assert "\x1b" not in dataset_report.text(odd, task="classification", name="x")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_dry_run_reports_without_a_service(run: Run, tmp_path: Path, form: str) -> None:
    archive = zipped(folders({"cat": 8, "kitten": 8, "dog": 8}))
    (tmp_path / "pets.zip").write_bytes(archive)
    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path / "pets")
    path = "pets" if form == "folder" else "pets.zip"
    done = run("datasets", "push", path, "--dry-run", "--map", "cat,kitten=cat")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("cat", "dog", "kitten"))]
    assert [row[0] for row in rows] == ["cat", "dog"]
    assert sum(map(int, rows[0][1:])) == 16


def test_a_dry_run_of_a_refused_archive_says_why_and_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pets.zip").write_bytes(zipped(folders({"cat": 8})))
    done = run("datasets", "push", "pets.zip", "--dry-run")
    assert done.returncode == 1
    assert "error: There is only one class, 'cat'" in done.stdout
    as_json = run("datasets", "push", "pets.zip", "--dry-run", "--json")
    assert json.loads(as_json.stdout)["status"] == "invalid"


def test_a_refusal_names_the_option_that_was_typed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pets.zip").write_bytes(zipped(folders({"cat": 8, "dog": 8})))
    done = run("datasets", "push", "pets.zip", "--dry-run", "--classes-at", "5")
    assert done.returncode == 1
    assert "`--classes-at`" in done.stdout
    assert "classes_at" not in done.stdout


def test_a_dry_run_of_nothing_is_refused(run: Run) -> None:
    done = run("datasets", "push", "nowhere", "--dry-run")
    assert done.returncode != 0
    assert "There is no file or folder nowhere." in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--val", "2"), "patchswap: /splits/val: Must be at most 0.9; you sent 2.0.\n"),
        (("--val", "0.6", "--test", "0.6"), "patchswap: /splits: `val` and `test` together must be below 1.\n"),
        (("--unlabelled", "skip", "--classes-at", "0"), "/reading/classes_at"),
    ],
)
def test_a_dry_run_names_the_option_that_cannot_be(
    run: Run, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "pets.zip").write_bytes(zipped(folders({"cat": 8, "dog": 8})))
    done = run("datasets", "push", "pets.zip", "--dry-run", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "python -m" not in done.stderr


def test_a_dry_run_names_what_to_install(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "__init__.py").write_text("raise ImportError('as where only the client is installed')")
    (tmp_path / "pets.zip").write_bytes(zipped(folders({"cat": 8})))
    root = str(Path(__file__).parents[3])
    done = run("datasets", "push", "pets.zip", "--dry-run", PYTHONPATH=f"{tmp_path}:{root}")
    assert "pip install 'patchswap[worker]'" in done.stderr

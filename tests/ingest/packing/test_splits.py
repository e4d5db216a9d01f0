"""Splits are stratified, repeatable and honest: no image on both sides, every class left with something to train on."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.pack.manifest import Split
from ingest import SplitRequest
from ingest.findings import Findings
from ingest.packing.presence import of_labels
from ingest.packing.splits import LEFT_OUT, decide, keep_per_class
from ingest.packing.staging import UNDECIDED, Columns
from tests.ingest.archives import folders, png, zipped
from tests.ingest.packs import read_pack, run_ingest


def columns(counts: list[int], *, copies: int = 1, given: Split | None = None) -> Columns:
    """So many images of each class, each `copies` times, told apart by digest only."""
    label = np.repeat(np.arange(len(counts)), np.array(counts) * copies).astype(np.int32)
    numbers = np.concatenate([np.repeat(np.arange(count), copies) for count in counts])
    digests = [f"{a}/{b}".encode().rjust(32, b"x") for a, b in zip(label, numbers, strict=True)]
    blank = np.zeros(len(label), np.int32)
    return Columns(
        classes=[str(number) for number in range(len(counts))],
        label=label,
        split=np.full(len(label), UNDECIDED if given is None else given, np.int8),
        height=blank + 8,
        width=blank + 8,
        channels=np.ones(len(label), np.int8),
        sha256=np.array(digests, "S32"),
        marks_sha256=None,
        presence=of_labels([str(index) for index in range(len(counts))], label),
        sums=np.zeros((len(label), 3), np.int64),
        squares=np.zeros((len(label), 3), np.int64),
    )


def shuffled(made: Columns, order: np.ndarray) -> Columns:
    fields = {name: getattr(made, name)[order] for name in ("label", "split", "height", "width", "channels", "sha256")}
    return Columns(
        classes=made.classes,
        marks_sha256=None,
        presence=of_labels(made.classes, fields["label"]),
        sums=made.sums[order],
        squares=made.squares[order],
        **fields,
    )


requests = st.builds(
    SplitRequest, val=st.floats(0, 0.45), test=st.floats(0, 0.45), seed=st.integers(0, 2**32 - 1)
)  # fmt: skip
class_counts = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@given(class_counts, requests, st.integers(1, 3), st.randoms(use_true_random=False))
def test_made_splits_hold_their_promises(counts: list[int], asked: SplitRequest, copies: int, random: Random) -> None:
    made = columns(counts, copies=copies)
    splits = decide(made, asked, Findings())
    for number, count in enumerate(counts):
        training = np.unique(made.sha256[(made.label == number) & (splits == Split.TRAIN)])
        assert len(training) >= min(count, 2)
    for digest in np.unique(made.sha256):
        assert len(set(splits[made.sha256 == digest].tolist())) == 1
    order = np.random.default_rng(random.getrandbits(32)).permutation(len(splits))
    np.testing.assert_array_equal(decide(shuffled(made, order), asked, Findings()), splits[order])


@given(st.lists(st.integers(20, 60), min_size=1, max_size=6), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
def test_fractions_are_met_in_every_class_and_on_the_whole(counts: list[int], val: float, test: float) -> None:
    made = columns(counts)
    splits = decide(made, SplitRequest(val=val, test=test), Findings())
    for split, fraction in ((Split.VAL, val), (Split.TEST, test)):
        per_class = np.bincount(made.label[splits == split], minlength=len(counts))
        assert np.all(np.abs(per_class - np.array(counts) * fraction) <= 1)
        assert abs(per_class.sum() - sum(counts) * fraction) <= 0.5 + 1e-6


def test_small_classes_share_one_val_image_between_them() -> None:
    made = columns([4] * 100)
    splits = decide(made, SplitRequest(), Findings())
    assert (splits == Split.VAL).sum() == 40
    assert np.all(np.bincount(made.label[splits == Split.TEST]) == 1)


def test_seeds_differ_and_repeat() -> None:
    made = columns([50, 50])
    first, again, other = (decide(made, SplitRequest(seed=seed), Findings()) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_training_images_per_class_are_limited_and_the_rest_dropped() -> None:
    made = columns([50, 3])
    asked = SplitRequest(train_per_class=4)
    findings = Findings()
    before = decide(made, asked, findings)
    splits = keep_per_class(made, before, asked, findings)
    assert np.bincount(made.label[splits == Split.TRAIN]).tolist() == [4, 2]
    np.testing.assert_array_equal(splits[splits != LEFT_OUT], before[splits != LEFT_OUT])
    assert findings.skipped == (splits == LEFT_OUT).sum() == 31


@pytest.mark.parametrize("fractions", [{"val": -0.1}, {"test": 0.95}, {"val": 0.5, "test": 0.5}, {"val": float("nan")}])
def test_impossible_fractions_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SplitRequest(**fractions)


def test_given_splits_are_not_made_again(tmp_path: Path) -> None:
    files = folders({"cat": 9, "dog": 9}, prefix="train/") | folders({"cat": 2, "dog": 2}, prefix="test/", start=50)
    result = run_ingest(zipped(files), tmp_path, splits=SplitRequest(val=0.3, test=0.5, train_per_class=3))
    assert {"splits_given", "val_made", "training_reduced"} <= result.report.counts.keys()
    assert result.report.splits == {"train": 6, "val": 5, "test": 4}


def test_train_and_val_are_reported_on_val(tmp_path: Path) -> None:
    files = folders({"cat": 9, "dog": 9}, prefix="train/") | folders({"cat": 2, "dog": 2}, prefix="val/", start=50)
    result = run_ingest(zipped(files), tmp_path)
    assert result.manifest is not None
    assert result.manifest.evaluation_split == "val"
    assert result.report.splits == {"train": 18, "val": 4, "test": 0}
    assert "evaluated_on_val" in result.report.counts


def test_pairability_counts_training_images_only(tmp_path: Path) -> None:
    files = folders({"cat": 6, "dog": 3, "eel": 1}, prefix="train/")
    files |= folders({"cat": 2, "dog": 2, "eel": 2, "fox": 2}, prefix="test/", start=50)
    result = run_ingest(zipped(files), tmp_path, splits=SplitRequest(val=0))
    pairability = result.report.pairability
    assert pairability is not None
    assert pairability.share == 0.9
    assert pairability.unpairable_classes == ["eel", "fox"]
    assert result.report.counts["class_single_image"] == result.report.counts["class_without_training"] == 1
    assert result.manifest is not None
    assert result.manifest.pairability == pairability


def test_copies_leave_the_less_held_out_split(tmp_path: Path) -> None:
    """One image in all three splits stays in test; one in train and val stays in val."""
    files = folders({"cat": 5, "dog": 5}, prefix="train/")
    files |= folders({"cat": 2, "dog": 2}, prefix="val/", start=40)
    files |= folders({"cat": 2, "dog": 2}, prefix="test/", start=60)
    files |= {f"{split}/cat/three.png": png(90) for split in ("train", "val", "test")}
    files |= {f"{split}/dog/two.png": png(91) for split in ("train", "val")}
    result = run_ingest(zipped(files), tmp_path)
    rows = read_pack(tmp_path / "out").to_pylist()
    assert {row["path"] for row in rows if row["path"].endswith(("two.png", "three.png"))} == {
        "test/cat/three.png",
        "val/dog/two.png",
    }
    assert result.report.counts["duplicate_across_splits"] == result.report.skipped == 3


def test_many_copies_are_counted_in_full_but_listed_in_part(tmp_path: Path) -> None:
    files = {f"{split}/{n % 2}/{n}.png": png(n) for n in range(150) for split in ("train", "test")}
    files |= folders({"0": 5, "1": 5}, prefix="train/x", start=900)
    files = {name.replace("train/x", "train/"): content for name, content in files.items()}
    files |= {f"train/{n % 2}/more{n}.png": png(1000 + n) for n in range(10)}
    result = run_ingest(zipped(files), tmp_path)
    listed = [finding for finding in result.report.findings if finding.code == "duplicate_across_splits"]
    assert result.report.counts["duplicate_across_splits"] > len(listed) == 100

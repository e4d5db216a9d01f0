"""A trained network asked about images of another pack, whose classes have numbers of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from contract.pack.manifest import IGNORE, Split
from tests.data import masked
from tests.trainer.conftest import spec_for
from tests.trainer.runs import run_here
from tests.trainer.tasks.detection import made
from trainer import evaluation, image_predictions
from trainer.data.pack import Pack, open_pack
from trainer.machine import device
from trainer.tasks.detection.samples import truth_of

STRANGE = "never seen"


def renamed(pack: Pack, names: list[str]) -> Pack:
    return replace(pack, manifest=pack.manifest.model_copy(update={"classes": names}))


def test_images_are_judged_by_the_names_of_their_classes(digits: Pack, tmp_path: Path):
    spec, known = spec_for(digits, method={"name": "cross_entropy"}), digits.manifest.classes
    run_here(spec, digits, tmp_path)
    list(evaluation.evaluate(spec, pack=digits, out=tmp_path, arm="main", device=device.choose()))

    def predicted(names: list[str]) -> list[dict]:
        asked = {"trained_on": digits.manifest, "out": tmp_path, "arm": "main", "device": device.choose()}
        *_, done = image_predictions.predict(spec, pack=renamed(digits, names), **asked)
        return pq.read_table(tmp_path / done.files["predictions"]).to_pylist()

    held_out = pq.read_table(tmp_path / "main" / "predictions.parquet").to_pylist()
    same = predicted(known)
    assert [row for row in same if row["split"] != "train"] == held_out
    assert [row["index"] for row in same] == list(range(digits.manifest.samples))

    turned = predicted(known[::-1])
    assert [row["predicted"] for row in turned] == [row["predicted"] for row in same]
    assert [row["label"] for row in turned] == [known[::-1][known.index(row["label"])] for row in same]
    assert [row["error"] for row in turned] == [row["label"] != row["predicted"] for row in turned]

    strange = predicted([STRANGE, *known[1:]])
    for row, other in zip(strange, same, strict=True):
        if row["label"] == STRANGE:
            assert (row["error"], row["loss"], row["label_probability"]) == (None, None, None)
            assert row["probability"] == other["probability"]
        else:
            assert row == other


def test_pixels_of_a_class_that_the_network_does_not_know_are_nobodys(tmp_path: Path):
    masked.shapes(tmp_path, classes=3, ignored=True)
    pack = open_pack(tmp_path)
    background, first, second = pack.manifest.classes
    other = renamed(pack, [background, STRANGE, second]).named([second, first, background])
    row = int(pack.rows(Split.TRAIN)[0])
    height, width = pack.size(row)
    before, after = (one.read_mask(row, height=height, width=width)[..., 0] for one in (pack, other))
    expected = np.array([2, IGNORE, 0])[np.where(before == IGNORE, 1, before)]
    np.testing.assert_array_equal(after, expected)


def test_boxes_of_a_class_that_the_network_does_not_know_are_not_there(tmp_path: Path):
    pack = made.pack_of(tmp_path, count=12)
    names = pack.manifest.classes
    other = renamed(pack, [STRANGE, *names[1:]]).named(names[::-1])
    kept = 0
    for row in range(pack.manifest.samples):
        (corners, labels), (few, numbers) = truth_of(pack, row), truth_of(other, row)
        np.testing.assert_array_equal(few, corners[labels != 0])
        assert [names[::-1][number] for number in numbers] == [names[label] for label in labels if label != 0]
        kept += len(few)
    assert kept > 0


def test_a_pack_of_the_same_classes_stays_as_it_is(digits: Pack):
    assert digits.named(digits.manifest.classes) is digits

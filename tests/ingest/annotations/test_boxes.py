"""Boxes held against their image: clipped by a hair, refused beyond, never stored outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ingest.annotations.boxes import StatedBoxes
from ingest.limits import Limits
from ingest.marks import to_boxes
from ingest.notes import Unusable

corners = arrays(np.float64, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(-20, 120))


@given(corners, st.integers(8, 100), st.integers(8, 100), st.booleans())
def test_what_is_stored_lies_in_the_image_or_nothing_is(
    stated: np.ndarray, height: int, width: int, relative: bool
) -> None:
    labels = np.arange(len(stated), dtype=np.int32)
    try:
        marks = StatedBoxes(stated, labels, relative=relative).fit(height, width, Limits())
    except Unusable:
        return
    boxes, found = to_boxes(marks.stored)
    np.testing.assert_array_equal(found, labels)
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= np.array([width, height], np.float32)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert (marks.classes, marks.amounts) == (tuple(labels.tolist()), (1,) * len(labels))


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ((10, 10, 90, 40), "box_outside"),
        ((-9, 10, 30, 40), "box_outside"),
        ((10, 10, 10, 40), "box_empty"),
        ((30, 10, 20, 40), "box_empty"),
        ((50.5, 10, 51, 40), "box_empty"),  # nothing of it is left within
        ((np.nan, 10, 20, 40), "box_not_finite"),
        ((10, 10, np.inf, 40), "box_not_finite"),
    ],
)
def test_faults_have_names(box: tuple[float, ...], code: str) -> None:
    with pytest.raises(Unusable) as caught:
        StatedBoxes(np.array([[1, 1, 9, 9], box], float), np.zeros(2, np.int32)).fit(50, 50, Limits())
    assert caught.value.fault.code == code


def test_small_overhang_is_clipped_and_told() -> None:
    marks = StatedBoxes(np.array([[-1.5, 0, 51, 50]]), np.zeros(1, np.int32)).fit(50, 50, Limits())
    np.testing.assert_array_equal(to_boxes(marks.stored)[0], [[0, 0, 50, 50]])
    assert [note.code for note in marks.notes] == ["box_clipped"]


def test_boxes_drawn_on_another_size_are_refused() -> None:
    stated = StatedBoxes(np.array([[1.0, 1, 9, 9]]), np.zeros(1, np.int32), stated_size=(50, 80))
    stated.fit(50, 80, Limits())
    for height, width in ((80, 50), (25, 40)):
        with pytest.raises(Unusable, match="80 x 50"):
            stated.fit(height, width, Limits())

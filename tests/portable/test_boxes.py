"""The choice among overlapping boxes, against a plain reference in float64."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from portable import boxes


def random_boxes(random: np.random.Generator, count: int) -> np.ndarray:
    corner = random.uniform(0, 40, (count, 2))
    return np.concatenate([corner, corner + random.uniform(1, 30, (count, 2))], axis=1).astype(np.float32)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return width * height / (areas - width * height)


def reference(found: np.ndarray, scores: np.ndarray) -> list[tuple[int, int]]:
    """Anchor and class of each kept box, greedily, one after the other."""
    pairs = sorted(((float(-s), a * scores.shape[1] + k) for (a, k), s in np.ndenumerate(scores)))[: boxes.CANDIDATES]
    kept: list[tuple[int, int]] = []
    for negative, at in pairs:
        anchor, label = divmod(at, scores.shape[1])
        rivals = (other for other, same in kept if same == label)
        if -negative >= boxes.LEAST_SCORE and all(
            iou(found[other].astype(float), found[anchor].astype(float)) <= boxes.MOST_OVERLAP for other in rivals
        ):
            kept.append((anchor, label))
    return kept[: boxes.MOST_BOXES]


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 4))
def test_choice_is_that_of_the_reference(seed: int, count: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    found, scores = random_boxes(random, count), random.random((count, classes)).astype(np.float32)
    chosen, sure, labels = boxes.choose(found, scores)
    expected = reference(found, scores)
    np.testing.assert_array_equal(labels, [label for _, label in expected])
    np.testing.assert_array_equal(chosen, found[[anchor for anchor, _ in expected]].reshape(-1, 4))
    np.testing.assert_array_equal(sure, np.array([scores[pair] for pair in expected], np.float32))


def test_box_that_fell_takes_no_other_with_it() -> None:
    """Each overlaps the next by 0.6, but the first the third by a third only."""
    found = np.array([[0, 0, 40, 10], [10, 0, 50, 10], [20, 0, 60, 10]], np.float32)
    chosen, *_ = boxes.choose(found, np.array([[0.9], [0.8], [0.7]], np.float32))
    np.testing.assert_array_equal(chosen, found[[0, 2]])


def test_only_the_surest_candidates_are_looked_at() -> None:
    """All lie in one place but the last, which would stay if anybody looked."""
    found = np.repeat(np.array([[0, 0, 10, 10]], np.float32), boxes.CANDIDATES + 1, axis=0)
    found[-1] += 50
    scores = np.linspace(0.9, 0.5, len(found), dtype=np.float32)[:, None]
    assert len(boxes.choose(found, scores)[0]) == 1
    assert len(boxes.choose(found[1:], scores[1:])[0]) == 2


def test_answer_is_in_pixels_of_the_image_itself() -> None:
    found = np.array([[10, 20, 30, 40]], np.float32)
    outputs, sizes = [found, np.array([[0.1, 0.9]], np.float32)], ((50, 100), (100, 50))
    (said,) = boxes.answer(outputs, ["cat", "dog"], sizes=sizes, threshold=0.5)["detections"]
    assert (said["label"], said["box"]) == ("dog", [5.0, 40.0, 15.0, 80.0])
    assert len(boxes.answer(outputs, ["cat", "dog"], sizes=sizes, threshold=0)["detections"]) == 2


def test_classes_are_counted_by_the_scores() -> None:
    assert boxes.classes_of([np.zeros((5, 4), np.float32), np.zeros((5, 3), np.float32)]) == 3


def test_boxes_are_drawn_where_they_are() -> None:
    image = Image.new("L", (60, 40))
    said = {"detections": [{"label": "cat", "score": 0.9, "box": [5, 5, 30, 30]}]}
    drawn = np.asarray(boxes.draw(image, [], said))
    assert drawn[5, 10:29].any(axis=-1).all()
    assert not drawn[20:, 50:].any()

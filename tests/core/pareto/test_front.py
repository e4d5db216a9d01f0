"""What a front says of exports: which values are measured, and which file no other beats."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.pareto import front, plot
from core.tables import Export, Model

FIGURES = {"main": {"evaluation_split": "test", "splits": {"test": {"top1_accuracy": 0.9}}}}


def model() -> Model:
    return Model(
        id="model_1", name="m", architecture="resnet20", task="classification", parameters=1000, evaluation=FIGURES
    )


def export(number: int, status: str = "succeeded", **measured: Any) -> Export:
    return Export(
        id=f"exp_{number}", format="onnx", precision="int8", status=status, measured=measured or None, bytes=9_999
    )


def measured(accuracy: float, size: float, latency: float | None, cpu: str = "a cpu") -> dict[str, Any]:
    values = {"top1_accuracy": accuracy, "drop_points": 100 * (0.9 - accuracy), "model_bytes": size, "cpu": cpu}
    return values if latency is None else values | {"latency_ms_p50": latency}


def of(*exports: Export) -> dict[str, front.ParetoPoint]:
    return {point.export_id: point for point in front.build(model(), exports).points}


def test_file_that_another_beats_in_all_three_is_not_on_the_front():
    points = of(
        export(1, **measured(0.90, 4000, 2.0)),
        export(2, **measured(0.89, 1000, 1.0)),
        export(3, **measured(0.88, 1000, 1.5)),
    )
    assert [points[f"exp_{n}"].on_front for n in (1, 2, 3)] == [True, True, False]


def test_equal_files_are_both_on_the_front():
    points = of(export(1, **measured(0.9, 10, 1)), export(2, **measured(0.9, 10, 1)))
    assert all(point.on_front for point in points.values())


def test_file_that_may_not_be_downloaded_neither_is_on_the_front_nor_beats_another():
    points = of(export(1, "gate_failed", **measured(0.9, 1, 0.1)), export(2, **measured(0.8, 10, 1)))
    assert [points["exp_1"].on_front, points["exp_2"].on_front] == [False, True]
    assert points["exp_1"].accuracy.basis == "measured"


def test_file_without_a_latency_is_not_on_the_front():
    points = of(export(1, **measured(0.9, 1, None)), export(2, **measured(0.8, 10, 1)))
    assert [points["exp_1"].on_front, points["exp_2"].on_front] == [False, True]
    assert points["exp_1"].latency_ms is None


def test_queued_file_is_estimated_and_says_from_what():
    point = of(export(1, "queued"))["exp_1"]
    assert (point.accuracy.value, point.accuracy.basis) == (0.9, "estimated")
    assert (point.bytes.value, point.bytes.basis) == (1000, "estimated")
    assert "1,000 parameters" in point.bytes.how
    assert point.latency_ms is None
    assert not point.on_front


def test_failed_export_has_no_values():
    point = of(export(1, "failed"))["exp_1"]
    assert (point.accuracy, point.bytes, point.latency_ms, point.drop_points) == (None, None, None, None)


def test_latencies_of_two_processors_are_remarked_upon():
    one = front.build(model(), [export(1, **measured(0.9, 1, 1, "here")), export(2, **measured(0.9, 1, 1, "there"))])
    assert one.notes == ["Latencies were measured on different processors (here, there) and cannot be compared."]
    assert front.build(model(), [export(1, **measured(0.9, 1, 1)), export(2, **measured(0.9, 1, 1))]).notes == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=12),
)
def test_front_is_what_the_definition_says(figures: list[tuple[int, int, int]]):
    exports = [export(n, **measured(a / 4, size, ms)) for n, (a, size, ms) in enumerate(figures)]
    points = of(*exports)
    for number, (a, size, ms) in enumerate(figures):
        beaten = any((b >= a and t <= size and u <= ms) and (b > a or t < size or u < ms) for b, t, u in figures)
        assert points[f"exp_{number}"].on_front == (not beaten)


def test_picture_is_drawn_whatever_is_known_of_the_files():
    for exports in ([], [export(1, "failed")], [export(1, "queued"), export(2, **measured(0.9, 10, 1))]):
        picture = Image.open(BytesIO(plot.as_png(front.build(model(), exports), "$a_{b$: <net>")))
        assert picture.format == "PNG"
        assert picture.width > 1000

"""The table of what a ladder tried."""

from datetime import UTC, datetime

from patchswap.cli import candidates
from patchswap.resources import Export


def export(status: str, *tried: dict) -> Export:
    fields = {"fp32_layers": [], "qat_epochs": None, "split": None, "model_bytes": None, "drop_points": None}
    whole = [fields | {"latency_ms_p50": None, "meets": False, "reasons": []} | each for each in tried]
    return Export(
        id="exp_1",
        model_id="model_1",
        format="onnx",
        precision="int8",
        status=status,
        rung=tried[-1]["rung"] if tried else None,
        candidates=tuple(whole),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_each_candidate_has_a_line_and_the_taken_one_a_star():
    int8 = {"rung": "int8", "split": "val", "model_bytes": 1000, "drop_points": 2.5, "reasons": ["It loses too much."]}
    mixed = {"rung": "mixed", "fp32_layers": ["a", "b"], "model_bytes": 2000, "drop_points": 0.5, "meets": True}
    title, _, first, second = candidates.as_table(export("succeeded", int8, mixed)).splitlines()
    assert title == "exp_1: mixed was taken; drops in points on val images"
    assert "1,000" in first
    assert "It loses too much." in first
    assert second.split() == ["*", "2", "mixed,", "2", "in", "fp32", "2,000", "0.50", "-", "-", "yes"]


def test_candidate_that_failed_within_noise_is_not_the_one_taken():
    int8 = {"rung": "int8", "drop_points": 0.4, "drop_interval_points": [-0.2, 1.0], "meets": True}
    first, second = (
        int8 | {"held_out": ["The file is 0.51 points below."]},
        {"rung": "fp16", "drop_points": 0.0, "like": [0], "meets": True},
    )
    _, _, int8_line, fp16_line = candidates.as_table(export("succeeded", first, second)).splitlines()
    assert "-0.20 to 1.00" in int8_line
    assert int8_line.endswith("The file is 0.51 points below.")
    assert fp16_line.split() == ["*", "2", "fp16", "-", "0.00", "-", "-", "1", "yes"]


def test_without_a_ladder_there_is_no_table():
    assert candidates.as_table(export("succeeded")) == ""


def test_failed_gate_has_no_star():
    told = candidates.as_table(export("gate_failed", {"rung": "qat", "qat_epochs": 3, "meets": True}))
    assert "none was good enough" in told
    assert "qat, 3 epochs" in told
    assert "*" not in told

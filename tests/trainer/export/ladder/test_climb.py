"""The ladder stops at its first file that is good enough, chooses without the test split, and tells all it tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.child.messages import Message
from contract.pack.manifest import Split
from contract.results.exported import Candidate
from contract.specs import Constraints, ExportSpec, LadderSpec
from contract.specs.methods import KdSpec
from tests.trainer.export.conftest import Exported, Trained, run_export
from trainer.data.pack import Pack
from trainer.errors import TrainerError
from trainer.export.ladder.climbing import Climb
from trainer.export.ladder.judging import Judge, choosing, hopeless
from trainer.export.measuring import measurement
from trainer.export.order import Order
from trainer.training import weights

LENIENT = Constraints(max_drop_points=50)


def asked(constraints: Constraints = LENIENT, **settings: Any) -> ExportSpec:
    return ExportSpec(precision="int8", constraints=constraints, ladder=LadderSpec(**settings))


def judged_good(monkeypatch: pytest.MonkeyPatch, *good: int) -> None:
    """Let the candidates of these numbers be good enough, and the others not, whatever is measured of them."""
    judge, turn = Judge.judge, iter(range(100))

    def verdict(self, candidate, folder):
        found = yield from judge(self, candidate, folder)
        meets = next(turn) in good
        return found.model_copy(update={"meets": meets, "reasons": [] if meets else ["for the test"]})

    monkeypatch.setattr(Judge, "judge", verdict)


def rungs(exported: Exported) -> list[tuple[str, int]]:
    return [(candidate.rung, len(candidate.fp32_layers)) for candidate in exported.result.candidates]


def notices(exported: Exported, code: str) -> list[dict[str, Any]]:
    return [message.data for message in exported.messages if message.type == "notice" and message.code == code]


def test_first_good_file_is_taken_and_nothing_after_it_is_tried(trained: Trained, tmp_path: Path) -> None:
    found = run_export(trained, asked(), tmp_path)
    assert (found.result.status, found.result.rung) == ("succeeded", "int8")
    (candidate,) = found.result.candidates
    assert candidate.meets
    assert (candidate.split, candidate.samples) == ("train", 700), "there is no validation split"
    assert candidate.model_bytes == found.result.measured["model_bytes"]
    assert [notice["rung"] for notice in notices(found, "export_candidate")] == ["int8"]
    assert "## The ladder" in (found.folder / "model_card.md").read_text()


def test_layers_that_suffer_most_stay_in_fp32_until_a_file_is_good(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for name in ("first", "second"):
        with monkeypatch.context() as patch:
            judged_good(patch, 2)
            found = run_export(trained, asked(rungs=("int8", "mixed")), tmp_path / name)
        assert rungs(found) == [("int8", 0), ("mixed", 1), ("mixed", 2)]
        files.append((found.folder / "model.onnx").read_bytes())
    assert files[0] == files[1], "tried again it is the same file"

    assert found.result.rung == "mixed"
    (sensitivity,) = notices(found, "layer_sensitivity")
    worst = list(sensitivity["divergence"])
    assert found.result.candidates[2].fp32_layers == worst[:2]
    assert sensitivity["unit"] == "nats"
    assert list(sensitivity["divergence"].values()) == sorted(sensitivity["divergence"].values(), reverse=True)
    sizes = [candidate.model_bytes for candidate in found.result.candidates]
    assert sizes[0] < sizes[2]
    held = found.result.measured["weights"]
    assert held["int8"] > held["float32"] > 640


def test_fine_tuned_file_answers_as_the_network_that_was_fine_tuned(trained: Trained, tmp_path: Path) -> None:
    found = run_export(trained, asked(rungs=("qat",), qat_epochs=1), tmp_path)
    assert (found.result.status, found.result.rung) == ("succeeded", "qat")
    (notice,) = notices(found, "qat_exported")
    assert notice["file_agreement"] > 0.99
    assert notice["file_mean_difference"] < 0.01 * notice["file_deviation"]
    assert found.result.candidates[0].qat_epochs == 1
    assert found.result.measured["weights"]["float32"] == 640
    assert not any(message.type in ("started", "progress", "checkpoint", "metrics") for message in found.messages)


def test_none_good_enough_is_a_failed_gate_with_the_table(trained: Trained, tmp_path: Path) -> None:
    found = run_export(trained, asked(Constraints(max_latency_ms=1e-6), rungs=("int8", "qat", "fp16")), tmp_path)
    assert found.result.status == "gate_failed"
    assert [(each.rung, each.meets, each.samples) for each in found.result.candidates] == [
        ("int8", False, 700),
        ("qat", False, None),
        ("fp16", False, 700),
    ]
    assert "no faster than the int8 file" in found.result.candidates[1].reasons[0]
    assert all("ms are allowed" in found.result.candidates[number].reasons[0] for number in (0, 2))
    assert any("No candidate of the ladder" in violation for violation in found.result.violations)


def test_half_weights_are_the_last_resort(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged_good(monkeypatch, 1)
    found = run_export(trained, asked(rungs=("int8", "fp16")), tmp_path)
    assert (found.result.rung, found.result.precision) == ("fp16", "int8"), "what was asked, and what it became"
    assert found.result.measured["weights"].keys() == {"float16"}


def test_without_constraints_there_is_no_ladder(int8: Exported) -> None:
    assert (int8.result.rung, int8.result.candidates) == (None, [])


def test_climbing_needs_no_test_split(trained: Trained, tmp_path: Path) -> None:
    """It is given a pack whose test images cannot be reached."""
    task = Order(trained.spec, trained.pack.without_test(), asked(), trained.out, tmp_path)
    net = weights.load_model(trained.spec, trained.pack.manifest, task.weights_path)
    taken = []

    def listening() -> Iterator[Message]:
        way = yield from Climb.begin(task, net, tmp_path)
        taken.append(way.candidates[(yield from way.go_on())])

    list(listening())
    assert taken[0].rung == "int8"


def measured_worse(monkeypatch: pytest.MonkeyPatch, *points: float) -> None:
    """Let the held-out split find these drops, file after file, and then what it finds."""
    drop_of, worse = measurement.drop_of, iter(points)

    def stated(*arguments):
        return drop_of(*arguments) | {"drop_points": drop} if (drop := next(worse, None)) else drop_of(*arguments)

    monkeypatch.setattr(measurement, "drop_of", stated)


def test_gate_that_fails_within_noise_goes_one_rung_on(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_good(monkeypatch, 0, 1)
    measured_worse(monkeypatch, 0.51)
    found = run_export(trained, asked(Constraints(max_drop_points=0.5), rungs=("int8", "fp16")), tmp_path)
    assert (found.result.status, found.result.rung, found.result.violations) == ("succeeded", "fp16", [])
    assert "0.51 points of top-1 accuracy below" in found.result.candidates[0].held_out[0]
    # How many images the two judge differently depends on the CPU's arithmetic, and the interval with it.
    assert re.search(r"95 % interval -\d\.\d\d to \d\.\d\d on 300 images", found.result.candidates[0].held_out[0])
    assert len(notices(found, "gate_within_noise")) == 1
    assert "yes, but not on the held-out images" in (found.folder / "model_card.md").read_text()


def test_gate_that_fails_within_noise_on_the_last_rung_says_so(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_good(monkeypatch, 0)
    measured_worse(monkeypatch, 0.51)
    found = run_export(trained, asked(Constraints(max_drop_points=0.5), rungs=("int8",)), tmp_path)
    assert found.result.status == "gate_failed"
    assert "by no more than noise, and no rung of the ladder is left" in found.result.violations[-1]


def test_gate_that_fails_for_sure_ends_the_climb(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_good(monkeypatch, 0, 1)
    measured_worse(monkeypatch, 9.0)
    found = run_export(trained, asked(Constraints(max_drop_points=0.5), rungs=("int8", "fp16")), tmp_path)
    assert (found.result.status, rungs(found)) == ("gate_failed", [("int8", 0)])


def test_candidates_that_the_images_cannot_tell_apart_are_told_so(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged_good(monkeypatch, 1)
    found = run_export(trained, asked(rungs=("int8", "fp16")), tmp_path)
    assert [candidate.like for candidate in found.result.candidates] == [[], [0]]
    messages = [m.message for m in found.messages if m.type == "notice" and m.code == "export_candidate"]
    assert "cannot be told apart from candidate 1 (int8)" in messages[1]
    low, high = found.result.candidates[1].drop_interval_points
    assert low < 0 < high == pytest.approx(found.result.candidates[1].least_drop_shown_points, abs=0.01)


def test_limit_that_so_few_images_cannot_show_is_kept_with_a_warning(trained: Trained, tmp_path: Path) -> None:
    found = run_export(trained, asked(Constraints(max_drop_points=1.0)), tmp_path)
    assert found.result.status == "succeeded"
    (warning,) = found.result.warnings
    assert warning.code == "drop_not_shown"
    assert re.search(r"300 images can show a limit of \d\.\d\d points at best", warning.message)
    assert warning.message in (found.folder / "model_card.md").read_text()


def test_file_without_limits_that_lost_more_than_a_point_for_sure_is_marked(
    trained: Trained, int8: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert int8.result.warnings == [], "it lost nothing"
    measured_worse(monkeypatch, 1.2)
    within = run_export(trained, ExportSpec(precision="int8"), tmp_path / "within")
    assert within.result.warnings == [], "1.2 points and their interval may be less than 1"
    measured_worse(monkeypatch, 9.0)
    beyond = run_export(trained, ExportSpec(precision="int8"), tmp_path / "beyond")
    assert beyond.result.status == "succeeded"
    (warning,) = beyond.result.warnings
    assert warning.code == "accuracy_lost"
    assert warning.message in [m.message for m in beyond.messages if m.type == "notice" and m.severity == "warning"]
    assert warning.message in (beyond.folder / "model_card.md").read_text()


def test_images_that_choose_are_of_validation_unless_figures_are_reported_on_it(
    digits: Pack, trained: Trained, tmp_path: Path
) -> None:
    def chosen(pack: Pack) -> tuple[str, set[int]]:
        split, positions = choosing(Order(trained.spec, pack, asked(), tmp_path, tmp_path))
        return split, set(pack.rows(Split[split.upper()])[positions].tolist())

    assert chosen(digits) == ("val", set(range(48, 68)))
    assert chosen(trained.pack) == ("train", set(range(700)))
    reported = digits.manifest.model_copy(update={"evaluation_split": "val"})
    untested = Pack(reported, *(getattr(digits, name) for name in list(Pack.__dataclass_fields__)[1:]))
    assert chosen(untested) == ("train", set(range(48)))


@pytest.mark.parametrize(
    ("rung", "constraints", "int8", "why"),
    [
        ("fp16", {"max_bytes": 99}, {}, "no smaller"),
        ("mixed", {"max_bytes": 99}, {}, "no smaller"),
        ("qat", {"max_bytes": 200}, {}, "accurate enough"),
        ("qat", {"max_latency_ms": 0.5, "max_drop_points": 0.5}, {}, "no faster"),
        ("qat", {"max_drop_points": 0.5}, {}, None),
        ("fp16", {"max_latency_ms": 0.5}, {}, None),
        ("mixed", {"max_drop_points": 0.5}, {}, None),
        ("int8", {"max_bytes": 99}, {}, None),
        ("fp16", {"max_bytes": 99}, {"samples": None}, None),
    ],
)
def test_rung_that_cannot_help_is_passed_over(rung: str, constraints: dict, int8: dict, why: str | None) -> None:
    tried = Candidate(rung="int8", samples=10, model_bytes=100, drop_points=1.0, latency_ms_p50=1.0)
    found = hopeless(rung, [tried.model_copy(update=int8)], Constraints(**constraints))
    assert found is None if why is None else why in found


def test_ladder_of_which_nothing_can_be_tried_says_so(trained: Trained, tmp_path: Path) -> None:
    taught = trained.spec.model_copy(update={"method": KdSpec(teacher="model_" + "0" * 32)})
    with pytest.raises(TrainerError, match="not here") as caught:
        run_export(Trained(taught, trained.pack, trained.out), asked(rungs=("qat",)), tmp_path)
    assert caught.value.error.code == "ladder_empty"

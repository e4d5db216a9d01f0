"""What may be asked of pruning, and what is said where it may not."""

import pytest

from contract.specs import PruningSpec, parse, plan, resolve
from contract.specs.compression import epochs_by_round
from tests.contract.specs.test_resolution import manifest, violations


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({}, "/compression/pruning"),
        ({"target_macs_share": 0.5, "target_bytes": 10}, "/compression/pruning"),
        ({"target_macs_share": 1}, "/compression/pruning/target_macs_share"),
        ({"target_macs_share": 0}, "/compression/pruning/target_macs_share"),
        ({"target_bytes": 0}, "/compression/pruning/target_bytes"),
        ({"target_macs_share": 0.5, "rounds": 5, "fine_tune_epochs": 4}, "/compression/pruning/fine_tune_epochs"),
        ({"target_macs_share": 0.5, "criterion": "random"}, "/compression/pruning/criterion"),
        ({"target_macs_share": 0.5, "epochs": 4}, "/compression/pruning/epochs"),
    ],
)
def test_fault_is_pointed_at(changes: dict, pointer: str) -> None:
    assert list(violations({"dataset": "dsv_1", "compression": {"pruning": changes}})) == [pointer]


def test_architecture_that_cannot_be_pruned_is_refused() -> None:
    body = {"dataset": "dsv_1", "model": {"architecture": "shufflenet_v2_x1_0"}}
    found = violations(body | {"compression": {"pruning": {"target_macs_share": 0.5}}})
    assert found == {"/compression/pruning": "not_prunable"}


def test_open_values_follow_the_training() -> None:
    body = {"dataset": "dsv_1", "training": {"epochs": 30}, "optimizer": {"learning_rate": 0.2}}
    resolved, _ = resolve(parse(body | {"compression": {"pruning": {"target_macs_share": 0.5}}}), manifest())
    pruning = resolved.compression.pruning
    assert pruning is not None
    assert (pruning.fine_tune_epochs, pruning.learning_rate) == (15, 0.1)
    assert epochs_by_round(pruning) == [3, 3, 9]
    assert plan(resolved, manifest()).epochs == 45


@pytest.mark.parametrize("rounds", [1, 2, 3, 7])
def test_rounds_share_all_epochs(rounds: int) -> None:
    for epochs in range(rounds, 40):
        shared = epochs_by_round(PruningSpec(target_macs_share=0.5, rounds=rounds, fine_tune_epochs=epochs))
        assert len(shared) == rounds
        assert sum(shared) == epochs
        assert min(shared) >= 1
        assert max(shared) == shared[-1]

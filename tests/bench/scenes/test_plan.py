"""Arms of one seed differ in their method or their beginning, and in nothing else."""

from __future__ import annotations

import pytest

from bench.scenes.plan import ARMS, MAIN_ARMS, SEEDS, STUDIES, TASKS, Run, runs
from contract.pack.manifest import PackManifest, Pairability
from contract.specs import plan
from contract.tasks import TaskName


def manifest(task: TaskName, seed: int) -> PackManifest:
    counts = {"train": 40, "val": 8, "test": 8}
    return PackManifest(
        task=task,
        classes=["A", "S"],
        samples=56,
        counts={split: dict.fromkeys(("A", "S"), number) for split, number in counts.items()},
        encoding="raw",
        channels=3,
        image_size=(48, 48),
        median_size=(48, 48),
        mean=[0.5] * 3,
        std=[0.25] * 3,
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="test",
        digest=f"{task}-{seed}",
        bytes=1,
        images=None if task == "classification" else counts,
    )


MANIFESTS = {(task, seed): manifest(task, seed) for task in (*TASKS, "classification") for seed in SEEDS}


def planned(task: TaskName) -> list[Run]:
    return runs(STUDIES[task], MANIFESTS)


@pytest.mark.parametrize("task", TASKS)
def test_every_arm_has_every_seed_once_and_a_key_of_its_own(task: TaskName):
    found = planned(task)
    assert len({(run.arm, run.seed) for run in found}) == len(ARMS) * len(SEEDS) == len(found)
    assert len({run.key for run in found}) == len(found)
    assert {run.arm for run in found if run.arm in ("control", "direct", "transfer")} == {
        arm.name for arm in ARMS[:MAIN_ARMS]
    }


@pytest.mark.parametrize("task", TASKS)
def test_all_arms_see_as_many_images_by_the_same_schedule(task: TaskName):
    found = planned(task)
    terms = {
        (
            plan(run.spec, MANIFESTS[task, run.seed]).steps,
            plan(run.spec, MANIFESTS[task, run.seed]).images_per_step,
            run.spec.optimizer,
            run.spec.training,
        )
        for run in found
    }
    assert len(terms) == 1


@pytest.mark.parametrize("task", TASKS)
def test_transfer_begins_with_a_classifier_of_its_own_seed_that_fits(task: TaskName):
    for run in planned(task):
        assert (run.classifier is not None) == run.arm.startswith("transfer")
        if run.classifier:
            assert run.spec.model.pretrained == f"model_{run.classifier.key}"
            assert run.classifier.digest == f"classification-{run.seed}"
            assert run.classifier.spec.model.stem == run.spec.model.stem
            assert run.classifier.spec.method.name == ("patch_swap" if run.arm == "transfer" else "cross_entropy")

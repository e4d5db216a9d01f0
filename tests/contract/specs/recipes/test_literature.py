"""The literature's recipes see what the protocols saw that they are named after."""

import pytest

from contract.pack.manifest import PackManifest, Pairability
from contract.specs import parse, plan, resolve
from contract.specs.recipes import RECIPES
from contract.specs.recipes.literature import LITERATURE, PROTOCOLS

CIFAR_IMAGES = 50_000


def manifest(images: int) -> PackManifest:
    return PackManifest(
        classes=["a", "b"],
        samples=images,
        counts={"train": {"a": images // 2, "b": images // 2}},
        encoding="raw",
        channels=3,
        image_size=(32, 32),
        median_size=(32, 32),
        mean=[0.5] * 3,
        std=[0.2] * 3,
        pairability=Pairability(share=1, unpairable_classes=[]),
        evaluation_split="val",
        digest="0" * 64,
        bytes=1,
    )


@pytest.mark.parametrize(
    ("protocol", "method"), [(protocol, method) for protocol in PROTOCOLS for method in protocol.methods]
)
def test_steps_and_images_are_those_of_the_protocol(protocol, method):
    pack = manifest(CIFAR_IMAGES)
    spec, warnings = resolve(parse({"dataset": "d", "recipe": f"{protocol.slug}_{method}"}), pack)
    ours = plan(spec, pack)
    steps = protocol.epochs * CIFAR_IMAGES / protocol.batch
    seen = 2 if method == "patch_swap" else 1  # anchors bring their partners
    assert ours.steps == pytest.approx(steps, rel=0.01)  # an incomplete batch is dropped
    assert ours.steps * ours.images_per_step == pytest.approx(seen * protocol.epochs * CIFAR_IMAGES, rel=0.01)
    reached = [milestone / ours.epochs for milestone in spec.optimizer.milestones]
    assert reached == pytest.approx([milestone / protocol.epochs for milestone in protocol.milestones], abs=0.01)
    assert warnings == []


def test_what_was_not_run_here_says_so():
    for recipe in LITERATURE:
        assert RECIPES[recipe.name] is recipe
        assert recipe.description.startswith("Not run here.")
        assert not recipe.run_here

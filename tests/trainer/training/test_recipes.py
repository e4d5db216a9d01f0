"""The figures that recipes show are those of the networks they build."""

import pytest

from contract.specs import parse
from contract.specs.recipes import RECIPES
from contract.specs.resolution import SMALL_STEM_BELOW_PX
from contract.tasks import TERMS
from trainer import models
from trainer.tasks.detection import network as detection
from trainer.tasks.segmentation import network as segmentation


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_tells_the_size_of_its_network(name):
    recipe = RECIPES[name]
    stem = "small" if min(recipe.reference_size) < SMALL_STEM_BELOW_PX else "imagenet"
    spec = parse({"dataset": "dsv_1", "recipe": name}).model
    if spec.stem == "auto":
        spec = spec.model_copy(update={"stem": stem})
    if spec.architecture in TERMS["detection"].architectures:
        network = detection.build(spec, num_classes=10, channels=3, size=recipe.reference_size)
    else:
        build = segmentation.build if spec.architecture in TERMS["segmentation"].architectures else models.build
        network = build(spec, num_classes=10, channels=3)
    assert models.count_parameters(network) == recipe.parameters
    assert models.count_macs(network, (3, *recipe.reference_size)) == recipe.macs

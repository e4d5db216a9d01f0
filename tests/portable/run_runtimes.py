"""Every kind of ONNX bundle, run by the runtimes and the Pythons that people have: `make test-runtimes`.

Not collected by `make test`: each environment is installed anew, and three networks are trained.
"""

from __future__ import annotations

import json
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from contract.formats import ONNX_RUNTIMES
from contract.specs import ExportSpec
from tests.portable.runtimes import NEWEST, OLDEST, RUNTIMES, Installed, Runtime, copied, install
from tests.trainer.conftest import spec_for
from tests.trainer.export import made
from tests.trainer.export.conftest import Exported, Trained, run_export

pytestmark = pytest.mark.timeout(1800)  # installs, trains, converts
KINDS = {
    "fp32": ("trained", ExportSpec()),
    "fp16": ("trained", ExportSpec(precision="fp16")),
    "int8": ("trained", ExportSpec(precision="int8")),
    "pruned": ("pruned", ExportSpec(precision="int8")),
    "segmentation": ("trained_on_masks", ExportSpec(precision="int8")),
    "segmentation-fp32": ("trained_on_masks", ExportSpec()),
    "detection": ("trained_on_boxes", ExportSpec(precision="int8")),
    "detection-fp16": ("trained_on_boxes", ExportSpec(precision="fp16")),
    **{f"opset-{opset}": ("trained", ExportSpec(opset=opset)) for opset in ONNX_RUNTIMES},
}
OLDER_OPSETS = [kind for kind in KINDS if not kind.startswith("opset-")]


@pytest.fixture(scope="session")
def pruned(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Half of the multiply-adds of a ResNet-20 are gone."""
    pruning = {"target_macs_share": 0.5, "rounds": 1, "fine_tune_epochs": 2}
    training = {"epochs": 4, "pairs_per_batch": 32, "augmentation": {"horizontal_flip": False}}
    spec = spec_for(
        trained.pack, model={"architecture": "resnet20"}, training=training, compression={"pruning": pruning}
    )
    out = tmp_path_factory.mktemp("pruned") / "out"
    made.train_and_evaluate(spec, trained.pack, out)
    return Trained(spec, trained.pack, out)


class Made(dict):
    """Bundles by their kind, each made when first asked for."""

    def __init__(self, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> None:
        super().__init__()
        self._request, self._folders = request, folders

    def __missing__(self, kind: str) -> Exported:
        network, asked = KINDS[kind]
        self[kind] = run_export(self._request.getfixturevalue(network), asked, self._folders.mktemp(kind))
        return self[kind]


@pytest.fixture(scope="session")
def bundles(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(request, tmp_path_factory)


@pytest.fixture(scope="session", params=RUNTIMES, ids=lambda runtime: runtime.name)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(request.param, tmp_path_factory.mktemp("environment") / "venv")


@pytest.mark.parametrize("kind", OLDER_OPSETS)
def test_bundle_verifies_and_answers(bundles: Made, installed: Installed, kind: str, tmp_path: Path) -> None:
    bundle = copied(bundles[kind].folder, tmp_path / "bundle")
    verified = installed.run("verify.py", cwd=bundle)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    said = installed.run("infer.py", "golden/image.png", cwd=bundle)
    assert said.returncode == 0, said.stderr
    print(f"{installed.runtime.name} {kind}: {verified.stdout.splitlines()[-2]}")
    assert json.loads(said.stdout)["image"] == "golden/image.png"


def test_opset_is_opened_from_the_release_on_that_the_bundle_names(
    bundles: Made, installed: Installed, tmp_path: Path
) -> None:
    """And by none before: the release that is named is the oldest."""
    for opset, oldest in ONNX_RUNTIMES.items():
        bundle = copied(bundles[f"opset-{opset}"].folder, tmp_path / str(opset))
        assert f"onnxruntime {oldest} and newer" in (bundle / "README.md").read_text()
        done = installed.run("infer.py", "golden/image.png", cwd=bundle)
        assert (done.returncode == 0) == (_release(installed) >= _numbers(oldest)), done.stderr


def _release(installed: Installed) -> tuple[int, ...]:
    code = "import onnxruntime; print(onnxruntime.__version__)"
    return _numbers(installed.run("-c", code, cwd=installed.folder).stdout.strip())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


@pytest.mark.parametrize("runtime", [OLDEST, NEWEST], ids=lambda runtime: runtime.name)
def test_infer_says_what_a_heic_picture_needs_and_then_reads_it(
    bundles: Made, runtime: Runtime, tmp_path: Path
) -> None:
    environment = install(runtime, tmp_path / "venv")
    bundle = copied(bundles["fp32"].folder, tmp_path / "bundle")
    with Image.open(bundle / "golden" / "image.png") as golden:
        pillow_heif.from_pillow(golden.convert("RGB").resize((64, 64))).save(tmp_path / "photo.heic", quality=95)
    refused = environment.run(bundle / "infer.py", "photo.heic", cwd=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == ("infer.py: photo.heic: HEIC pictures need one more package: pip install pillow-heif\n")
    environment.install("pillow-heif")
    read = environment.run(bundle / "infer.py", "photo.heic", cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["label"] in "0123456789"

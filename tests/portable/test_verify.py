"""verify.py of a bundle: it ends 0 on what was exported, and 1 on whatever was changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from PIL import Image

from core import signing
from tests.trainer.export.bundled import weights
from tests.trainer.export.conftest import Exported


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, folder / "verify.py", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder.parent,
    )


@pytest.fixture
def bundle(int8: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(int8.folder, tmp_path / "bundle"))


def state_new_hashes(folder: Path) -> None:
    """A forger who also mends the manifest's hashes."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name in manifest["files"]:
        manifest["files"][name]["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_untouched_bundles_hold_again_and_again(fp32: Exported, fp16: Exported, int8: Exported) -> None:
    for exported in (fp32, fp16, int8, int8):
        done = run(exported.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        *checks, last = done.stdout.splitlines()
        assert [line[:4] for line in checks] == ["ok  "] * 7
        assert last.startswith("not proven: who made this bundle.")


def test_python_cache_left_by_a_user_is_no_extra_file(bundle: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", "import infer"], check=True, cwd=bundle, env=variables)
    assert (bundle / "__pycache__").exists()
    assert run(bundle).returncode == 0


def flip_a_bit_of_the_model(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def change_infer(folder: Path) -> None:
    (folder / "infer.py").write_text("raise SystemExit('a changed program must not be run')")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (flip_a_bit_of_the_model, "FAIL hashes: model.onnx"),
        (change_infer, "FAIL hashes: infer.py"),
        (lambda folder: (folder / "labels.json").unlink(), "FAIL names: missing labels.json"),
        (lambda folder: (folder / "extra.txt").write_text(""), "FAIL names: not in the manifest: extra.txt"),
        (lambda folder: (folder / "golden" / "image.png").write_bytes(b""), "FAIL hashes: golden/image.png"),
        (lambda folder: (folder / "manifest.json").unlink(), "FAIL manifest"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "FAIL manifest"),
    ],
)
def test_changed_files_are_found_before_any_of_them_is_run(
    bundle: Path, change: Callable[[Path], object], found: str
) -> None:
    change(bundle)
    done = run(bundle)
    assert done.returncode == 1
    assert found in done.stdout
    assert "changed program" not in done.stdout + done.stderr
    assert "output" not in done.stdout


def drop_a_label(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_bytes())
    (folder / "labels.json").write_text(json.dumps(labels[:-1]))


def swap_two_labels(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_bytes())
    (folder / "labels.json").write_text(json.dumps(labels[::-1]))


def shift_the_mean(folder: Path) -> None:
    rules = json.loads((folder / "preprocess.json").read_bytes())
    rules["mean"] = [value + 0.001 for value in rules["mean"]]
    (folder / "preprocess.json").write_text(json.dumps(rules))


def turn_the_golden_image(folder: Path) -> None:
    path = folder / "golden" / "image.png"
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path)


def move_the_golden_output(folder: Path) -> None:
    path = folder / "golden" / "output.npy"
    golden = np.load(path)
    np.save(path, golden + 0.5 * golden.std())


def scale_a_weight(folder: Path) -> None:
    """As when a runtime computes something else."""
    model = onnx.load(folder / "model.onnx")
    scale = next(c for c in model.graph.initializer if c.name.endswith("weight_scale"))
    values = 1.5 * onnx.numpy_helper.to_array(scale)
    scale.CopyFrom(onnx.numpy_helper.from_array(values, scale.name))
    onnx.save(model, folder / "model.onnx")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (drop_a_label, "FAIL labels: 9 labels for 10 classes"),
        (swap_two_labels, "FAIL metadata: the model carries another labels.json"),
        (shift_the_mean, "FAIL preprocessing"),
        (turn_the_golden_image, "FAIL preprocessing"),
        (move_the_golden_output, "FAIL output"),
        (scale_a_weight, "FAIL output"),
    ],
)
def test_bundles_that_do_not_fit_together_are_found_whatever_the_hashes_say(
    bundle: Path, change: Callable[[Path], object], found: str
) -> None:
    change(bundle)
    state_new_hashes(bundle)
    done = run(bundle)
    assert done.returncode == 1
    assert found in done.stdout, done.stdout


def test_fp32_model_in_an_int8_bundle_is_found(bundle: Path, fp32: Exported) -> None:
    shutil.copy(fp32.folder / "model.onnx", bundle)
    state_new_hashes(bundle)
    done = run(bundle)
    assert done.returncode == 1
    assert "FAIL weights" in done.stdout
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["weights"] = weights.weights_by_dtype(bundle)
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    assert "in a file of precision int8" in run(bundle).stdout


def test_signature_is_checked_by_the_key_that_is_given(int8: Exported, tmp_path: Path, monkeypatch) -> None:
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    key = signing.create(ours)
    signing.create(theirs)
    sealed = Path(shutil.copy(int8.archive, tmp_path))
    monkeypatch.setattr(signing, "private_key", lambda: load_pem_private_key(ours.read_bytes(), None))
    signing.seal(sealed)
    zipfile.ZipFile(sealed).extractall(tmp_path / "bundle")
    good = run(tmp_path / "bundle", "--key", signing.public_path(ours))
    assert (good.returncode, good.stdout.splitlines()[0]) == (0, f"ok   signature: by key {key.key_id}")
    assert run(tmp_path / "bundle").returncode == 0
    other = run(tmp_path / "bundle", "--key", signing.public_path(theirs))
    assert (other.returncode, other.stdout) == (1, f"FAIL signature: not by this key; it names key {key.key_id}\n")
    (tmp_path / "bundle" / "labels.json").write_text("[]")
    state_new_hashes(tmp_path / "bundle")
    assert "FAIL signature" in run(tmp_path / "bundle", "--key", signing.public_path(ours)).stdout
    unsigned = run(int8.folder, "--key", signing.public_path(ours))
    assert (unsigned.returncode, unsigned.stdout) == (1, "FAIL signature: the bundle is not signed\n")


def test_weights_are_counted_as_onnx_counts_them(int8: Exported, fp16: Exported, fp32: Exported) -> None:
    for exported in (int8, fp16, fp32):
        counted: dict[str, int] = {}
        for constant in onnx.load(exported.folder / "model.onnx").graph.initializer:
            content = onnx.numpy_helper.to_array(constant)
            if content.ndim >= 2:
                counted[content.dtype.name] = counted.get(content.dtype.name, 0) + content.size
        assert weights.weights_by_dtype(exported.folder) == counted

"""Check the bundle this file lies in: `python verify.py` prints one line per check and ends 0 only if all hold.

README.md names the packages that it needs. The hashes come first: nothing of a bundle that was changed is run. With
`--key KEY.pem`, the service's public key, the signature of the manifest comes before them; that needs `cryptography`.
Without it the last line says what was not proven. Whoever doubts this very program checks with one of their own:
`patchswap verify FOLDER --key KEY.pem`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Manifest = dict[str, Any]

HERE = Path(__file__).resolve().parent
UNPROVEN = (
    "not proven: who made this bundle. The hashes were compared with manifest.json, which lies in the same folder; "
    "whoever changes a file can change its hash there. To prove it: python verify.py --key KEY.pem"
)
SIGNATURE = "signature.json"  # of the manifest, so not in it
SMALL_TYPES = {"fp32": [], "fp16": ["float16"], "int8": ["int8", "float16"]}  # a file has the first and no other


class CheckFailedError(Exception):
    """A check did not hold; the message says which part of it."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Check this bundle; end 0 only if all holds.")
    parser.add_argument("--key", type=Path, metavar="KEY.pem", help="public key of the service that signed it")
    key = parser.parse_args().key
    try:
        manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"FAIL manifest: {error}")
        return 1
    if key is not None and not _holds(partial(check_signature, key=key), manifest):
        return 1
    whole = [_holds(check, manifest) for check in (check_names, check_hashes)]
    if not all(whole):
        return 1
    later = (check_labels, check_metadata, check_weights, check_preprocessing, check_output)
    results = [_holds(check, manifest) for check in later]
    if not all(results):
        return 1
    if key is None:
        print(UNPROVEN)
    return 0


def _holds(check: Callable[[Manifest], str], manifest: Manifest) -> bool:
    name = getattr(check, "func", check).__name__[len("check_") :]
    try:
        print(f"ok   {name}: {check(manifest)}")
    except Exception as error:  # noqa: BLE001 - whatever stops a check is its finding
        print(f"FAIL {name}: {error or type(error).__name__}")
        return False
    return True


def check_signature(_manifest: Manifest, *, key: Path) -> str:
    """The manifest is the one that the owner of this key signed."""
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    except ImportError as error:
        raise CheckFailedError("it needs a package more: pip install cryptography") from error
    if not (HERE / SIGNATURE).is_file():
        raise CheckFailedError("the bundle is not signed")
    told = json.loads((HERE / SIGNATURE).read_text(encoding="utf-8"))
    public = load_pem_public_key(key.read_bytes())
    try:
        public.verify(base64.b64decode(told["signature"]), (HERE / "manifest.json").read_bytes())
    except InvalidSignature as error:
        raise CheckFailedError(f"not by this key; it names key {told['key_id']}") from error
    return f"by key {told['key_id']}"


def check_names(manifest: Manifest) -> str:
    """No file is missing and none was added; Python's own cache is not counted."""
    expected = {*manifest["files"], "manifest.json"}
    found = {p.relative_to(HERE).as_posix() for p in HERE.rglob("*") if not p.is_dir() and "__pycache__" not in p.parts}
    if missing := sorted(expected - found):
        raise CheckFailedError(f"missing {', '.join(missing)}")
    if extra := sorted(found - expected - {SIGNATURE}):
        raise CheckFailedError(f"not in the manifest: {', '.join(extra)}")
    return f"{len(expected)} files"


def check_hashes(manifest: Manifest) -> str:
    for name, stated in manifest["files"].items():
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != stated["sha256"]:
            raise CheckFailedError(f"{name} is not the file that was exported")
    return f"{len(manifest['files'])} files as exported"


def check_labels(_manifest: Manifest) -> str:
    import postprocess  # noqa: PLC0415 - not before its hash was checked

    labels = _opened().labels
    classes = postprocess.classes_of([output[0] for output in _outputs()])
    if len(labels) != classes:
        raise CheckFailedError(f"{len(labels)} labels for {classes} classes")
    return f"{classes} labels, {classes} classes"


def check_metadata(_manifest: Manifest) -> str:
    """The model file alone says how to feed it, where its format has room for labels.json and preprocess.json."""
    opened = _opened()
    carried = opened.model.carried
    if carried is None:
        return "this format has no room for labels; labels.json and preprocess.json lie beside the model"
    for name, stated in (("labels", opened.labels), ("preprocess", opened.rules)):
        if carried.get(name) != stated:
            raise CheckFailedError(f"the model carries another {name}.json")
    return "labels and preprocessing are in the model file too"


def check_weights(manifest: Manifest) -> str:
    """What the file's weights are stored as, read from its bytes."""
    import weights  # noqa: PLC0415 - not before its hash was checked

    held = weights.weights_by_dtype(HERE)
    if held != manifest["weights"]:
        raise CheckFailedError(f"{held}, not {manifest['weights']}")
    allowed = SMALL_TYPES[manifest["precision"]]
    if held.keys() & {"int8", "float16"} - set(allowed) or not held.keys() >= set(allowed[:1]):
        raise CheckFailedError(f"{held} in a file of precision {manifest['precision']}")
    return ", ".join(f"{count:,} {dtype}" for dtype, count in sorted(held.items()))


def check_preprocessing(manifest: Manifest) -> str:
    """The golden image becomes the golden input here."""
    found = _opened().read(HERE / "golden" / "image.png")
    return _within(found, _golden("input")[:1], manifest["golden"]["input_tolerance"])


def check_output(manifest: Manifest) -> str:
    """The model gives the golden outputs for the golden input on this machine."""
    tolerances = manifest["golden"]["output_tolerance"]
    outputs = _outputs()
    if len(outputs) != len(tolerances):
        raise CheckFailedError(f"{len(outputs)} outputs, not {len(tolerances)}")
    found = zip(outputs, tolerances.items())
    said = {name: _within(output, _golden(name), tolerance) for output, (name, tolerance) in found}
    return "; ".join(f"{name}: {one}" for name, one in said.items()) if len(said) > 1 else said["output"]


@lru_cache(maxsize=None)
def _outputs() -> list[np.ndarray]:
    return _opened().model(_golden("input"))


def _golden(name: str) -> np.ndarray:
    return np.load(HERE / "golden" / f"{name}.npy", allow_pickle=False)


def _within(found: np.ndarray, golden: np.ndarray, tolerance: dict[str, float]) -> str:
    if found.shape != golden.shape:
        raise CheckFailedError(f"shape {found.shape}, not {golden.shape}")
    difference = np.abs(found.astype(np.float64) - golden)
    said = f"mean difference {difference.mean():.3g}, largest {difference.max():.3g}"
    if not (difference.mean() <= tolerance["mean"] and difference.max() <= tolerance["max"]):
        raise CheckFailedError(f"{said}; allowed {tolerance['mean']:.3g} and {tolerance['max']:.3g}")
    return said


@lru_cache(maxsize=None)
def _opened() -> Any:
    import infer  # noqa: PLC0415 - not before its hash was checked

    return infer.open_bundle(HERE)


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # or `import infer` would add a file to the folder
    sys.exit(main())

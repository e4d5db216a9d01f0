"""Check the bundle this file lies in: `python verify.py` prints one line per check and ends 0 only if all hold.

Needs numpy, Pillow and onnxruntime. The hashes come first: nothing of a bundle that was changed is run.
"""

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16"}  # onnx.TensorProto.DataType


class CheckFailedError(Exception):
    """A check did not hold; the message says which part of it."""


def main():
    try:
        manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"FAIL manifest: {error}")
        return 1
    if not all([_holds(check, manifest) for check in (check_names, check_hashes)]):
        return 1
    later = (check_labels, check_metadata, check_weights, check_preprocessing, check_output)
    return 0 if all([_holds(check, manifest) for check in later]) else 1


def _holds(check, manifest):
    name = check.__name__.removeprefix("check_")
    try:
        print(f"ok   {name}: {check(manifest)}")
    except Exception as error:  # noqa: BLE001 - whatever stops a check is its finding
        print(f"FAIL {name}: {error or type(error).__name__}")
        return False
    return True


def check_names(manifest):
    """No file is missing and none was added; Python's own cache is not counted."""
    expected = {*manifest["files"], "manifest.json"}
    found = {p.relative_to(HERE).as_posix() for p in HERE.rglob("*") if not p.is_dir() and "__pycache__" not in p.parts}
    if missing := sorted(expected - found):
        raise CheckFailedError(f"missing {', '.join(missing)}")
    if extra := sorted(found - expected):
        raise CheckFailedError(f"not in the manifest: {', '.join(extra)}")
    return f"{len(expected)} files"


def check_hashes(manifest):
    for name, stated in manifest["files"].items():
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != stated["sha256"]:
            raise CheckFailedError(f"{name} is not the file that was exported")
    return f"{len(manifest['files'])} files as exported"


def check_labels(_manifest):
    classifier = _classifier()
    width = classifier.session.get_outputs()[0].shape[1]
    if len(classifier.labels) != width:
        raise CheckFailedError(f"{len(classifier.labels)} labels for {width} logits")
    return f"{width} labels, {width} logits"


def check_metadata(_manifest):
    """The model file alone says how to feed it: it carries labels.json and preprocess.json."""
    classifier = _classifier()
    carried = classifier.session.get_modelmeta().custom_metadata_map
    for name, stated in (("labels", classifier.labels), ("preprocess", classifier.rules)):
        if json.loads(carried.get(name, "null")) != stated:
            raise CheckFailedError(f"the model carries another {name}.json")
    return "labels and preprocessing are in the model file too"


def check_weights(manifest):
    """What the file's weights are stored as, read from its bytes."""
    held = weights_by_dtype((HERE / "model.onnx").read_bytes())
    if held != manifest["weights"]:
        raise CheckFailedError(f"{held}, not {manifest['weights']}")
    share = held.get("int8", 0) / sum(held.values())
    if (share > 0.5) != (manifest["precision"] == "int8"):
        raise CheckFailedError(f"{share:.1%} of the weights are int8 in a file of precision {manifest['precision']}")
    return ", ".join(f"{count:,} {dtype}" for dtype, count in sorted(held.items()))


def check_preprocessing(manifest):
    """The golden image becomes the golden input here."""
    import infer
    import numpy as np

    with infer.open_image(HERE / "golden" / "image.png") as image:
        batch = infer.preprocess(image, _classifier().rules)
    golden = np.load(HERE / "golden" / "input.npy", allow_pickle=False)[:1]
    return _within(batch, golden, manifest["golden"]["input_tolerance"])


def check_output(manifest):
    """The model gives the golden output for the golden input on this machine."""
    import numpy as np

    inputs = np.load(HERE / "golden" / "input.npy", allow_pickle=False)
    (logits,) = _classifier().session.run(["logits"], {"image": inputs})
    golden = np.load(HERE / "golden" / "output.npy", allow_pickle=False)
    return _within(logits, golden, manifest["golden"]["output_tolerance"])


def _within(found, golden, tolerance):
    import numpy as np

    if found.shape != golden.shape:
        raise CheckFailedError(f"shape {found.shape}, not {golden.shape}")
    difference = np.abs(found.astype(np.float64) - golden)
    said = f"mean difference {difference.mean():.3g}, largest {difference.max():.3g}"
    if not (difference.mean() <= tolerance["mean"] and difference.max() <= tolerance["max"]):
        raise CheckFailedError(f"{said}; allowed {tolerance['mean']:.3g} and {tolerance['max']:.3g}")
    return said


def _classifier():
    import infer

    return infer.Classifier(HERE)


def weights_by_dtype(model):
    """How many weights an ONNX file stores in each type: the elements of its constants of two and more dimensions."""
    counts = {}
    for graph in _messages(memoryview(model), 7):  # ModelProto.graph
        for tensor in _messages(graph, 5):  # GraphProto.initializer
            dims = [value for number, value in _fields(tensor) if number == 1]  # TensorProto.dims
            dtype = next(value for number, value in _fields(tensor) if number == 2)  # TensorProto.data_type
            if len(dims) >= 2:
                size = 1
                for dim in dims:
                    size *= dim
                name = DTYPES.get(dtype, f"type {dtype}")
                counts[name] = counts.get(name, 0) + size
    return counts


def _messages(data, wanted):
    return (value for number, value in _fields(data) if number == wanted)


def _fields(data):
    """The (number, value) pairs of a protobuf message: an int for varints, the bytes for everything else."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
        else:
            size, position = (8, position) if kind == 1 else (4, position) if kind == 5 else _varint(data, position)
            value, position = data[position : position + size], position + size
        yield key >> 3, value


def _varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())

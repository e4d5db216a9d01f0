"""README.md of a bundle: what to install, how to run it, what each file is. What was measured is in the model card."""

from collections.abc import Mapping
from typing import Any

from trainer.export.order import Order

PYTHON = "3.8"  # the oldest that the programs run on
PACKAGES = ("numpy>=1.21", "Pillow>=9.1")  # the oldest with what the programs call
_FILES = {
    "model_card.md": "what the network was trained on, and how accurate and fast this file is",
    "infer.py": "runs the model on image files",
    "verify.py": "checks every hash, and that the model gives the stored golden output here",
    "labels.json": "the names of the classes, in the order of the outputs",
    "preprocess.json": "how an image becomes the input; `preprocess.py` does it",
    "postprocess.py": "what the outputs say",
    "runtime.py": "opens the model",
    "golden/": "one image, its input and the outputs that the model gave when it was exported",
    "metrics.json": "all figures of the model card, for programs",
    "manifest.json": "what this file is, what it needs, and the sha256 of every other file",
}


def requires(written: Mapping[str, Any]) -> dict[str, Any]:
    """For the manifest. `written` is what the format says of its file."""
    of_format = {name: value for name, value in written.items() if name != "runtime"}
    return {"python": f">={PYTHON}", "packages": [written["runtime"], *PACKAGES], **of_format}


def write(order: Order, written: Mapping[str, Any]) -> str:
    """As Markdown."""
    packages = " ".join(f'"{package}"' for package in requires(written)["packages"])
    rows = [f"| `{name}` | {what} |" for name, what in _FILES.items()]
    return f"""# {order.spec.model.architecture}, {order.format.TITLE} {order.export.precision}

```
pip install {packages}
python verify.py
python infer.py IMAGE...
```

The programs run on Python {PYTHON} or newer. {_oldest(written)}HEIC images also need `pip install pillow-heif`; AVIF
images need Pillow 11.3 or newer. `python infer.py --help` lists the options.

| file | what it is |
|---|---|
{chr(10).join(rows)}
"""


def _oldest(written: Mapping[str, Any]) -> str:
    if "opset" not in written:
        return f"The model was run with {written['runtime'].replace('>=', ' ')}; older releases were not tried. "
    return (
        f"`model.onnx` is of opset {written['opset']} and IR version {written['ir_version']}: "
        f"{written['runtime'].replace('>=', ' ')} and newer open it. "
        'Releases of onnxruntime before 1.19 need `pip install "numpy<2"`. '
    )

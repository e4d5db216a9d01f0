"""The evidence behind docs/scenes.md: patch swap for segmentation and detection, direct and by transfer.

`python -m bench.scenes` runs what is missing and writes the document. See `plan` for what is compared.
"""

"""The evidence behind docs/results.md: methods compared at equal images seen, each tuned by as many trials.

`make results`, which is `python -m bench.results`, runs what is missing and writes the document. See `protocol`.
"""

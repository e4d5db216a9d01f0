"""The nemesis: faults against the running service, and an oracle that reads afterwards what became of every job.

`make nemesis` runs it; `tests/nemesis/__main__.py` says how. Faults lie in `faults/`, one module a family.
"""

"""`python -m patchswap.demo`: the whole way of a job on this machine, with real scans and measured figures."""

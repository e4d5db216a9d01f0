"""The life of a sweep. `requests`: what customers ask; `ledger`: what its driver writes; `views`: what readers see."""

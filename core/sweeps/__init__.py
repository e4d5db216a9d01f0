"""The life of a sweep. `requests`: what customers ask; `ledger`: what its driver writes; `pages`: what readers see."""

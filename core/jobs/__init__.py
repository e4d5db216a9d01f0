"""The life of a job. `requests`: what customers ask; `ledger`: what its worker writes; `views`: what readers see."""

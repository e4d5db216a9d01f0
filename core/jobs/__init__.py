"""The life of a job. `requests`: what customers ask; `ledger`: what its worker writes; `sweeping`: what got lost."""

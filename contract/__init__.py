"""What all processes agree on, as data and words: no ledger, no tensors."""

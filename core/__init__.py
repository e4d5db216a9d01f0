"""The ledger and all that api and worker do with it. No HTTP, no tensors."""

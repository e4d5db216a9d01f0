"""What api and worker agree on: specs, tables, jobs, events, storage, queue. No HTTP, no tensors."""

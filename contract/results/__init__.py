"""What came out: of a training, an export, an ingest."""

"""What is read fast or held open: the connection beside the pool, batches, the tail of events."""

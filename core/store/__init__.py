"""Objects in the bucket: stored, signed for, streamed."""

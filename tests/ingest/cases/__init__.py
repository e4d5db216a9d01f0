"""Archives as people keep them: each kind of fault that was seen, and what must come of it."""

"""Numbers that any task's figures use."""

"""What a method is, whatever the task; each task's methods are in its folder."""

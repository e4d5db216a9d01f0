"""Which of a model's files to take: their figures side by side, the front, its picture."""

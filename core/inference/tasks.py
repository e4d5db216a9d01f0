"""What becomes of a network's output, by task. A bundle carries its task's file as postprocess.py."""

from core.inference import classification

TASKS = {"classification": classification}

"""Bugs that were made once or are easily made, put back one at a time: the suite has to turn red for each."""

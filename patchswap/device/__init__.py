"""A machine that measures files for the service: it speaks HTTP with a key of the scope `device`, and nothing else."""
